"""The names of changes: what a night proposed is accepted or refused by them, nights later and by other versions."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.plan import change_id


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (("expire", "EXPIRE", 7), "b0b9bfa9ea9aa3f3"),
        (("join", "JOIN", 7, 3, "die Küche \ud83d"), "7a9c60f5e9a17896"),
    ],
)
def test_a_change_is_called_the_same_for_ever(of: tuple[str, str, int], name: str) -> None:
    assert change_id(*of) == name


def test_a_change_of_something_else_or_for_other_reasons_is_another() -> None:
    names = {
        change_id("a", "b", 1),
        change_id("a", "c", 1),
        change_id("b", "b", 1),
        change_id("a", "b", 2),
        change_id("a", "b", 1, 2),
        change_id("a", "b", 1, "2"),
    }
    assert len(names) == 6
