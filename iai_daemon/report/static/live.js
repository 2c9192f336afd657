"use strict";
// The served page: it renews itself when the server says that something has changed, and takes nights back when asked to.
(() => {
  const main = document.getElementById("content");
  const note = document.getElementById("live-note");
  const said = document.getElementById("live-said");
  const dialog = document.getElementById("undo");
  const csrf = document.getElementById("live").dataset.csrf;
  // Milliseconds: how often it is read aloud that the page has renewed itself, and when to try again what failed.
  const ALOUD_EVERY = 30000;
  const AGAIN_AFTER = 3000;

  // -- Saying how it stands.

  const hour = () => new Date().toLocaleTimeString("en-GB");

  function show(state, text) {
    if (note.textContent !== text) note.textContent = text;
    note.dataset.state = state;
  }

  let toldAt = -Infinity;
  function sayRenewed() {
    show("live", `Live, as of ${hour()}`);
    const now = performance.now();
    if (now - toldAt < ALOUD_EVERY) return;
    toldAt = now;
    said.textContent = `The page was renewed at ${hour()}.`;
  }

  function lost(text) {
    if (note.dataset.state !== "lost") said.textContent = text;
    show("lost", text);
  }

  // -- What a reader has made of the page, kept while its content is replaced.

  const tableKey = (table, place) => table.id || `table ${place}`;

  function sortOrders() {
    const found = new Map();
    main.querySelectorAll("table").forEach((table, place) => {
      const sorted = table.querySelector('th[aria-sort="ascending"], th[aria-sort="descending"]');
      if (sorted) found.set(tableKey(table, place), [sorted.cellIndex, sorted.getAttribute("aria-sort")]);
    });
    return found;
  }

  function sortAgain(orders) {
    main.querySelectorAll("table").forEach((table, place) => {
      const [column, order] = orders.get(tableKey(table, place)) || [];
      const button = () => table.tHead && table.tHead.rows[0].cells[column] && table.tHead.rows[0].cells[column].querySelector("button");
      for (let clicks = 0; order && button() && clicks < 3; clicks += 1) {
        if (button().closest("th").getAttribute("aria-sort") === order) break;
        button().click();
      }
    });
  }

  function opened() {
    return new Map([...main.querySelectorAll("details[id]")].map((each) => [each.id, each.open]));
  }

  function openAgain(states) {
    for (const each of main.querySelectorAll("details[id]")) {
      if (states.has(each.id)) each.open = states.get(each.id);
    }
  }

  function scrolled() {
    const moved = [...main.querySelectorAll("[id]")].filter((each) => each.scrollLeft || each.scrollTop);
    return moved.map((each) => [each.id, each.scrollLeft, each.scrollTop]);
  }

  function scrollAgain(moved) {
    for (const [id, left, top] of moved) {
      const region = document.getElementById(id);
      if (region) region.scrollTo({ left, top, behavior: "instant" });
    }
  }

  // A way to the element with the focus that also leads to the one which will stand in its place.
  function wayTo(element) {
    if (!main.contains(element) || element === main) return null;
    if (element.id) return `#${CSS.escape(element.id)}`;
    if (element.dataset.undo) return `[data-undo="${CSS.escape(element.dataset.undo)}"]`;
    const steps = [];
    for (let each = element; each !== main; each = each.parentElement) {
      if (each.id) {
        steps.unshift(`#${CSS.escape(each.id)}`);
        break;
      }
      steps.unshift(`${each.localName}:nth-child(${[...each.parentElement.children].indexOf(each) + 1})`);
    }
    return steps.join(" > ");
  }

  const inSight = (top) => top >= 0 && top < window.innerHeight;

  // What somebody looks at stays where it is, whatever grows above it: what has the focus, else what stands on top.
  function anchor(way) {
    const focused = way && main.querySelector(way);
    if (focused && inSight(focused.getBoundingClientRect().top)) return [way, focused.getBoundingClientRect().top];
    let above = null;
    for (const each of main.querySelectorAll("section[id], details[id], tbody th[id]")) {
      const top = each.getBoundingClientRect().top;
      if (inSight(top)) return [`#${CSS.escape(each.id)}`, top];
      if (top < 0) above = [`#${CSS.escape(each.id)}`, top];
    }
    return above;
  }

  function scrollBack([way, top]) {
    const there = main.querySelector(way);
    if (there) window.scrollBy({ top: there.getBoundingClientRect().top - top, behavior: "instant" });
  }

  function replace(text) {
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    const orders = sortOrders(), states = opened(), moved = scrolled();
    const way = wayTo(document.activeElement), place = anchor(way), position = window.scrollY;
    main.replaceChildren(fresh.content);
    document.dispatchEvent(new Event("content"));
    sortAgain(orders);
    openAgain(states);
    scrollAgain(moved);
    if (way) (main.querySelector(way) || main).focus({ preventScroll: true });
    window.scrollTo({ top: position, behavior: "instant" });
    if (place) scrollBack(place);
  }

  // -- Renewing: one at a time, and not under somebody's hand.

  let renewing = false, wanted = false, before = null;

  function selecting() {
    const selection = document.getSelection();
    return Boolean(selection) && !selection.isCollapsed && main.contains(selection.anchorNode);
  }

  async function renew() {
    wanted = true;
    if (renewing || selecting()) return;
    renewing = true;
    try {
      while (wanted && !selecting()) {
        wanted = false;
        await fetchOnce();
      }
    } finally {
      renewing = false;
    }
  }

  async function fetchOnce() {
    let answer, text;
    try {
      answer = await fetch("/content", { cache: "no-store", credentials: "same-origin" });
      text = await answer.text();
    } catch {
      lost("The connection is lost. Trying again …");
      return;
    }
    if (answer.status === 403) {
      leave();
      return;
    }
    if (!answer.ok) {
      const page = new DOMParser().parseFromString(text, "text/html").querySelector("p");
      lost(`This page could not be renewed: ${page ? page.textContent : answer.status}`);
      setTimeout(renew, AGAIN_AFTER);
      return;
    }
    if (text !== before) {
      replace(text);
      if (before === null) show("live", `Live, as of ${hour()}`);
      else sayRenewed();
      before = text;
    } else {
      show("live", note.dataset.state === "live" ? note.textContent : `Live, as of ${hour()}`);
    }
  }

  document.addEventListener("selectionchange", () => {
    if (wanted && !selecting()) renew();
  });

  // -- Hearing of changes, while somebody can see the page.

  let events = null, again = 0;

  function connect() {
    clearTimeout(again);
    if (events || document.hidden) return;
    events = new EventSource("/events");
    events.addEventListener("open", renew);
    events.addEventListener("changed", renew);
    events.addEventListener("error", () => {
      lost("The connection is lost. Trying again …");
      if (events && events.readyState === EventSource.CLOSED) {
        disconnect();
        again = setTimeout(connect, AGAIN_AFTER);
        renew();
      }
    });
  }

  function disconnect() {
    if (events) events.close();
    events = null;
  }

  function leave() {
    disconnect();
    clearTimeout(again);
    again = 0;
    lost("This page is over: it was served by another run of iai-daemon report --serve, whose address the terminal shows.");
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", connect);

  // -- Undoing a night.

  const about = document.getElementById("undo-about");
  const outcome = document.getElementById("undo-said");
  const title = document.getElementById("undo-title");
  const [cancel, sure] = dialog.querySelectorAll("button");
  let night = null, force = false;

  async function ask(number) {
    [night, force] = [number, false];
    title.textContent = `Undo night ${number}?`;
    about.textContent = "Looking at what it would take back …";
    outcome.textContent = "";
    offer("Cancel", "Undo this night");
    sure.disabled = true;
    dialog.showModal();
    cancel.focus();
    const [ok, told] = await call(`/nights/${encodeURIComponent(number)}/undo`, {});
    if (night !== number) return;
    about.textContent = ok ? told.said : told.problem;
    if (ok) sure.disabled = false;
    else offer("Close", null);
  }

  // Which buttons there are: to leave, and to go on; the one with the focus may go, so that it stays with the first.
  function offer(leaving, going) {
    cancel.textContent = leaving;
    sure.textContent = going || "";
    sure.hidden = !going;
    sure.disabled = false;
    if (dialog.open) cancel.focus();
  }

  async function undo() {
    const number = night;
    sure.disabled = true;
    outcome.textContent = "Undoing …";
    const wish = { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf }, body: JSON.stringify({ force }) };
    const [ok, told] = await call(`/nights/${encodeURIComponent(number)}/undo`, wish);
    if (ok) {
      said.textContent = told.said;
      renew();
    }
    if (night !== number) return;
    about.textContent = "";
    outcome.textContent = ok ? told.said : told.force_loses || told.problem;
    force = !ok && Boolean(told.force_loses);
    if (ok) title.textContent = `Night ${number} is undone`;
    offer(ok ? "Close" : force ? "Cancel" : "Close", force ? "Undo it all the same" : null);
  }

  // What the server answers, and whether it is what was wished.
  async function call(path, wish) {
    try {
      const answer = await fetch(path, { cache: "no-store", credentials: "same-origin", ...wish });
      const type = answer.headers.get("content-type") || "";
      if (!type.startsWith("application/json")) return [false, { problem: "This page is over: load it again from the address that the terminal shows." }];
      return [answer.ok, await answer.json()];
    } catch {
      return [false, { problem: "The server does not answer: is it still running?" }];
    }
  }

  main.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-undo]");
    if (button) ask(button.dataset.undo);
  });
  cancel.addEventListener("click", () => dialog.close());
  sure.addEventListener("click", undo);
  dialog.addEventListener("close", () => {
    const number = night;
    night = null;
    // The button that was pressed may have been replaced, or gone with what it undid.
    const button = main.querySelector(`[data-undo="${CSS.escape(number)}"]`);
    (button || document.getElementById(`night-${number}`) || main).focus({ preventScroll: true });
  });

  connect();
})();
