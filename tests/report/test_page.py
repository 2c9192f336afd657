"""The page as bytes: one file that needs nothing, runs nothing but its own, and can be read by everybody."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from contextlib import closing
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from iai_daemon.report.page import Live, render, render_content
from iai_daemon.report.words import Words, count, duration, hours, marked, shown
from tests.cli.inside import call, call_json, refused, said
from tests.consolidation.evening import night, remember
from tests.fakes import NOON
from tests.report.told import EVIL, NOW, a_week, days, everything, evil_nights, some_nights, told

LATER = NOW + 3_600_000
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """The elements of a page, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], "what is opened is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            if tag in self.inside:
                self.inside[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.inside:
            self.inside[self._open[-1]][-1] += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def full(home: Home) -> str:
    everything(home)
    return render(told(home, LATER))


def test_a_page_asks_for_nothing_that_is_not_in_it(full: str) -> None:
    page = Page(full)
    addresses = [
        each[name] or ""
        for _, each in page.elements
        for name in ("src", "href", "srcset", "action", "poster", "data", "xlink:href")
        if name in each
    ]
    assert addresses
    assert all(each.startswith(("#", "data:")) for each in addresses)
    assert not re.search(r"@import|url\((?!#)", page.inside["style"][0])
    # The name of SVG's own vocabulary is no address that anybody asks.
    assert set(re.findall(r"https?://[^\"'\s]+", full)) == {"http://www.w3.org/2000/svg"}
    assert "http" not in page.inside["script"][0]


def test_a_page_may_run_its_own_script_alone_and_nothing_in_an_attribute(full: str) -> None:
    page = Page(full)
    (policy,) = (
        each["content"] or ""
        for each in page.all("meta")
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (content,) = page.inside[tag]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert not [
        name for _, each in page.elements for name in each if name.startswith("on") or name == "style"
    ]


def test_a_page_can_be_found_through_by_ear_and_by_keyboard(full: str) -> None:
    page = Page(full)
    assert page.all("html") == [{"lang": "en"}]
    assert [len(page.all(each)) for each in ("main", "h1", "header", "footer")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = Counter(each["id"] for _, each in page.elements if "id" in each)
    assert [name for name, number in ids.items() if number > 1] == []
    for _, each in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((each.get(name) or "").split()) <= set(ids)
        if (each.get("href") or "").startswith("#"):
            assert (each["href"] or "")[1:] in ids
    regions = [each for each in page.all("div") if each.get("role") == "region"]
    assert regions
    assert all(
        each.get("tabindex") == "0" and ("aria-label" in each or "aria-labelledby" in each)
        for each in regions
    )
    assert all(each.get("scope") in ("col", "row") for each in page.all("th"))
    drawings = [each for each in page.all("svg") if "class" in each]
    assert len(drawings) >= 5
    assert all(each.get("role") == "img" and each.get("aria-labelledby") for each in drawings)


def test_times_can_be_read_by_programs_and_say_in_which_zone_they_are(full: str) -> None:
    page = Page(full)
    stamps = [each["datetime"] or "" for each in page.all("time")]
    assert len(stamps) > 10
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each) for each in stamps)
    assert "Saturday 21 November 2026, 13:00 UTC" in page.text


def test_every_part_is_there_and_tells_what_happened(full: str) -> None:
    text = Page(full).text
    assert "What night 1 did" in text
    assert "the staging token is 1" in text
    assert "expired (expire, round 1): was to be kept until 2026-11-21T11:59:00.000Z" in text
    assert "↶ taken back" in text
    assert "✕ failed" in text
    assert "exit status 3: <b>" in text
    assert "○ missed" in text
    assert "no daemon was running" in text
    assert "claude-code" in text
    assert "asked" in text


@pytest.mark.parametrize("live", [None, Live("secret")])
def test_what_others_wrote_stays_text(home: Home, live: Live | None) -> None:
    evil_nights(home)
    days(home)
    a_week(home, EVIL)
    text = render(told(home, LATER), live)
    page = Page(text)
    assert len(page.all("script")) == (1 if live is None else 2)
    assert page.all("img") == []
    assert "<script>document.title" in page.text
    assert "</style></textarea><!--" in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert max(map(len, page.texts)) < 1000


def test_whatever_stands_in_the_report_can_be_written_down() -> None:
    assert shown("a\ud800b").encode() == '<bdi dir="auto">a\ufffdb</bdi>'.encode()
    assert marked("`a <b>` & `c") == "<code>a &lt;b&gt;</code> &amp; c"


def test_a_fresh_home_makes_a_page_that_says_what_will_come(home: Home) -> None:
    text = Page(render(told(home))).text
    for words in (
        "There was no night yet.",
        "No nights yet.",
        "Nothing is remembered yet.",
        "No agent was woken.",
    ):
        assert words in text
    assert "Nobody was seen yet." in text
    assert "No daemon has run here" in text


def test_a_memory_that_is_away_is_said_in_each_part_and_the_rest_is_shown(home: Home) -> None:
    everything(home)
    home.memory.write_bytes(b"this is no database, and longer than a header of one would have to be" * 20)
    text = Page(render(told(home, LATER))).text
    assert text.count("This cannot be told now.") == 6
    assert "claude-code" in text


def test_a_night_whose_report_lacks_what_we_expect_is_shown(home: Home) -> None:
    some_nights(home)
    with closing(sqlite3.connect(home.memory)) as connection, connection:
        connection.execute("UPDATE nights SET report = ? WHERE id = 1", (json.dumps({"id": 1}),))
    assert "What night 1 did" in Page(render(told(home, LATER))).text


def test_a_static_page_has_nothing_to_press_that_would_do_nothing(full: str, home: Home) -> None:
    assert "data-undo" not in full
    assert "live" not in {each.get("id") for _, each in Page(full).elements}
    served = Page(render(told(home, LATER), Live("secret")))
    assert [each["data-undo"] for each in served.all("button") if "data-undo" in each] == ["1"]


def test_the_content_alone_is_what_the_whole_page_has_inside_of_main(home: Home) -> None:
    everything(home)
    report = told(home, LATER)
    content = render_content(report, Live("secret"))
    assert content in render(report, Live("secret"))
    assert "<main" not in content


def test_each_night_says_what_it_is_sorted_by(full: str) -> None:
    page = Page(full)
    nights = [each for each in page.all("tbody") if "data-id" in each]
    sorted_by = {each["data-sort"] for each in page.all("button") if "data-sort" in each}
    assert len(nights) == 2
    assert sorted_by == {"id", "began", "outcome", "seconds", "changed"}
    assert all(f"data-{name}" in each for name in sorted_by for each in nights)
    assert [each["aria-sort"] for each in page.all("th") if "aria-sort" in each] == ["descending"]


def test_a_busy_month_is_no_more_than_three_megabytes(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        for number in range(210):
            remember(
                stores,
                f"{number}: " + "the <staging> API answers on 8081 & not on 80, " * 60,
                expires_at=NOON - 60,
            )
        night(stores)
    a_week(home, "Is it <green>? " * 100)
    report = copy.deepcopy(told(home, LATER))
    (one,) = report["nights"]["listed"]
    for part in ("past", "coming"):
        report["agenda"][part] = (report["agenda"][part] * 150)[:150]
    report["nights"]["listed"] = [
        {**one, "id": number, "detail": one["detail"] if number < 8 else None} for number in range(100)
    ]
    watch = Stopwatch()
    size = len(render(report).encode())
    assert size < 3_000_000
    assert watch.seconds() < 10


def test_words_for_people() -> None:
    assert [duration(each) for each in (None, 0, 0.4, 31, 5000)] == [
        "–",
        "0 s",
        "under 1 s",
        "31 s",
        "83 min",
    ]
    assert [hours(each) for each in (60, 7200, 360_000)] == ["60 s", "2.0 h", "100 h"]
    assert [count(each, "memory", "memories") for each in (1, 0, 2100)] == [
        "1 memory",
        "0 memories",
        "2,100 memories",
    ]
    assert Words("Europe/Berlin").clock("2026-11-21T12:00:00.000Z") == (
        '<time datetime="2026-11-21T12:00:00.000Z">13:00</time>'
    )
    assert Words("Nowhere/At All").clock("2026-11-21T12:00:00.000Z").endswith(">12:00</time>")


# The command.


def test_the_command_writes_the_page_for_its_owner_alone_and_says_where(home: Home) -> None:
    some_nights(home)
    assert said(home, "report") == f"{home.report}\n"
    assert stat.S_IMODE(home.report.stat().st_mode) == 0o600
    assert "What night 1 did" in Page(home.report.read_text()).text
    elsewhere = home.root.parent / "page.html"
    assert call_json(home, "report", "--out", str(elsewhere)) == {"path": str(elsewhere)}
    assert elsewhere.stat().st_size > 10_000
    assert [each.name for each in home.root.parent.iterdir() if each.name.endswith(".tmp")] == []


def test_for_programs_the_command_prints_what_the_page_is_made_of(home: Home) -> None:
    some_nights(home)
    report = call_json(home, "report", "--days", "3")
    assert (report["days"], len(report["nights"]["listed"]), report["home"]) == (3, 2, str(home.root))
    assert not home.report.exists()


def test_a_page_that_cannot_be_written_is_an_error_of_one_sentence_and_leaves_the_old_one(home: Home) -> None:
    home.report.write_text("the old one")
    nowhere = home.root / "missing" / "page.html"
    assert "cannot be used" in refused(home, "report", "--out", str(nowhere))
    assert "cannot be used" in refused(home, "report", "--out", str(home.wrappers))
    assert home.report.read_text() == "the old one"


def test_days_are_at_least_one_and_at_most_a_year(home: Home) -> None:
    for number in ("0", "367", "many"):
        assert call(home, "report", "--days", number).returncode == 2


def test_open_shows_the_file_in_the_browser_that_the_user_has_chosen(home: Home, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o700)
    done = run_report(home, BROWSER=str(browser))
    assert (done["returncode"], done["stdout"], done["stderr"]) == (0, f"{home.report}\n", "")
    assert seen.read_text() == home.report.as_uri()


def test_without_a_browser_the_path_is_told_and_what_to_do_with_it(home: Home) -> None:
    done = run_report(home, PATH="/nonexistent")
    assert (done["returncode"], done["stdout"]) == (0, f"{home.report}\n")
    assert "open the file by hand" in done["stderr"]


def run_report(home: Home, **environment: str) -> dict[str, Any]:
    """`report --open`, in a process without a display."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    }
    done = subprocess.run(
        [sys.executable, "-m", "iai_daemon", "--home", str(home.root), "report", "--open"],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
