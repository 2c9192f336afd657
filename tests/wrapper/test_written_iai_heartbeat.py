"""What iai_heartbeat.py writes and finds out of its process, letter for letter; no wrapper is started."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import iai_heartbeat
from iai_heartbeat import (
    Heartbeat,
    Seen,
    describe,
    is_lock_seen,
    read_file,
    remove,
    say,
    stamp,
    start_of,
    to_json,
    write_all,
)
from tests.wrapper.observing import NOON, Observer
from tests.wrapper.running import request

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")

FACTS: dict[str, Any] = {"schema_version": 1, "pid": 4711, "uuid": "0-1-2", "server": "x"}


class Beating(Observer):
    def __init__(self, home: Path) -> None:
        super().__init__()
        self.folder = home / "wrappers"
        self.heartbeat = Heartbeat(str(home), FACTS, self.seen)

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "heartbeat-4711-0-1-2.json").read_bytes())
        return found


@pytest.fixture
def beating(place: Path) -> Beating:
    return Beating(place)


def test_the_file_holds_what_is_known(beating: Beating) -> None:
    assert beating.heartbeat.keep() == 30.0
    quiet = {
        **FACTS,
        "last_refresh": "2026-11-21T12:01:40.000Z",
        "last_activity": None,
        "activity_count": 0,
        "in_flight": 0,
        "client": None,
        "session_id": None,
        "locked": True,
    }
    assert beating.written() == quiet
    assert list(beating.written()) == list(quiet)
    beating.seen.session = "s"
    beating.client(request("initialize", 0, clientInfo={"name": "c"}))
    beating.client(request("tools/call", 1))
    beating.now += 2
    assert beating.heartbeat.keep() == 30.0
    assert beating.written() == quiet | {
        "last_refresh": "2026-11-21T12:01:42.000Z",
        "last_activity": "2026-11-21T12:01:40.000Z",
        "activity_count": 1,
        "in_flight": 1,
        "client": {"name": "c", "version": None},
        "session_id": "s",
    }
    beating.heartbeat.remove()


def test_what_no_text_can_hold_is_replaced_in_the_file_and_in_the_note(beating: Beating) -> None:
    beating.client(b'{"method": "ping", "params": {"_meta": {"threadId": "a\\ud800"}}}')
    beating.heartbeat.keep()
    assert beating.written()["session_id"] == "a?"
    beating.heartbeat.remove()
    beating.heartbeat.leave_note("why", 0)
    assert json.loads((beating.folder / "ended-11.json").read_bytes())["session_id"] == "a?"


def test_only_its_user_may_read_it(beating: Beating) -> None:
    beating.heartbeat.keep()
    (path,) = beating.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    beating.heartbeat.remove()


def test_a_shorter_one_leaves_nothing_of_what_lay_in_its_way(beating: Beating) -> None:
    (beating.folder / "heartbeat-4711-0-1-2.json.tmp").write_text("x" * 5000)
    beating.heartbeat.keep()
    assert beating.written()["pid"] == 4711
    beating.heartbeat.remove()


def test_where_it_cannot_be_written_that_is_said_once_and_in_full(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    beating = Beating(tmp_path)
    for _ in range(3):
        assert beating.heartbeat.keep() == 30.0
        beating.now += 30
    said = f"iai-wrapper: no heartbeat in {tmp_path}/wrappers (No such file or directory), but relaying all the same.\n"
    assert capfd.readouterr().err == said


def test_the_note_of_the_end_says_why_and_what_there_was(beating: Beating) -> None:
    beating.heartbeat.keep()
    beating.client(request("prompts/get"))
    beating.heartbeat.remove()
    beating.heartbeat.leave_note("the client left", 3)
    (path,) = beating.folder.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("ended-11.json", 0o600)
    note = json.loads(path.read_bytes())
    expected = {
        "schema_version": 1,
        "pid": 4711,
        "uuid": "0-1-2",
        "server": "x",
        "ended_at": "2026-11-21T12:01:40.000Z",
        "reason": "the client left",
        "status": 3,
        "activity_count": 1,
        "client": None,
        "session_id": None,
    }
    assert note == expected
    assert list(note) == list(expected)


def test_the_note_names_client_and_session_and_of_its_process_only_these_facts(place: Path) -> None:
    facts = FACTS | {"wrapper_version": "1", "started_at": "then", "child_pid": 9, "boot_id": "b"}
    beating = Beating(place)
    beating.heartbeat = Heartbeat(str(place), facts | {"pid": 105}, beating.seen)
    beating.heartbeat.keep()
    beating.client(request("initialize", 0, clientInfo={"name": "c"}, _meta={"threadId": "t"}))
    beating.heartbeat.remove()
    beating.heartbeat.leave_note("why", 0)
    note = json.loads((beating.folder / "ended-05.json").read_bytes())
    assert (note["client"], note["session_id"]) == ({"name": "c", "version": None}, "t")
    assert (note["wrapper_version"], note["started_at"], note["pid"]) == ("1", "then", 105)
    assert not note.keys() & {"child_pid", "boot_id"}


def test_without_a_heartbeat_there_is_no_note(beating: Beating) -> None:
    beating.heartbeat.remove()
    beating.heartbeat.leave_note("why", 0)
    assert list(beating.folder.iterdir()) == []


def test_a_note_that_cannot_be_written_leaves_nothing_and_says_nothing(
    beating: Beating, capfd: pytest.CaptureFixture[str]
) -> None:
    beating.heartbeat.keep()
    beating.heartbeat.remove()
    (beating.folder / "ended-11.json").mkdir()
    beating.heartbeat.leave_note("why", 0)
    assert [path.name for path in beating.folder.iterdir()] == ["ended-11.json"]
    assert capfd.readouterr().err == ""


# --- what does not change


@linux
def test_a_wrapper_is_described_by_what_never_changes() -> None:
    parent = os.getppid()
    facts = describe("/usr/bin/some/server", parent, 7)
    assert list(facts) == [
        *("schema_version", "wrapper_version", "pid", "uuid", "started_at", "process_start", "boot_id"),
        *("parent_pid", "child_pid", "child_start", "server"),
    ]
    assert (facts["schema_version"], facts["wrapper_version"]) == (1, iai_heartbeat.VERSION)
    assert (facts["pid"], facts["parent_pid"], facts["child_pid"]) == (os.getpid(), 7, parent)
    assert (facts["process_start"], facts["child_start"]) == (start_of(os.getpid()), start_of(parent))
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}", facts["uuid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", facts["started_at"])
    assert facts["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert facts["server"] == "server"
    assert describe("/x/" + "s" * 300, parent, 7)["server"] == "s" * 200


@linux
def test_what_is_not_known_of_a_process_is_left_out() -> None:
    facts = describe("x", 2**30, 7)
    assert "child_start" not in facts
    assert facts["child_pid"] == 2**30
    assert start_of(2**30) is None


@linux
def test_a_process_start_is_the_twenty_second_field() -> None:
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    assert start_of(os.getpid()) == int(fields[19])


@linux
def test_the_name_of_a_process_may_hold_anything() -> None:
    name, start = Path("/proc/self/comm"), start_of(os.getpid())
    before = name.read_text(encoding="utf-8")
    try:
        name.write_text("a) 1 (b) 2", encoding="utf-8")
        assert start_of(os.getpid()) == start
    finally:
        name.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("ext4", True),
        ("fuseblk", True),
        ("nfs", False),
        ("nfs4", False),
        ("cifs", False),
        ("smb3", False),
        ("9p", False),
        ("virtiofs", False),
        ("fuse.sshfs", False),
        ("ceph", False),
        ("afs", False),
        ("vboxsf", False),
        ("prl_fs", False),
        ("drvfs", False),
        ("fakeowner", False),
    ],
)
def test_a_lock_is_seen_where_the_file_system_is_of_this_machine_alone(kind: str, seen: bool) -> None:
    mountinfo = (
        f"1 0 8:2 / / rw - nfs4 x rw\n2 1 8:1 / /a rw - {kind} x rw\n3 1 8:1 / /b rw - nfs4 x rw\n".encode()
    )
    assert is_lock_seen(os.makedev(8, 1), mountinfo) is seen
    assert is_lock_seen(os.makedev(1, 8), mountinfo)
    assert is_lock_seen(os.makedev(8, 1), b"\n1\n")


def test_what_is_gone_already_is_removed_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("")
    remove(str(path))
    remove(str(path))
    assert not path.exists()


def test_a_file_is_read_to_its_end_and_one_that_is_not_there_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x" * 200_000 + b"y")
    assert read_file(str(path)) == b"x" * 200_000 + b"y"
    assert read_file(str(tmp_path / "nowhere")) == b""
    assert read_file(str(tmp_path)) == b""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2026-11-21T12:00:00.000Z"),
        (NOON + 0.25, "2026-11-21T12:00:00.250Z"),
        (NOON + 0.007813, "2026-11-21T12:00:00.007Z"),
        (NOON + 86399.999, "2026-11-22T11:59:59.999Z"),
    ],
)
def test_a_stamp_has_milliseconds(seconds: float, text: str) -> None:
    assert stamp(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (1.5, "1.5"),
        ("", '""'),
        ("a b", '"a b"'),
        ('"\\', '"\\u0022\\u005c"'),
        ("\n\x1f\x7f", '"\\u000a\\u001f\x7f"'),
        ("é日", '"é日"'),
        ({}, "{}"),
        ({"a": 1, "b": {"c": None}}, '{"a": 1, "b": {"c": null}}'),
        ({"\n": ""}, '{"\\u000a": ""}'),
    ],
)
def test_what_a_heartbeat_holds_is_written_so(value: object, text: str) -> None:
    assert to_json(value) == text


def test_all_of_it_is_written_though_the_other_side_takes_a_part_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "x"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    write_all(descriptor, b"x" * 100_000)
    write_all(descriptor, b"")
    say(descriptor, "größe \udcff")
    os.close(descriptor)
    assert path.read_bytes() == b"x" * 100_000 + "größe ".encode() + b"\xff\n"


def test_where_nobody_listens_nothing_is_said() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    say(writing, "x")
    os.close(writing)


def test_the_clocks_are_those_of_the_machine() -> None:
    wall: Callable[[], float] = Seen.wall
    steady: Callable[[], float] = Seen.steady
    assert wall() > NOON / 2
    assert steady() <= steady()
