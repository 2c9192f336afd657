"""What `make coverage` tells, and that it runs what `make test` runs."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.coverage.rooms import Seen, room_of, told, total


def _file(
    lines: int, missing: list[int], branches: int = 0, jumps: tuple[tuple[int, int], ...] = ()
) -> dict[str, Any]:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": lines - len(missing),
            "num_branches": branches,
            "covered_branches": branches - len(jumps),
        },
        "missing_lines": missing,
        "missing_branches": [list(each) for each in jumps],
    }


REPORT = {
    "files": {
        "iai_daemon/presence/scanner.py": _file(10, [3, 4, 5, 9], branches=4, jumps=((3, 4), (6, -1))),
        "iai_daemon/presence/classify.py": _file(10, []),
        "iai_daemon/shift.py": _file(5, [1]),
        "wrappers/iai_relay.py": _file(4, []),
    }
}


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("iai_daemon/presence/scanner.py", "presence"),
        ("iai_daemon/shift.py", "shift"),
        ("wrappers/iai_relay.py", "wrappers"),
    ],
)
def test_a_file_counts_for_its_room(path: str, room: str) -> None:
    assert room_of(path) == room


def test_each_room_is_told_with_the_places_that_nothing_ran() -> None:
    rows = [" ".join(row.split()) for row in told(REPORT)]
    assert rows == [
        "presence 75.00 % 16/20 lines, 2/4 branches",
        "iai_daemon/presence/scanner.py 57.14 % 6/10 lines, 2/4 branches 3-5, 9, 6->exit",
        "shift 80.00 % 4/5 lines, 0/0 branches",
        "iai_daemon/shift.py 80.00 % 4/5 lines, 0/0 branches 1",
        "wrappers 100.00 % 4/4 lines, 0/0 branches",
        "all 78.79 % 24/29 lines, 2/4 branches",
    ]


def test_lines_and_branches_count_alike() -> None:
    assert total(REPORT) == Seen(29, 24, 4, 2)
    assert Seen(6, 3, 4, 4).percent == 70.0
    assert Seen(0, 0, 0, 0).percent == 100.0


def test_what_is_measured_is_what_make_runs_as_every_test() -> None:
    parts = pytest.importorskip("tests.coverage.__main__", reason="coverage is not installed").parts()
    assert [part[part.index("-m") + 1] for part in parts][1:] == ["night", "alone"]
    assert parts[0][:2] == ["-n", str(2 * (os.cpu_count() or 1))]
