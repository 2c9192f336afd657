"""The served page in a real Chromium: it renews itself, undoes nights after asking, and keeps to its own server."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from iai_daemon.clock import read
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import export, night, remember
from tests.fakes import FakeClock
from tests.introduction import introduction
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper
from tests.report.browser.home import SCRIPTS
from tests.report.browser.looking import SIZES, Browsing, Seen
from tests.report.served import Served

Serve = Callable[..., Served]


def the_memory(home: Home) -> str:
    with closing(open_stores(home)) as stores:
        return export(stores)


def undone_nights(home: Home) -> list[int]:
    with closing(open_stores(home)) as stores:
        return [each.id for each in stores.nights.nights() if each.undone_at is not None]


def one_more_night(home: Home) -> None:
    """As another process runs it."""
    now = read().wall
    with closing(open_stores(home)) as stores:
        remember(stores, "service 1 listens on 9999", at=now - 60, subject="service 1", attribute="port")
        night(stores, clock=FakeClock(wall=now))


def renewed(page: Page) -> None:
    """Until it has renewed itself for the first time, after it was loaded."""
    expect(page.locator("#live-note")).to_contain_text("Live")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_there_at_every_size_and_asks_nobody_but_its_own_server(
    browsing: Browsing, there: Served, size: str, theme: str
) -> None:
    seen = browsing.open(there.address, size=size, theme=theme)
    renewed(seen.page)
    seen.open_all()
    seen.fits()
    assert {urlsplit(each).netloc for each in seen.requests} == {f"127.0.0.1:{there.port}"}
    seen.is_well()


def test_the_token_leaves_the_address_and_the_way_back(browsing: Browsing, there: Served) -> None:
    seen = browsing.open("about:blank")
    seen.page.goto(there.address)
    assert seen.page.url == f"{there.origin}/"
    assert seen.page.evaluate("document.cookie") == ""
    seen.page.reload()
    assert seen.page.locator("#live").count() == 1
    seen.page.go_back()
    assert seen.page.url == "about:blank"
    seen.is_well()


def test_a_link_from_elsewhere_leads_in_too(browsing: Browsing, there: Served, another_site: str) -> None:
    """As the file does that `--open` gives to the browser."""
    seen = browsing.open(another_site)
    seen.page.evaluate("address => { location.href = address }", there.address)
    expect(seen.page.locator("#live")).to_have_count(1)
    assert seen.page.url == f"{there.origin}/"


def test_with_a_wrong_token_nothing_is_shown(browsing: Browsing, there: Served) -> None:
    seen = browsing.open(f"{there.origin}/?token=wrong")
    assert "for whoever started it" in seen.page.inner_text("body")
    assert "staging" not in seen.page.content()
    seen.axe()


@pytest.fixture
def another_site() -> Iterator[str]:
    """A page of somebody else's on this machine."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another</title><link rel=icon href=data:,>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_page_of_another_server_on_this_machine_reads_nothing_and_does_nothing(
    browsing: Browsing, there: Served, another_site: str
) -> None:
    """Its browser has our cookie, and sends it along: the port makes no other site of it."""
    before = the_memory(there.home)
    profile = browsing.profile()
    browsing.go(profile, there.address)
    other = browsing.go(profile, another_site)
    told = other.page.evaluate(
        """async origin => {
            const tried = [];
            for (const [path, wish] of [["/content", {credentials: "include"}], ["/", {credentials: "include", mode: "no-cors"}],
                ["/nights/1/undo", {method: "POST", credentials: "include", mode: "no-cors", body: "{}"}],
                ["/nights/1/undo", {method: "POST", credentials: "include", headers: {"X-CSRF-Token": "x", "Content-Type": "application/json"}, body: "{}"}]]) {
                try { tried.push((await (await fetch(origin + path, wish)).text()).length); } catch { tried.push("refused"); }
            }
            return tried;
        }""",
        there.origin,
    )
    assert {each for each in told if each != 0} == {"refused"}
    other.page.evaluate(
        """origin => new Promise(done => { const frame = document.createElement("iframe"); frame.onload = done;
            frame.src = origin + "/"; document.body.append(frame); })""",
        there.origin,
    )
    framed = other.page.frames[-1]
    assert "staging" not in framed.content()
    assert the_memory(there.home) == before


def press_undo(seen: Seen, number: int) -> None:
    """As somebody with a keyboard does, who has opened the night first."""
    seen.open_all()
    button = seen.page.locator(f'button[data-undo="{number}"]')
    button.focus()
    seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("dialog", name=f"Undo night {number}?")).to_be_visible()


@pytest.mark.parametrize("way", ["Cancel", "Escape", "Enter"])
def test_undoing_asks_first_and_whoever_does_not_say_yes_changes_nothing(
    browsing: Browsing, there: Served, way: str
) -> None:
    before = the_memory(there.home)
    seen = browsing.open(there.address)
    renewed(seen.page)
    press_undo(seen, 3)
    dialog = seen.page.get_by_role("dialog")
    expect(dialog).to_contain_text("It made 12 changes: 1 expired, 11 replaced.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    if way == "Cancel":
        dialog.get_by_role("button", name="Cancel").click()
    else:
        seen.page.keyboard.press(way)
    expect(dialog).to_be_hidden()
    expect(seen.page.locator('button[data-undo="3"]')).to_be_focused()
    assert the_memory(there.home) == before
    assert undone_nights(there.home) == []
    seen.is_well()


def test_a_night_is_undone_for_good_and_the_page_says_so_by_itself(
    browsing: Browsing, lived_in: Home, serve: Serve
) -> None:
    seen = browsing.open(serve(lived_in).address)
    renewed(seen.page)
    press_undo(seen, 3)
    seen.page.get_by_role("button", name="Undo this night").last.click()
    dialog = seen.page.get_by_role("dialog", name="Night 3 is undone")
    expect(dialog).to_contain_text("Night 3 is undone: 12 memories are as they were before it.")
    assert undone_nights(lived_in) == [3]
    expect(seen.page.locator('button[data-undo="3"]')).to_have_count(0)
    seen.page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    assert seen.page.evaluate("document.getElementById('content').contains(document.activeElement)")
    seen.is_well()


def test_what_has_changed_since_is_undone_only_after_saying_what_is_lost(
    browsing: Browsing, lived_in: Home, serve: Serve
) -> None:
    seen = browsing.open(serve(lived_in).address)
    renewed(seen.page)
    with closing(open_stores(lived_in)) as stores:
        changed = stores.nights.journal(night=3)[0].record
        stores.memory.forget(changed, read().milliseconds)
    press_undo(seen, 3)
    seen.page.get_by_role("dialog").get_by_role("button", name="Undo this night").click()
    dialog = seen.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Nothing was undone yet: the memory {changed} changed after night 3.")
    expect(dialog).to_contain_text("those later changes are lost")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    assert undone_nights(lived_in) == []
    seen.axe()
    dialog.get_by_role("button", name="Undo it all the same").click()
    expect(dialog).to_contain_text(f"also the memory {changed} that changed later")
    assert undone_nights(lived_in) == [3]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_with_all_nights_open_and_the_dialog_before_them(
    browsing: Browsing, there: Served, theme: str
) -> None:
    seen = browsing.open(there.address, theme=theme, size="phone" if theme == "dark" else "desk")
    renewed(seen.page)
    press_undo(seen, 2)
    expect(seen.page.get_by_role("dialog")).to_contain_text("It made")
    seen.axe()
    seen.fits()


def nights_in_order(seen: Seen) -> list[str]:
    return [str(each.get_attribute("id")) for each in seen.page.locator("#nights-table tbody th[id]").all()]


def test_a_new_night_appears_without_reloading_and_the_page_stays_as_its_reader_has_made_it(
    browsing: Browsing, lived_in: Home, serve: Serve
) -> None:
    seen = browsing.open(serve(lived_in).address)
    renewed(seen.page)
    seen.page.evaluate("window.here = true")
    for _ in range(2):
        seen.page.locator("#nights-table").get_by_role("button", name="Began").click()
    assert nights_in_order(seen) == ["night-1", "night-2", "night-3"]
    closed = seen.page.locator("details#detail-2")
    assert closed.get_attribute("open") is None
    seen.page.locator("details#detail-2 > summary").focus()
    seen.page.keyboard.press("Enter")
    expect(closed).to_have_attribute("open", "")
    top = seen.page.locator("details#detail-2").bounding_box()
    one_more_night(lived_in)
    expect(seen.page.locator("#night-4")).to_have_count(1)
    assert seen.page.evaluate("window.here")
    expect(seen.page.locator("details#detail-2")).to_have_attribute("open", "")
    expect(seen.page.locator("details#detail-2 > summary")).to_be_focused()
    assert nights_in_order(seen) == ["night-1", "night-2", "night-3", "night-4"]
    assert seen.page.locator('th[aria-sort="ascending"]').inner_text() == "Began"
    now = seen.page.locator("details#detail-2").bounding_box()
    assert top is not None
    assert now is not None
    assert abs(now["y"] - top["y"]) < 5
    expect(seen.page.get_by_role("status").first).to_contain_text("The page was renewed at")
    seen.is_well()


def test_while_somebody_marks_text_the_page_waits(browsing: Browsing, lived_in: Home, serve: Serve) -> None:
    served, profile = serve(lived_in), browsing.profile()
    marking, beside = (browsing.go(profile, served.address) for _ in range(2))
    for each in (marking, beside):
        renewed(each.page)
    marking.page.bring_to_front()
    marking.page.evaluate("getSelection().selectAllChildren(document.getElementById('headline'))")
    one_more_night(lived_in)
    expect(beside.page.locator("#night-4")).to_have_count(1)
    assert marking.page.locator("#night-4").count() == 0
    assert marking.page.evaluate("getSelection().toString()") != ""
    marking.page.evaluate("getSelection().empty()")
    expect(marking.page.locator("#night-4")).to_have_count(1)


def introduce(wrapper: RunningWrapper, name: str) -> None:
    """As a client says who it is, and begins to work."""
    assert wrapper.process.stdin is not None
    assert wrapper.process.stdout is not None
    wrapper.process.stdin.write(json.dumps(introduction(name=name)).encode() + b"\n")
    wrapper.process.stdin.flush()
    assert wrapper.process.stdout.readline()
    wrapper.send("tools/call")


def test_who_is_there_appears_as_soon_as_the_daemon_says_so(
    browsing: Browsing, home: Home, serve: Serve
) -> None:
    seen = browsing.open(serve(home).address)
    renewed(seen.page)
    daemon = RunningDaemon(home, SHORT)
    try:
        wrapper = RunningWrapper(home)
        try:
            introduce(wrapper, f"somebody {SCRIPTS[0]}")
            expect(seen.page.locator("#presence")).to_contain_text(f"somebody {SCRIPTS[0]}")
        finally:
            wrapper.leave()
    finally:
        daemon.stop()
    seen.is_well()


def test_a_lost_connection_is_said_and_a_new_run_is_told_apart(
    browsing: Browsing, home: Home, serve: Serve
) -> None:
    first = serve(home)
    seen = browsing.open(first.address)
    renewed(seen.page)
    first.stop()
    expect(seen.page.locator("#live-note")).to_contain_text("The connection is lost.")
    serve(home, "--port", str(first.port))
    expect(seen.page.locator("#live-note")).to_contain_text("This page is over")


def test_without_scripts_everything_is_there_and_the_command_is_named(
    browsing: Browsing, there: Served
) -> None:
    seen = browsing.open(there.address, scripts=False)
    text = seen.page.inner_text("body")
    assert "iai-daemon nights undo" in text
    assert seen.page.locator("#night-3").count() == 1
