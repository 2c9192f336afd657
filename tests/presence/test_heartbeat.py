"""One heartbeat file read: total over all bytes, and what every field becomes."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from iai_daemon.presence.heartbeat import (
    Heartbeat,
    Unreadable,
    is_heartbeat_name,
    parse,
    writer_of_temporary,
)
from tests.fakes import NOON, FakeClock
from tests.presence.heartbeats import PID, content

NAME = f"heartbeat-{PID}-0b-1c.json"
MTIME = NOON - 7

JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=8,
)
FIELDS = [*content(FakeClock().now()), "locked", "client", "session_id", "boot_id", "in_flight", "parent_pid"]


def _parse(payload: object) -> Heartbeat:
    beat = parse(NAME, json.dumps(payload).encode(), MTIME)
    assert isinstance(beat, Heartbeat)
    return beat


@given(some.text(), some.binary(max_size=200))
@example("heartbeat-1-.json", b"")
@example("heartbeat-00012-u.json", b"{}")
def test_whatever_the_name_and_the_bytes_are_there_is_a_heartbeat_or_a_reason(name: str, data: bytes) -> None:
    beat = parse(name, data, MTIME)
    assert beat.reason if isinstance(beat, Unreadable) else beat.fallback


@given(some.dictionaries(some.sampled_from(FIELDS), JSON))
def test_whatever_the_fields_hold_there_is_a_heartbeat_of_that_name(fields: dict[str, object]) -> None:
    beat = _parse(content(FakeClock().now()) | fields)
    assert beat.pid == PID or beat.pid <= 0
    assert beat.last_refresh >= 0
    assert beat.activity_count >= 0
    assert beat.in_flight >= 0


def test_a_field_left_out_is_one_that_says_nothing() -> None:
    beat = _parse({"pid": PID, "last_refresh": "2026-11-21T12:00:00Z"})
    assert beat == Heartbeat(pid=PID, uuid="", last_refresh=NOON)


def test_every_field_is_read() -> None:
    beat = _parse(
        content(
            FakeClock().now(), last_activity="2026-11-21T11:59:00Z", activity_count=3, in_flight=2, locked=True,
            process_start=77, boot_id="b", parent_pid=1, child_pid=5, child_start=78, session_id="s", server="srv",
            client={"name": "editor", "version": "2"},
        )
    )  # fmt: skip
    assert beat == Heartbeat(
        pid=PID, uuid="a-b", last_refresh=NOON, started_at=NOON - 600, last_activity=NOON - 60, activity_count=3,
        reports_activity=True, in_flight=2, locked=True, process_start=77, boot_id="b", parent_pid=1, child_pid=5,
        child_start=78, client_name="editor", client_version="2", session_id="s", server="srv", wrapper_version="0.1.0",
    )  # fmt: skip


def test_the_fallback_takes_pid_uuid_and_time_from_the_file_and_says_why() -> None:
    assert parse(NAME, b"{", MTIME) == Heartbeat(PID, "0b-1c", MTIME, fallback="not JSON")


def test_an_older_wrapper_does_not_report_activity_and_a_newer_one_that_has_none_does() -> None:
    payload = content(FakeClock().now())
    assert _parse(payload).reports_activity
    payload.pop("last_activity")
    assert not _parse(payload).reports_activity


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("heartbeat-1-u.json", True),
        ("heartbeat-1-.json", True),
        ("heartbeat-1-a-b-c.json", True),
        ("heartbeat-1.json", False),
        ("heartbeat-١-u.json", False),
        ("heartbeat-1-u.json.tmp", False),
        (".heartbeat-1-u.json", False),
    ],
)
def test_a_heartbeat_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_heartbeat_name(name) == is_one


@pytest.mark.parametrize(
    ("name", "pid"),
    [
        ("heartbeat-12-u.json.tmp", 12),
        ("heartbeat-12-u.tmp", 12),
        (".heartbeat-12-u.json.x9.tmp", 12),
        ("heartbeat-12-u.json", None),
        ("notes.tmp", None),
        ("heartbeat-x-u.tmp", None),
    ],
)
def test_a_temporary_file_tells_who_was_writing_it(name: str, pid: int | None) -> None:
    assert writer_of_temporary(name) == pid
