"""The report as a file in a real Chromium: it asks for nothing, fits, can be used by keyboard, and runs nothing but its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from iai_daemon.paths import Home
from tests.cli.calling import said
from tests.report.browser.home import live_in
from tests.report.browser.looking import SIZES, Browsing, Seen


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a home that was lived in."""
    return made_in(live_in(_home(tmp_path_factory)))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a home in which nothing has been yet."""
    return made_in(_home(tmp_path_factory))


def _home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("file") / "home")
    home.create()
    return home


def made_in(home: Home) -> Path:
    path = home.root.parent / "report.html"
    assert said(home, "report", "--out", str(path)) == f"{path}\n"
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_whole_at_every_size_and_asks_for_nothing(
    browsing: Browsing, file: Path, size: str, theme: str
) -> None:
    seen = browsing.open(file.as_uri(), size=size, theme=theme)
    seen.fits()
    assert seen.open_all() >= 3
    seen.fits()
    assert set(seen.requests) <= {file.as_uri(), "data:,"}
    seen.is_well()


def test_axe_finds_nothing_serious_in_it(browsing: Browsing, file: Path) -> None:
    browsing.open(file.as_uri()).axe()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_it_with_all_nights_open(
    browsing: Browsing, file: Path, theme: str
) -> None:
    seen = browsing.open(file.as_uri(), theme=theme, size="phone" if theme == "dark" else "desk")
    seen.open_all()
    seen.axe()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_home_in_which_nothing_has_been_is_told_of_without_holes(
    browsing: Browsing, empty: Path, theme: str
) -> None:
    seen = browsing.open(empty.as_uri(), theme=theme, size="phone")
    seen.fits()
    seen.axe()
    seen.is_well()
    assert not re.search(r"None|undefined|NaN|\{\{", seen.page.inner_text("body"))


def rows(seen: Seen) -> list[str]:
    return [str(each.get_attribute("id")) for each in seen.page.locator("#nights-table tbody th[id]").all()]


def test_tables_are_sorted_by_a_click_and_say_so(browsing: Browsing, file: Path) -> None:
    seen = browsing.open(file.as_uri())
    assert rows(seen) == ["night-3", "night-2", "night-1"]
    head = began(seen)
    head.get_by_role("button").click()
    first, first_rows = head.get_attribute("aria-sort"), rows(seen)
    head.get_by_role("button").click()
    assert {first, head.get_attribute("aria-sort")} == {"ascending", "descending"}
    assert (
        rows(seen)
        == first_rows[::-1]
        == (["night-1", "night-2", "night-3"] if first == "descending" else first_rows[::-1])
    )
    assert seen.page.locator("#nights-table th[aria-sort]").count() == 1


def began(seen: Seen) -> Locator:
    return seen.page.locator("#nights-table").get_by_role("columnheader", name="Began")


@pytest.mark.parametrize("key", ["Enter", " "])
def test_tables_are_sorted_and_nights_opened_by_keyboard_alone(
    browsing: Browsing, file: Path, key: str
) -> None:
    seen = browsing.open(file.as_uri())
    reach(seen, "document.activeElement.dataset.sort === 'began'")
    seen.page.keyboard.press(key)
    expect(began(seen)).to_have_attribute("aria-sort", "descending")
    seen.page.keyboard.press(key)
    expect(began(seen)).to_have_attribute("aria-sort", "ascending")
    assert rows(seen) == ["night-1", "night-2", "night-3"]
    reach(seen, "document.activeElement.localName === 'summary'")
    seen.page.keyboard.press(key)
    expect(seen.page.locator("#detail-1")).to_have_attribute("open", "")


def reach(seen: Seen, there: str) -> None:
    """By the tab key, and each place on the way can be seen to have the focus."""
    for _ in range(60):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate(there):
            break
    assert seen.page.evaluate(there)
    assert seen.page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_the_first_tab_leads_past_what_stands_above_the_content(browsing: Browsing, file: Path) -> None:
    seen = browsing.open(file.as_uri())
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    assert seen.page.evaluate("document.activeElement.id") == "content"


def test_the_theme_can_be_switched_and_is_remembered(browsing: Browsing, file: Path) -> None:
    profile = browsing.profile()
    seen = browsing.go(profile, file.as_uri())
    switch = seen.page.get_by_role("button", name="Theme")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = seen.page.evaluate(paper)
    while "dark" not in switch.inner_text():
        switch.click()
    dark = seen.page.evaluate(paper)
    assert light != dark
    assert browsing.go(profile, file.as_uri()).page.evaluate(paper) == dark
    seen.is_well()


def test_without_scripts_everything_can_be_read_and_opened(browsing: Browsing, file: Path) -> None:
    with_scripts = browsing.open(file.as_uri()).page.locator("#content").text_content()
    seen = browsing.open(file.as_uri(), scripts=False)
    assert seen.page.locator("#content").text_content() == with_scripts
    seen.page.locator("#detail-2 > summary").click()
    assert seen.page.locator("#detail-2 .memories").first.is_visible()


def test_what_others_wrote_is_shown_and_never_run(browsing: Browsing, file: Path) -> None:
    seen = browsing.open(file.as_uri())
    seen.open_all()
    text = str(seen.page.locator("#content").text_content())
    for script in (
        "<script>window.ran = 1</script>",
        "<img src=x onerror='window.ran = 2'>",
        "<svg onload=window.ran=3></svg>",
    ):
        assert script in text
    assert (
        seen.page.locator("#content script, #content img, #content [onload], #content [onerror]").count() == 0
    )
    seen.is_well()


def test_the_page_refuses_what_a_hole_in_it_would_let_in(browsing: Browsing, file: Path) -> None:
    """Its own policy holds: nothing that is put into it runs or is loaded."""
    seen = browsing.open(file.as_uri())
    seen.page.evaluate(
        """() => { for (const text of ["<img src='http://127.0.0.1:9/x' onerror='window.ran = 9'>", "<iframe src='http://127.0.0.1:9/'></iframe>"]) {
            const part = document.createElement("div"); part.innerHTML = text; document.body.append(part); }
            const script = document.createElement("script"); script.textContent = "window.ran = 8"; document.body.append(script); }"""
    )
    seen.page.wait_for_function("document.images.length > 0 && document.images[0].complete")
    assert seen.page.evaluate("window.ran") is None
    assert len(seen.complaints) >= 3
    assert not [each for each in seen.requests if "127.0.0.1:9" in each and each not in " ".join(seen.failed)]
