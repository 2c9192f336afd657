"use strict";
// What a page without this can do without: another theme than the system's, and tables in another order.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const said = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
  const next = { auto: "light", light: "dark", dark: "auto" };

  // A page that is a file may not be allowed to remember anything: then it does not.
  function remembered() {
    try {
      return localStorage.getItem("iai-daemon-theme");
    } catch {
      return null;
    }
  }

  function remember(theme) {
    try {
      if (theme === "auto") localStorage.removeItem("iai-daemon-theme");
      else localStorage.setItem("iai-daemon-theme", theme);
    } catch {
      // as above
    }
  }

  let theme = "auto";
  function show(wanted) {
    theme = wanted in said ? wanted : "auto";
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.textContent = said[theme];
  }

  show(remembered() || "auto");
  button.hidden = false;
  button.addEventListener("click", () => {
    show(next[theme]);
    remember(theme);
  });

  // The rows of the nights come in pairs, each pair in a body of its own, which says what it is sorted by.
  function sort(head) {
    const table = head.closest("table");
    const name = head.querySelector("button").dataset.sort;
    const turned = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
    const bodies = [...table.tBodies];
    const numeric = bodies.every((each) => each.dataset[name] !== "" && !Number.isNaN(Number(each.dataset[name])));
    const compare = numeric
      ? (one, other) => Number(one.dataset[name]) - Number(other.dataset[name])
      : (one, other) => one.dataset[name].localeCompare(other.dataset[name]);
    bodies.sort((one, other) => turned * compare(one, other) || Number(other.dataset.id) - Number(one.dataset.id));
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", turned > 0 ? "ascending" : "descending");
    table.append(...bodies);
  }

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-sort]");
    if (pressed) sort(pressed.closest("th"));
  });

  // A link to a night opens it.
  function openNamed() {
    const named = document.getElementById(location.hash.slice(1));
    const body = named && named.closest("tbody[data-id]");
    const inside = body && body.querySelector("details");
    if (inside) inside.open = true;
  }

  window.addEventListener("hashchange", openNamed);
  document.addEventListener("content", openNamed);
  openNamed();

  // On paper everything is open.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const each of closed) each.open = false;
  });
})();
