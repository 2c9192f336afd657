"""history.jsonl: appended, rotated, read in spite of torn lines."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from iai_daemon.lifecycle import history
from iai_daemon.lifecycle.history import Transition
from tests.fakes import NOON


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.jsonl"


def _transition(number: int = 0, reason: str = "no wrapper is open") -> dict[str, object]:
    figures = {"fresh": 0, "quiet_seconds": 1.5}
    return Transition(NOON + number, "WAKE", "IDLE", "nobody", reason, figures).plain()


def _seconds(path: Path, limit: int | None = None) -> list[str]:
    return [str(each["at"])[17:19] for each in history.read(path, limit)]


def test_a_history_that_never_was_is_empty(path: Path) -> None:
    assert history.read(path) == []


def test_every_transition_is_read_as_it_was_written(path: Path) -> None:
    history.append(path, Transition(NOON + 0.0625, None, "WAKE", "started", "started", {}).plain())
    history.append(path, _transition(1))
    assert history.read(path) == [
        {"at": "2026-11-21T12:00:00.062Z", "from": None, "to": "WAKE", "rule": "started", "reason": "started", "figures": {}},
        {
            "at": "2026-11-21T12:00:01.000Z", "from": "WAKE", "to": "IDLE", "rule": "nobody", "reason": "no wrapper is open",
            "figures": {"fresh": 0, "quiet_seconds": 1.5},
        },
    ]  # fmt: skip
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_are_read_oldest_first(path: Path) -> None:
    for number in range(5):
        history.append(path, _transition(number))
    assert _seconds(path, 2) == ["03", "04"]
    assert _seconds(path, 50) == ["00", "01", "02", "03", "04"]


def test_a_torn_last_line_is_left_out_and_takes_nothing_with_it(path: Path) -> None:
    for number in range(2):
        history.append(path, _transition(number))
    path.write_bytes(path.read_bytes()[:-30])
    assert _seconds(path) == ["00"]
    history.append(path, _transition(2))
    assert _seconds(path) == ["00", "02"]


@pytest.mark.parametrize("line", [b"", b"\xff\xfe", b"[1]", b"null", b"{}", b"[" * 100_000, b"\0" * 100])
def test_a_line_of_something_else_is_left_out(path: Path, line: bytes) -> None:
    history.append(path, _transition(0))
    path.write_bytes(path.read_bytes() + line + b"\n")
    history.append(path, _transition(1))
    assert _seconds(path) == ["00", "01"]


def test_it_is_rotated_when_it_is_large_and_one_older_file_is_kept_and_read(path: Path) -> None:
    large = "x" * (history.MAX_BYTES // 2)
    history.append(path, _transition(0, large))
    assert [each.name for each in path.parent.iterdir()] == ["history.jsonl"]
    history.append(path, _transition(3, large))
    assert sorted(each.name for each in path.parent.iterdir()) == ["history.1.jsonl", "history.jsonl"]
    assert _seconds(path)[-1] == "03"
    assert len(_seconds(path)) >= 2
    for number in range(4, 9):
        history.append(path, _transition(number, large))
    assert sum(each.stat().st_size for each in path.parent.iterdir()) < 3 * history.MAX_BYTES
    assert _seconds(path)[-1] == "08"


def test_a_reason_in_any_words_stays_one_line(path: Path) -> None:
    history.append(path, _transition(0, "two\nlines and\u2028a third"))
    assert path.read_bytes().count(b"\n") == 1
    assert history.read(path)[0]["reason"] == "two\nlines and\u2028a third"


def test_a_link_in_its_place_is_not_followed(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        history.append(path, _transition())
    assert victim.read_text() == "precious\n"
