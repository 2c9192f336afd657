"""Round numbers for the side of a drawing, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.report.drawing.scale import ticks


@pytest.mark.parametrize(
    ("highest", "levels"),
    [
        (0, [0, 1]),
        (0.5, [0, 1]),
        (1, [0, 1]),
        (1.5, [0, 1, 2]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (8, [0, 2, 4, 6, 8]),
        (9, [0, 5, 10]),
        (20, [0, 5, 10, 15, 20]),
        (21, [0, 10, 20, 30]),
        (40, [0, 10, 20, 30, 40]),
        (41, [0, 20, 40, 60]),
        (100, [0, 50, 100]),
        (400, [0, 100, 200, 300, 400]),
        (401, [0, 200, 400, 600]),
        (1204, [0, 500, 1000, 1500]),
        (3600, [0, 1000, 2000, 3000, 4000]),
    ],
)
def test_the_levels_are_round_and_the_last_is_not_below_the_highest(
    highest: float, levels: list[int]
) -> None:
    assert ticks(highest) == levels
