"""The report's pictures, as elements: what stands where, and that nothing written by others gets out of its place."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.report.drawing import columns, growth, hypnogram
from iai_daemon.report.drawing.columns import Column
from iai_daemon.report.drawing.hypnogram import Night, Row, Stretch
from iai_daemon.report.drawing.scale import ticks
from iai_daemon.report.drawing.svg import along, element

SVG = "{http://www.w3.org/2000/svg}"
HOUR = 3600.0
EVIL = '</title><script>alert("1")</script>&amp;'


def parsed(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 -- our own drawing


def classed(drawing: str, name: str) -> list[ET.Element]:
    return [each for each in parsed(drawing).iter() if each.get("class") == name]


def a_row(start: float = 0.0, hours: float = 24.0) -> Row:
    return Row("Monday 16 November", start, start + hours * HOUR, [(start + 6 * HOUR, "06")])


def test_an_element_escapes_what_it_is_given() -> None:
    assert element("text", class_="a", x=1.25, y=None, text_anchor='"<') == (
        '<text class="a" x="1.25" text-anchor="&quot;&lt;"/>'
    )


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, 3, "33.333%"), (-1, 3, "0%"), (9, 3, "100%"), (1, 0, "0%")]
)
def test_a_share_never_leaves_the_drawing(part: float, whole: float, share: str) -> None:
    assert along(part, whole) == share


@given(st.floats(0, 1e9))
def test_ticks_are_few_whole_and_round_and_reach_the_highest(highest: float) -> None:
    found = ticks(highest)
    assert found[0] == 0
    assert found[-1] >= highest
    assert 2 <= len(found) <= 6
    assert len({later - earlier for earlier, later in pairwise(found)}) == 1


def test_a_stretch_stands_in_the_lane_of_its_state_as_wide_as_it_was_long() -> None:
    day = [
        Stretch(0, 6 * HOUR, "BEDTIME", "a"),
        Stretch(6 * HOUR, 18 * HOUR, "WAKE", "b"),
        Stretch(18 * HOUR, 24 * HOUR, "IDLE", "c"),
    ]
    drawing = hypnogram.draw([a_row()], day, [], "told")
    (bed,), (wake,), (idle,) = (classed(drawing, name) for name in ("bedtime", "wake", "idle"))
    assert [(each.get("x"), each.get("width")) for each in (bed, wake, idle)] == [
        ("0%", "25%"),
        ("25%", "50%"),
        ("75%", "25%"),
    ]
    assert float(wake.get("y", 0)) < float(idle.get("y", 0)) < float(bed.get("y", 0))


def test_a_stretch_over_midnight_stands_in_both_days_and_a_night_is_marked_in_one() -> None:
    rows = [a_row(), a_row(24 * HOUR)]
    over = Stretch(18 * HOUR, 30 * HOUR, "BEDTIME", "over midnight")
    night = Night(23 * HOUR, "night", failed=False, said="night 3")
    drawing = hypnogram.draw(rows, [over], [night], "told")
    assert [(each.get("x"), each.get("width")) for each in classed(drawing, "bedtime")] == [
        ("75%", "25%"),
        ("0%", "25%"),
    ]
    assert len(classed(drawing, "night")) == 1


def test_a_day_of_23_hours_is_as_wide_as_any_other() -> None:
    drawing = hypnogram.draw([a_row(hours=23)], [Stretch(0, 23 * HOUR, "WAKE", "all day")], [], "told")
    assert [(each.get("x"), each.get("width")) for each in classed(drawing, "wake")] == [("0%", "100%")]


def test_what_is_not_known_is_hatched_and_a_night_that_failed_has_a_cross() -> None:
    drawing = hypnogram.draw(
        [a_row()],
        [Stretch(0, HOUR, None, "nothing is known")],
        [Night(HOUR, "night", failed=True, said="x"), Night(2 * HOUR, "nap", failed=False, said="y")],
        "told",
    )
    assert len(classed(drawing, "unknown")) == 1
    assert [each.text for each in classed(drawing, "moon")] == ["×"]
    assert len(classed(drawing, "failed")) == 1
    assert len(classed(drawing, "nap")) == 1


def test_a_drawing_says_what_it_shows_to_who_does_not_see_it() -> None:
    root = parsed(hypnogram.draw([a_row()], [], [], "seven days"))
    assert root.get("role") == "img"
    named = {each.get("id"): each.text for each in root.iter() if each.get("id")}
    assert [named[name] for name in (root.get("aria-labelledby") or "").split()] == [
        "How the last days went",
        "seven days",
    ]


def test_words_of_others_stay_words() -> None:
    drawings = [
        hypnogram.draw(
            [Row(EVIL, 0, 1, [])], [Stretch(0, 1, "WAKE", EVIL)], [Night(0, "nap", False, EVIL)], EVIL
        ),
        columns.draw("c", EVIL, EVIL, [Column([(1, "a")], EVIL)], height=10.0, highest=1, names=[EVIL]),
        growth.draw([dict.fromkeys(growth.KINDS, 1)], [EVIL], EVIL),
    ]
    for drawing in drawings:
        assert not list(parsed(drawing).iter(f"{SVG}script"))
        assert "<script" not in drawing


def test_growth_is_stacked_and_reaches_as_high_as_there_are_memories() -> None:
    points = [
        {"current": 10, "superseded": 0, "archived": 0, "expired": 0, "forgotten": 0},
        {"current": 50, "superseded": 50, "archived": 0, "expired": 0, "forgotten": 0},
    ]
    drawing = growth.draw(points, ["1 Nov", "now"], growth.describe(points))
    (current,), (superseded,) = classed(drawing, "current"), classed(drawing, "superseded")
    assert current.get("d") == "M0.000,90.000 L100.000,50.000 L100.000,100.000 L0.000,100.000 Z"
    assert superseded.get("d") == "M0.000,90.000 L100.000,0.000 L100.000,50.000 L0.000,90.000 Z"
    assert not classed(drawing, "archived"), "what there is none of is not drawn"
    assert "From 10 current memories to 50 now." in drawing


def test_one_point_and_none_are_drawings_too() -> None:
    assert classed(growth.draw([dict.fromkeys(growth.KINDS, 2)], ["now"], "told"), "current")
    assert parsed(growth.draw([], [], growth.describe([]))).tag == f"{SVG}svg"
    assert parsed(columns.draw("c", "t", "d", [], height=10.0, highest=0)).tag == f"{SVG}svg"
    assert parsed(hypnogram.draw([], [], [], "d")).tag == f"{SVG}svg"


def test_a_column_shows_what_there_is_however_little() -> None:
    bars = [Column([(100, "asked"), (0.01, "before"), (0, "after")], "night 3")]
    drawing = columns.draw("checks", "t", "d", bars, height=90.0, highest=100)
    (asked,), (before,) = classed(drawing, "asked"), classed(drawing, "before")
    assert (asked.get("height"), before.get("height")) == ("90", "1.5")
    assert not classed(drawing, "after")


MOMENTS = st.floats(-1e6, 1e6, allow_nan=False)
STATES = st.sampled_from(["WAKE", "IDLE", "BEDTIME", None, "DOZING"])


@given(
    st.lists(st.builds(Stretch, MOMENTS, MOMENTS, STATES, st.text())),
    st.lists(st.builds(Night, MOMENTS, st.sampled_from(["night", "nap"]), st.booleans(), st.text())),
)
def test_whatever_is_drawn_stays_inside(stretches: list[Stretch], nights: list[Night]) -> None:
    drawing = hypnogram.draw([a_row(), a_row(24 * HOUR)], stretches, nights, "told")
    allowed = "".join(each if each.isprintable() else " " for each in drawing)
    for each in parsed(allowed).iter():
        for name in ("x", "width", "cx"):
            share = each.get(name) or ""
            assert not share.endswith("%") or 0 <= float(share[:-1]) <= 100
