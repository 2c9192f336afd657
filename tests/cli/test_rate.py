"""How fast a night goes and what is left of it, by plain values on a clock that is handed in."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.cli.rate import Rate


def far(done: int | None, total: int | None = 1000, *, turn: int = 1, name: str = "embed") -> dict[str, Any]:
    """How far a night is: the part `consolidation` of a status."""
    return {"night": 12, "pass": name, "progress": {"round": turn, "done": done, "total": total}}


def seen(*moments: tuple[float, int]) -> Rate:
    """Told at these times that so many were done."""
    rate = Rate()
    for now, done in moments:
        rate.see(far(done), now)
    return rate


@pytest.mark.parametrize(
    ("moments", "now", "speed"),
    [
        ([], 10.0, None),
        ([(0.0, 0)], 10.0, None),
        ([(0.0, 0), (1.0, 45)], 1.0, 45.0),
        ([(0.0, 0), (0.5, 45)], 0.9, None),
        ([(0.0, 0), (0.5, 45)], 1.0, 45.0),
        ([(0.0, 5), (2.0, 25)], 4.0, 5.0),
        ([(0.0, 1), (1.0, 2), (4.0, 9)], 4.0, 2.0),
        ([(5.0, 0), (10.0, 0), (15.0, 20)], 15.0, 2.0),
    ],
)
def test_the_speed_is_known_once_more_has_been_done_for_a_second(
    moments: list[tuple[float, int]], now: float, speed: float | None
) -> None:
    assert seen(*moments).per_second(now) == speed


def test_the_speed_is_that_of_the_last_fifteen_seconds() -> None:
    rate = seen((0.0, 0), (100.0, 10), (110.0, 30), (115.0, 40))
    assert rate.per_second(115.0) == 40 / 115.0
    rate.see(far(42), 115.5)
    assert rate.per_second(116.0) == 32 / 16
    assert seen((0.0, 0), (50.0, 10), (100.0, 30)).per_second(100.0) == 20 / 50


def test_the_last_two_that_were_seen_count_however_old_they_are() -> None:
    rate = seen((0.0, 0), (100.0, 50))
    rate.see(far(50), 200.0)
    assert rate.per_second(200.0) == 0.25


def test_no_more_is_kept_than_is_of_use() -> None:
    rate = Rate()
    for number in range(300):
        rate.see(far(number), number / 1000)
    assert rate.per_second(1.044) == 255.0


@pytest.mark.parametrize(
    "other",
    [
        far(20, name="merge"),
        far(20, turn=2),
        far(20) | {"night": 13},
        far(5),
    ],
)
def test_another_pass_round_or_night_and_one_that_starts_over_begin_anew(other: dict[str, Any]) -> None:
    rate = seen((0.0, 0), (10.0, 10))
    rate.see(other, 11.0)
    assert rate.per_second(20.0) is None
    rate.see({**other, "progress": other["progress"] | {"done": 40}}, 12.0)
    assert rate.per_second(21.0) == (40 - other["progress"]["done"]) / 10


@pytest.mark.parametrize("nothing", [None, {}, {"done": None}])
def test_a_pass_that_does_not_tell_how_far_it_is_has_done_nothing_yet(
    nothing: dict[str, Any] | None,
) -> None:
    rate = Rate()
    rate.see({"night": 12, "pass": "embed", "progress": nothing}, 0.0)
    rate.see({"night": 12, "pass": "embed", "progress": {"done": 30}}, 2.0)
    assert rate.per_second(2.0) == 15.0
    assert rate.say({"night": 12, "pass": "embed", "progress": nothing}, 2.0) == "15/s"
    assert rate.say({"night": 12, "pass": "embed", "progress": {"done": None, "total": 23}}, 2.0) == (
        "15/s, 2 s left"
    )


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (9, 100, "0.9/s, 101 s left"),
        (99, 1000, "9.9/s, 91 s left"),
        (100, 150, "10/s, 5 s left"),
        (450, 900, "45/s, 10 s left"),
        (12_340, 1_000_000, "1,234/s, 13 min left"),
        (450, 451, "45/s, 0 s left"),
        (450, 450, "45/s"),
        (450, 440, "45/s"),
        (450, None, "45/s"),
        (450, 0, "45/s"),
    ],
)
def test_the_speed_is_said_with_the_time_that_is_left(done: int, total: int | None, words: str) -> None:
    assert seen((0.0, 0), (10.0, done)).say(far(done, total), 10.0) == words


def test_nothing_is_said_as_long_as_too_little_is_known() -> None:
    assert seen((0.0, 0)).say(far(10), 10.0) == ""
