"""How the memory has grown, by plain values: which areas there are, between which lines, and what is written beside them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from iai_daemon.report.drawing.growth import KINDS, describe, draw

SVG = "{http://www.w3.org/2000/svg}"


def point(**kinds: int) -> dict[str, int]:
    return {kind: kinds.get(kind, 0) for kind in KINDS}


def drawn(*points: dict[str, int], names: Sequence[str] = ()) -> ET.Element:
    return ET.fromstring(draw(points, names, "told"))  # noqa: S314 -- our own drawing


def areas(root: ET.Element) -> list[tuple[str | None, str | None]]:
    return [(each.get("class"), each.get("d")) for each in root.iter(f"{SVG}path")]


def test_it_names_itself_and_says_what_it_shows() -> None:
    root = drawn(point(current=1))
    assert (root.get("class"), root.get("height")) == ("drawing growth", "230")
    assert [each.text for each in root][:2] == ["How many memories there are", "told"]


def test_each_kind_stands_on_those_before_it_with_an_edge_above() -> None:
    root = drawn(point(current=10, superseded=10), point(current=20, superseded=10, forgotten=10))
    assert areas(root) == [
        ("current", "M0.000,75.000 L100.000,50.000 L100.000,100.000 L0.000,100.000 Z"),
        ("edge current-edge", "M0.000,75.000 L100.000,50.000"),
        ("superseded", "M0.000,50.000 L100.000,25.000 L100.000,50.000 L0.000,75.000 Z"),
        ("edge superseded-edge", "M0.000,50.000 L100.000,25.000"),
        ("forgotten", "M0.000,50.000 L100.000,0.000 L100.000,25.000 L0.000,50.000 Z"),
        ("edge forgotten-edge", "M0.000,50.000 L100.000,0.000"),
    ]
    edges = [each for each in root.iter(f"{SVG}path") if (each.get("class") or "").startswith("edge")]
    assert {each.get("vector-effect") for each in edges} == {"non-scaling-stroke"}


def test_all_kinds_are_drawn_in_their_order() -> None:
    root = drawn(point(**dict.fromkeys(KINDS, 1)))
    drawn_kinds = [kind for kind, _ in areas(root) if kind and not kind.startswith("edge")]
    assert drawn_kinds == ["current", "superseded", "archived", "expired", "forgotten"]


def test_one_time_alone_is_as_wide_as_the_drawing() -> None:
    assert areas(drawn(point(current=4))) == [
        ("current", "M0.000,0.000 L100.000,0.000 L100.000,100.000 L0.000,100.000 Z"),
        ("edge current-edge", "M0.000,0.000 L100.000,0.000"),
    ]


def test_times_stand_evenly_along_the_width() -> None:
    three = drawn(point(current=1), point(current=2), point(current=4))
    assert areas(three)[1] == ("edge current-edge", "M0.000,75.000 L50.000,50.000 L100.000,0.000")


def test_without_a_time_there_are_the_levels_alone() -> None:
    root = drawn()
    assert areas(root) == []
    assert [each.text for each in root.iter(f"{SVG}text")] == ["0", "1"]


def test_the_areas_are_stretched_to_the_width() -> None:
    _, *inside = drawn(point(current=1)).iter(f"{SVG}svg")
    assert [dict(each.attrib) for each in inside] == [
        {
            "x": "0",
            "y": "14",
            "width": "100%",
            "height": "190",
            "viewBox": "0 0 100 100",
            "preserveAspectRatio": "none",
        }
    ]


def test_the_levels_are_lines_with_their_numbers() -> None:
    root = drawn(point(current=1500, superseded=500))
    assert [dict(each.attrib) for each in root.iter(f"{SVG}line")] == [
        {"x1": "0", "x2": "100%", "y1": y, "y2": y, "class": "level"}
        for y in ("204", "156.5", "109", "61.5", "14")
    ]
    found = list(root.iter(f"{SVG}text"))
    assert [(each.text, each.get("y")) for each in found] == [
        ("0", "201"),
        ("500", "153.5"),
        ("1,000", "106"),
        ("1,500", "58.5"),
        ("2,000", "11"),
    ]
    assert {(each.get("x"), each.get("class")) for each in found} == {("0", "axis")}


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["now"], [("0%", "start")]),
        (["1 Nov", "now"], [("0%", "start"), ("100%", "end")]),
        (["1 Nov", "11 Nov", "now"], [("0%", "start"), ("50%", "middle"), ("100%", "end")]),
    ],
)
def test_the_times_stand_below(names: list[str], places: list[tuple[str, str]]) -> None:
    found = list(drawn(names=names).iter(f"{SVG}text"))[2:]
    assert [each.text for each in found] == names
    assert [(each.get("x"), each.get("text-anchor")) for each in found] == places
    assert {(each.get("y"), each.get("class")) for each in found} == {("222", "axis")}


def test_what_it_shows_is_said_in_words() -> None:
    assert describe([]) == "Nothing is known yet."
    said = "From 3 current memories to 9 now. The figures are in the table below."
    assert describe([point(current=3), point(current=5), point(current=9)]) == said
