"""The hypnogram by plain values: where each day, each state and each night stands, and the words around them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from iai_daemon.report.drawing.hypnogram import Night, Row, Stretch, describe, draw

SVG = "{http://www.w3.org/2000/svg}"
HOUR = 3600.0
DAY = 24 * HOUR


def a_day(number: int = 0) -> Row:
    start = 1000.0 + number * DAY
    return Row(f"day {number}", start, start + DAY, [(start + 6 * HOUR, "06"), (start + 12 * HOUR, "12")])


def stretch(since: float, until: float, state: str | None = "WAKE", said: str = "said") -> Stretch:
    """In hours of the first day."""
    return Stretch(1000.0 + since * HOUR, 1000.0 + until * HOUR, state, said)


def a_night(since: float, kind: str = "night", *, failed: bool = False, said: str = "said") -> Night:
    return Night(1000.0 + since * HOUR, kind, failed, said)


def drawn(rows: Sequence[Row], stretches: Sequence[Stretch] = (), nights: Sequence[Night] = ()) -> ET.Element:
    return ET.fromstring(draw(rows, stretches, nights, "told"))  # noqa: S314 -- our own drawing


def attributes(root: ET.Element, name: str, kind: str) -> list[dict[str, str]]:
    """Of the elements of this name and class, all but those two."""
    found = [each for each in root.iter(f"{SVG}{name}") if each.get("class") == kind]
    return [{key: value for key, value in each.attrib.items() if key != "class"} for each in found]


def test_it_names_itself_and_is_as_high_as_it_has_days() -> None:
    for number, height in ((0, "20"), (1, "96"), (7, "552")):
        root = drawn([a_day(each) for each in range(number)])
        assert (root.get("class"), root.get("height")) == ("drawing hypnogram", height)
        assert [each.text for each in root][:2] == ["How the last days went", "told"]


def test_what_is_not_known_has_a_pattern_that_is_seen_without_a_colour() -> None:
    (defs,) = drawn([]).iter(f"{SVG}defs")
    (pattern,) = defs
    assert pattern.tag == f"{SVG}pattern"
    assert dict(pattern.attrib) == {
        "id": "unknown",
        "width": "8",
        "height": "8",
        "patternUnits": "userSpaceOnUse",
    }
    assert [(each.tag, dict(each.attrib)) for each in pattern] == [
        (f"{SVG}path", {"d": "M-2,2 L2,-2 M0,8 L8,0 M6,10 L10,6", "class": "hatch"})
    ]


def test_each_day_has_its_name_its_ground_and_its_hours_below_those_before() -> None:
    root = drawn([a_day(0), a_day(1)])
    names = [each for each in root.iter(f"{SVG}text") if each.get("class") == "day"]
    assert [(each.text, each.get("x"), each.get("y")) for each in names] == [
        ("day 0", "0", "13"),
        ("day 1", "0", "89"),
    ]
    assert attributes(root, "rect", "ground") == [
        {"x": "0", "y": y, "width": "100%", "height": "36", "rx": "2"} for y in ("20", "96")
    ]
    assert attributes(root, "line", "hour") == [
        {"x1": x, "x2": x, "y1": above, "y2": below}
        for above, below in (("20", "56"), ("96", "132"))
        for x in ("25%", "50%")
    ]


def test_the_hours_are_written_once_below_the_last_day() -> None:
    root = drawn([a_day(0), a_day(1)])
    found = [each for each in root.iter(f"{SVG}text") if each.get("class") == "axis"]
    assert [(each.text, each.get("x"), each.get("y"), each.get("text-anchor")) for each in found] == [
        ("06", "25%", "162", "middle"),
        ("12", "50%", "162", "middle"),
    ]


@pytest.mark.parametrize(
    ("state", "kind", "top", "height"),
    [
        ("WAKE", "wake", "20", "12"),
        ("IDLE", "idle", "32", "12"),
        ("BEDTIME", "bedtime", "44", "12"),
        (None, "unknown", "20", "36"),
        ("DOZING", "unknown", "20", "36"),
    ],
)
def test_a_stretch_stands_in_its_lane(state: str | None, kind: str, top: str, height: str) -> None:
    root = drawn([a_day()], [stretch(6, 18, state, "six to six")])
    assert attributes(root, "rect", kind) == [{"x": "25%", "y": top, "width": "50%", "height": height}]
    (drawn_stretch,) = (each for each in root.iter(f"{SVG}rect") if each.get("class") == kind)
    assert [(each.tag, each.text) for each in drawn_stretch] == [(f"{SVG}title", "six to six")]


def test_a_stretch_over_midnight_stands_in_both_days() -> None:
    root = drawn([a_day(0), a_day(1)], [stretch(18, 30, "IDLE")])
    assert attributes(root, "rect", "idle") == [
        {"x": "75%", "y": "32", "width": "25%", "height": "12"},
        {"x": "0%", "y": "108", "width": "25%", "height": "12"},
    ]


@pytest.mark.parametrize(("since", "until"), [(-6, 0), (24, 30), (-6, -1), (25, 30)])
def test_a_stretch_of_another_day_is_not_drawn(since: float, until: float) -> None:
    assert attributes(drawn([a_day()], [stretch(since, until)]), "rect", "wake") == []


@pytest.mark.parametrize(
    ("kind", "failed", "radius", "sign"),
    [
        ("night", False, "6", "☾"),
        ("night", True, "6", "×"),
        ("nap", False, "3.5", None),
        ("nap", True, "3.5", None),
    ],
)
def test_a_night_is_a_mark_where_it_began(kind: str, failed: bool, radius: str, sign: str | None) -> None:
    root = drawn([a_day()], [], [a_night(6, kind, failed=failed, said="night 3")])
    (group,) = root.iter(f"{SVG}g")
    assert group.get("class") == ("failed" if failed else None)
    title, ring, *moon = group
    assert (title.tag, title.text) == (f"{SVG}title", "night 3")
    assert (ring.tag, dict(ring.attrib)) == (
        f"{SVG}circle",
        {"cx": "25%", "cy": "58", "r": radius, "class": kind},
    )
    assert [(each.text, dict(each.attrib)) for each in moon] == (
        [(sign, {"x": "25%", "y": "61.5", "text-anchor": "middle", "class": "moon"})] if sign else []
    )


@pytest.mark.parametrize(("since", "marks"), [(-1, []), (0, ["58"]), (23, ["58"]), (24, ["134"]), (48, [])])
def test_a_night_is_marked_in_the_day_that_it_began_in(since: float, marks: list[str]) -> None:
    root = drawn([a_day(0), a_day(1)], [], [a_night(since)])
    assert [each.get("cy") for each in root.iter(f"{SVG}circle")] == marks


@pytest.mark.parametrize(
    ("days", "kinds", "words"),
    [
        (7, ["night", "nap", "night"], "7 days, a row each: HOURS; 2 nights, 1 nap."),
        (1, ["night", "nap", "nap"], "1 day, a row each: HOURS; 1 night, 2 naps."),
        (0, [], "0 days, a row each: HOURS; 0 nights, 0 naps."),
    ],
)
def test_what_it_shows_is_said_in_words(days: int, kinds: list[str], words: str) -> None:
    totals = {"WAKE": 30 * HOUR, "IDLE": 12.4 * HOUR, "BEDTIME": 5.6 * HOUR}
    nights = [a_night(number, kind) for number, kind in enumerate(kinds)]
    said = describe([a_day(number) for number in range(days)], totals, nights)
    hours = "awake 30 h, idle 12 h, bedtime 6 h"
    assert said == f"{words.replace('HOURS', hours)} The nights are listed below."
