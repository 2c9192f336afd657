"""The notes of wrappers that ended: read whatever they hold, told once, and gone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.presence.ends import REASONS, End, parse, take

NOTE = {
    "pid": 7,
    "reason": "client closed",
    "status": 0,
    "started_at": "2026-11-21T12:00:00Z",
    "ended_at": "2026-11-21T12:01:30.500Z",
    "client": {"name": "editor", "version": None},
    "session_id": "s",
    "server": "npx",
}


def test_a_note_tells_who_ended_why_and_how_long_it_had_lived() -> None:
    assert parse(json.dumps(NOTE).encode()) == End(7, "client closed", 0, 90.5, "editor", "s", "npx")


def test_what_a_note_leaves_out_or_writes_wrongly_is_not_known() -> None:
    assert parse(b'{"pid": 7, "reason": "SIGHUP"}') == End(7, "SIGHUP")
    odd = {**NOTE, "status": "0", "started_at": 5, "client": "x", "session_id": 3, "server": None}
    assert parse(json.dumps(odd).encode()) == End(7, "client closed")


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    ended = parse(json.dumps({**NOTE, "ended_at": "2026-11-21T11:00:00Z"}).encode())
    assert ended is not None
    assert ended.lasted == 0


def test_a_text_from_outside_is_short_and_holds_nothing_that_moves_a_terminal() -> None:
    ended = parse(json.dumps({**NOTE, "server": "a\x1b[2J\n" + "x" * 9999}).encode())
    assert ended is not None
    assert ended.server is not None
    assert (ended.server[:6], len(ended.server)) == ("a?[2J?", 200)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"17", b"{}", b'{"pid":1}', b'{"pid":1,"reason":"x"}', b"[" * 9999]
)
def test_what_is_no_note_tells_nothing(data: bytes) -> None:
    assert parse(data) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    assert parse(data) is None


@given(
    st.dictionaries(
        st.sampled_from(list(NOTE)), st.none() | st.integers() | st.text(max_size=5) | st.floats()
    )
)
def test_any_values_are_read(values: dict[str, object]) -> None:
    ended = parse(json.dumps({**NOTE, **values}).encode())
    assert ended is None or ended.reason in REASONS


def test_each_note_is_taken_once_and_everything_else_stays(directory: Path, tmp_path: Path) -> None:
    (directory / "ended-07.json").write_text(json.dumps(NOTE))
    (directory / "ended-99.json").write_text("torn")
    others = ["ended-7.json", "ended-07.json.tmp", "ended-007.json", "heartbeat-1-a.json", "note"]
    for name in others:
        (directory / name).write_text(json.dumps(NOTE))
    (directory / "ended-01.json").mkdir()
    (directory / "ended-02.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(directory / "ended-03.json")
    assert [each.pid for each in take([directory, tmp_path / "missing"])] == [7]
    assert list(take([directory])) == []
    left = {path.name for path in directory.iterdir()}
    assert left == {*others, "ended-01.json", "ended-02.json", "ended-03.json"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_note_of_another_user_is_not_believed(directory: Path) -> None:
    path = directory / "ended-07.json"
    path.write_text(json.dumps(NOTE))
    os.chown(path, 65534, 65534)
    assert list(take([directory])) == []
    assert path.exists()
