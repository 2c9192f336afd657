"""Elements of SVG, letter for letter."""

from __future__ import annotations

import pytest

from iai_daemon.report.drawing.svg import along, element, picture, words


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, "<a/>"),
        ({"x": 1}, '<a x="1"/>'),
        ({"x": 0}, '<a x="0"/>'),
        ({"x": None, "y": 2}, '<a y="2"/>'),
        ({"class_": "k"}, '<a class="k"/>'),
        ({"text_anchor": "end"}, '<a text-anchor="end"/>'),
        ({"aria_labelledby": "i j"}, '<a aria-labelledby="i j"/>'),
        ({"view_box": "0 0 1 1"}, '<a viewBox="0 0 1 1"/>'),
        ({"preserve_aspect_ratio": "none"}, '<a preserveAspectRatio="none"/>'),
        ({"patternUnits": "userSpaceOnUse"}, '<a patternUnits="userSpaceOnUse"/>'),
        ({"x": 1.0, "y": 1.25, "z": 0.0}, '<a x="1" y="1.25" z="0"/>'),
        ({"x": 10.0, "y": 0.12345, "z": -0.5}, '<a x="10" y="0.123" z="-0.5"/>'),
        ({"x": 100, "y": "1.0"}, '<a x="100" y="1.0"/>'),
        ({"x": "<&\"'>"}, '<a x="&lt;&amp;&quot;&#x27;&gt;"/>'),
    ],
)
def test_an_element_has_the_attributes_that_it_is_given(attributes: dict[str, object], told: str) -> None:
    assert element("a", **attributes) == told


def test_an_element_holds_others_and_closes_itself_where_it_holds_nothing() -> None:
    assert element("g", element("a", x=1), element("b"), y=2) == '<g y="2"><a x="1"/><b/></g>'
    assert element("g", "", "") == "<g/>"


def test_words_are_escaped() -> None:
    assert words("a < b & \"c\" 'd'") == "a &lt; b &amp; &quot;c&quot; &#x27;d&#x27;"


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (0, 4, "0%"),
        (1, 4, "25%"),
        (4, 4, "100%"),
        (5, 4, "100%"),
        (-1, 4, "0%"),
        (1, 3, "33.333%"),
        (0.5, 0.5, "100%"),
        (0.1, 0.5, "20%"),
        (1, 0, "0%"),
        (-1, -2, "0%"),
    ],
)
def test_a_place_is_told_in_percent(part: float, whole: float, share: str) -> None:
    assert along(part, whole) == share


def test_a_picture_is_named_and_described_for_who_does_not_see_it() -> None:
    assert picture("n", "Title <", "Told >", 90.5, ["<a/>", "<b/>"]) == (
        '<svg class="drawing n" role="img" aria-labelledby="n-title n-desc" width="100%" height="90.5"'
        ' xmlns="http://www.w3.org/2000/svg">'
        '<title id="n-title">Title &lt;</title><desc id="n-desc">Told &gt;</desc><a/><b/></svg>'
    )


def test_a_picture_may_be_styled_as_another_and_is_still_found_by_its_name() -> None:
    assert picture("n", "t", "d", 90.0, [], "k").startswith(
        '<svg class="drawing k" role="img" aria-labelledby="n-title n-desc" width="100%" height="90" '
    )
