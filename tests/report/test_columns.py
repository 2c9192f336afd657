"""Columns side by side, by plain values: where each bar stands, and what is written below."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from iai_daemon.report.drawing.columns import Column, draw

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*columns: Column, **differently: Any) -> ET.Element:
    given: dict[str, Any] = {"height": 90.0, "highest": 100.0} | differently
    return ET.fromstring(draw("checks", "The checks", "told", columns, **given))  # noqa: S314 -- our own drawing


def attributes(root: ET.Element, name: str) -> list[dict[str, str]]:
    return [dict(each.attrib) for each in root.iter(f"{SVG}{name}")]


def bar(**differently: str) -> dict[str, str]:
    """One that is half as high as it may be, in the first of few columns."""
    usual = {"x": "1.167%", "y": "49", "width": "6%", "height": "45", "class": "found", "rx": "1"}
    return usual | differently


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        (50, {}),
        (100, {"y": "4", "height": "90"}),
        (400, {"y": "4", "height": "90"}),
        (0.01, {"y": "92.5", "height": "1.5"}),
        (2, {"y": "92.2", "height": "1.8"}),
    ],
)
def test_a_bar_is_as_high_as_its_level_and_never_too_low_to_be_seen(
    level: float, changes: dict[str, str]
) -> None:
    assert attributes(drawn(Column([(level, "found")], "said")), "rect") == [bar(**changes)]


@pytest.mark.parametrize(("level", "highest"), [(0, 100), (-1, 100), (50, 0), (50, -1)])
def test_what_has_no_height_is_not_drawn(level: float, highest: float) -> None:
    root = drawn(Column([(level, "found")], "said"), highest=highest)
    assert list(root.iter(f"{SVG}g")) == []


def test_a_low_scale_is_a_scale_too() -> None:
    assert attributes(drawn(Column([(0.5, "found")], "said"), highest=1), "rect") == [bar()]


def test_levels_stand_within_one_another_and_say_what_they_are() -> None:
    root = drawn(Column([(100, "asked"), (0, "none"), (50, "found")], "night 3"))
    (group,) = root.iter(f"{SVG}g")
    assert [each.tag.removeprefix(SVG) for each in group] == ["title", "rect", "rect"]
    assert group[0].text == "night 3"
    assert [each.get("class") for each in group[1:]] == ["asked", "found"]


def test_few_columns_are_as_wide_as_twelve_would_be_and_many_share_the_room() -> None:
    column = Column([(50, "found")], "said")
    assert [each["x"] for each in attributes(drawn(column, column), "rect")] == ["1.167%", "9.5%"]
    assert {each["width"] for each in attributes(drawn(*[column] * 12), "rect")} == {"6%"}
    many = attributes(drawn(*[column] * 24), "rect")
    assert {each["width"] for each in many} == {"3%"}
    assert (many[0]["x"], many[23]["x"]) == ("0.583%", "96.417%")


def test_a_line_stands_below_them_and_the_drawing_ends_there() -> None:
    root = drawn()
    assert attributes(root, "line") == [{"x1": "0", "x2": "100%", "y1": "94", "y2": "94", "class": "level"}]
    assert (root.get("class"), root.get("height")) == ("drawing checks", "96")
    assert [each.text for each in root] == ["The checks", "told", None]


def test_it_may_be_styled_as_another() -> None:
    assert drawn(kind="small").get("class") == "drawing small"


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["a"], [("0%", "start")]),
        (["a", "b"], [("0%", "start"), ("100%", "end")]),
        (["a", "b", "c"], [("0%", "start"), ("50%", "middle"), ("100%", "end")]),
        (["a", "b", "c", "d", "e"], [("0%", "start"), *[(f"{x}%", "middle") for x in (25, 50, 75)], ("100%", "end")]),
    ],
)  # fmt: skip
def test_names_stand_below_from_the_first_to_the_last(
    names: list[str], places: list[tuple[str, str]]
) -> None:
    root = drawn(names=names)
    assert root.get("height") == "116"
    found = list(root.iter(f"{SVG}text"))
    assert [each.text for each in found] == names
    assert [(each.get("x"), each.get("text-anchor")) for each in found] == places
    assert {(each.get("y"), each.get("class")) for each in found} == {("110", "axis")}
