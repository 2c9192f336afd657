"""The heartbeat of a real wrapper: what it says, when it is written, that it is locked, and what happens where it cannot be."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import iai_heartbeat
from iai_daemon.presence.heartbeat import Heartbeat as Reading
from iai_daemon.presence.heartbeat import parse
from iai_heartbeat import PAUSE, REFRESH, Heartbeat, Seen
from tests.wrapper.running import ECHO, LIGHT, WRAPPER, Running, is_alive, request, server, until

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
NOON = 1_795_262_400.0
FACTS: dict[str, Any] = {"pid": 4711, "uuid": "0-1-2"}


def _is_held(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _open_files(pid: int) -> list[str]:
    return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]


# --- the real one


def test_the_daemon_reads_what_the_wrapper_writes(place: Path) -> None:
    with Running(server(ECHO), home=place, options=["--session", "s-1"]) as wrapper:
        wrapper.heartbeat()
        (path,) = wrapper.heartbeats()
        read = parse(path.name, path.read_bytes(), path.stat().st_mtime)
        assert isinstance(read, Reading)
        assert read.fallback is None
        ours, its = psutil.Process(wrapper.process.pid), psutil.Process(wrapper.process.pid).children()[0]
        assert (read.pid, read.parent_pid, read.child_pid) == (ours.pid, os.getpid(), its.pid)
        assert read.started_at is not None
        assert abs(read.started_at - ours.create_time()) < 5
        assert read.last_refresh >= read.started_at
        assert (read.last_activity, read.activity_count, read.reports_activity, read.in_flight) == (
            None,
            0,
            True,
            0,
        )
        assert (read.session_id, read.client_name, read.server) == ("s-1", None, Path(sys.executable).name)
        assert (read.schema_version, read.wrapper_version, read.locked) == (1, iai_heartbeat.VERSION, True)
        assert path.name == f"heartbeat-{read.pid}-{read.uuid}.json"
        assert len(read.uuid.replace("-", "")) == 32
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert _is_held(path)


@linux
def test_it_names_itself_and_the_server_by_their_start_and_the_boot(place: Path) -> None:
    with Running(server(ECHO), home=place) as wrapper:
        beat = wrapper.heartbeat()
        for pid, start in ((beat["pid"], beat["process_start"]), (beat["child_pid"], beat["child_start"])):
            assert Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[21] == str(start)
        assert beat["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        assert not [name for name in _open_files(beat["child_pid"]) if "heartbeat" in name]


def test_a_killed_wrapper_holds_no_lock(place: Path) -> None:
    with Running(server(ECHO), home=place) as wrapper:
        wrapper.heartbeat()
        (path,) = wrapper.heartbeats()
        wrapper.process.kill()
        wrapper.process.wait()
        assert not _is_held(path)


def test_a_probe_twin_that_is_killed_leaves_a_free_lock_and_its_server_ends_too(place: Path) -> None:
    with Running(server(ECHO), home=place) as first, Running(server(ECHO), home=place) as twin:
        beat = until(lambda: {b["pid"]: b for b in _beats(place)}.get(twin.process.pid))
        first.heartbeat(lambda beat: beat["pid"] == first.process.pid)
        twin.process.kill()
        twin.process.wait()
        until(lambda: not is_alive(beat["child_pid"]))
        held = {path.name.split("-")[1]: _is_held(path) for path in first.heartbeats()}
        assert held == {str(first.process.pid): True, str(twin.process.pid): False}


def _beats(place: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (place / "wrappers").glob("heartbeat-*.json")]


def test_a_call_is_told_at_once_and_its_end_within_a_second(place: Path) -> None:
    with Running(server(ECHO), home=place) as wrapper:
        wrapper.heartbeat()
        wrapper.send(request("ping", 1), request("tools/call", 2))
        told = wrapper.heartbeat(lambda beat: beat["activity_count"])
        assert (told["activity_count"], told["in_flight"]) == (1, 1)
        assert told["last_activity"] <= told["last_refresh"]
        # The echo of an answer is the server's answer, and the client's own counts as activity.
        wrapper.send({"jsonrpc": "2.0", "id": 2, "result": {}})
        told = wrapper.heartbeat(lambda beat: beat["in_flight"] == 0)
        assert told["activity_count"] == 2


def test_the_clients_name_is_told_as_soon_as_it_is_known(place: Path) -> None:
    with Running(server(ECHO), home=place) as wrapper:
        wrapper.heartbeat()
        wrapper.send(request("initialize", 0, clientInfo={"name": 'cläude "\\\n', "version": "2"}))
        told = wrapper.heartbeat(lambda beat: beat["client"])
        assert told["client"] == {"name": 'cläude "\\\n', "version": "2"}
        assert (told["last_activity"], told["activity_count"]) == (None, 0)


@pytest.mark.parametrize(
    ("options", "environment", "session"),
    [
        ([], {}, None),
        ([], {"CLAUDE_CODE_SESSION_ID": "env"}, "env"),
        (["--session=option"], {"CLAUDE_CODE_SESSION_ID": "env"}, "option"),
    ],
)
def test_the_session_comes_from_the_command_line_or_the_environment(
    place: Path, options: list[str], environment: dict[str, str], session: str | None
) -> None:
    with Running(server(ECHO), home=place, options=options, environment=environment) as wrapper:
        assert wrapper.heartbeat()["session_id"] == session


# --- where it cannot be written


@pytest.mark.parametrize("kind", ["no home", "a file", "no directory in it", "a directory of the system"])
def test_where_no_heartbeat_can_be_written_it_says_so_once_and_relays(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    if kind == "a file":
        home.write_text("")
    elif kind == "no directory in it":
        home.mkdir()
    elif kind == "a directory of the system":
        home = Path("/proc")
    with Running(server(ECHO), home=home) as wrapper:
        for ident in range(3):
            wrapper.send(request("tools/call", ident))
            assert json.loads(wrapper.line())["id"] == ident
        assert wrapper.leave() == 0
        complaints = wrapper.complaints()
    assert complaints.count("\n") == 1
    assert f"{home}/wrappers" in complaints
    assert kind == "a directory of the system" or not (home / "wrappers").exists()


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        *[
            ("ext4", True),
            ("btrfs", True),
            ("tmpfs", True),
            ("overlay", True),
            ("apfs", True),
            ("fuseblk", True),
        ],
        *[("nfs4", False), ("cifs", False), ("9p", False), ("virtiofs", False), ("fuse.sshfs", False)],
    ],
)
def test_where_others_do_not_see_the_lock_none_is_claimed(kind: str, seen: bool) -> None:
    here = f"36 35 8:17 /mnt /a\\040b rw,noatime shared:1 - {kind} /dev/x rw\n".encode()
    other = b"37 35 0:23 / /nfs rw - nfs4 host:/x rw\n\n"
    assert iai_heartbeat.is_lock_seen(os.makedev(8, 17), other + here) is seen
    assert iai_heartbeat.is_lock_seen(os.makedev(8, 18), other + here)
    assert iai_heartbeat.is_lock_seen(os.makedev(8, 17), b"")


def _found_home(chosen: str, **environment: str) -> str:
    code = f"import sys; sys.path.append({str(WRAPPER.parent)!r}); import iai_relay; print(iai_relay.find_home({chosen!r}))"
    ended = subprocess.run([*LIGHT, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return ended.stdout.strip()


def test_the_home_is_found_as_the_daemon_finds_it() -> None:
    user = psutil.Process().username()
    root = Path(f"~{user}").expanduser()
    assert _found_home("/a", IAI_DAEMON_HOME="/b", HOME="/c") == "/a"
    assert _found_home("", IAI_DAEMON_HOME="/b", HOME="/c") == "/b"
    assert _found_home("", HOME="/c") == "/c/.iai-daemon"
    assert _found_home("~", HOME="/c") == "/c"
    assert _found_home("~/x", HOME="/c") == "/c/x"
    assert _found_home("") == f"{root}/.iai-daemon"
    assert _found_home("~/x", HOME="") == f"{root}/x"
    assert _found_home(f"~{user}/x") == f"{root}/x"
    assert _found_home("~nobody-of-that-name/x") == "~nobody-of-that-name/x"


# --- when it is written, under a clock that is handed in


class Beating:
    """A heartbeat without its process, and the two clocks."""

    def __init__(self, home: Path) -> None:
        self.now = 0.0
        self.seen = Seen()
        self.seen.steady = lambda: self.now  # type: ignore[method-assign, assignment]
        self.seen.wall = lambda: NOON + self.now  # type: ignore[method-assign, assignment]
        self.path = home / "wrappers" / "heartbeat-4711-0-1-2.json"
        self.heartbeat = Heartbeat(str(home), FACTS, self.seen)

    def at(self, seconds: float) -> float:
        """What `keep` answers at that time."""
        self.now = seconds
        return self.heartbeat.keep()

    def client(self, *messages: object) -> None:
        for message in messages:
            self.seen.look_at_request(json.dumps(message).encode())

    def server(self, *messages: object) -> None:
        for message in messages:
            self.seen.look_at_answer(json.dumps(message).encode())

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_bytes())
        return found

    @property
    def refreshed(self) -> str:
        return str(self.content["last_refresh"])[17:-1]


@pytest.fixture
def beating(place: Path) -> Iterator[Beating]:
    beating = Beating(place)
    yield beating
    beating.heartbeat.remove()


def test_it_is_refreshed_every_thirty_seconds_and_not_before(beating: Beating) -> None:
    assert beating.at(0) == REFRESH
    assert beating.at(29.9) == pytest.approx(0.1)
    assert beating.refreshed == "00.000"
    assert beating.at(30) == REFRESH
    assert beating.refreshed == "30.000"


def test_activity_is_written_at_once_and_then_once_a_second_with_the_last_of_it_when_the_second_ends(
    beating: Beating,
) -> None:
    beating.at(0)
    beating.client(request("prompts/get"))
    beating.at(0.1)
    assert beating.content["activity_count"] == 1
    for tenth in range(2, 10):
        beating.now = tenth / 10
        beating.client(request("prompts/get"))
        assert beating.at(tenth / 10) == pytest.approx(0.1 + PAUSE - tenth / 10)
    assert beating.content["activity_count"] == 1
    assert beating.at(1.1) == REFRESH
    assert beating.content["activity_count"] == 9
    assert beating.content["last_activity"] == "2026-11-21T12:00:00.900Z"
    assert beating.at(5) == pytest.approx(REFRESH - 3.9)


def test_neither_a_refresh_nor_the_clients_name_holds_activity_up(beating: Beating) -> None:
    beating.at(0)
    beating.client(request("initialize", 0, clientInfo={"name": "x"}))
    assert beating.at(0.01) == REFRESH
    assert beating.content["client"] == {"name": "x", "version": None}
    beating.client(request("prompts/get"))
    beating.at(0.02)
    assert beating.content["activity_count"] == 1


def test_the_clients_name_does_not_wait_for_the_second_to_end(beating: Beating) -> None:
    beating.at(0)
    beating.client(request("prompts/get"))
    beating.at(0.1)
    beating.client(request("initialize", 0, clientInfo={"name": "x"}))
    beating.at(0.2)
    assert beating.content["client"] == {"name": "x", "version": None}


def test_while_a_call_is_in_flight_each_refresh_is_activity(beating: Beating) -> None:
    beating.at(0)
    beating.now = 1
    beating.client(request("tools/call", 1))
    beating.at(1)
    assert (beating.content["in_flight"], beating.content["last_activity"]) == (1, "2026-11-21T12:00:01.000Z")
    beating.at(31)
    assert (beating.content["in_flight"], beating.content["last_activity"]) == (1, "2026-11-21T12:00:31.000Z")
    beating.server({"id": 1, "result": {}})
    assert beating.at(31.5) == REFRESH
    assert (beating.content["in_flight"], beating.content["activity_count"]) == (0, 1)
    beating.at(61.5)
    assert beating.content["last_activity"] == "2026-11-21T12:00:31.000Z"


def test_a_call_that_is_answered_within_its_second_is_told_when_that_ends(beating: Beating) -> None:
    beating.at(0)
    beating.client(request("tools/call", 1))
    beating.at(1)
    beating.server({"id": 1, "result": {}})
    assert beating.at(1.2) == pytest.approx(0.8)
    assert beating.content["in_flight"] == 1
    beating.at(2)
    assert beating.content["in_flight"] == 0


def test_a_call_that_came_and_went_between_two_writes_costs_no_second_one(beating: Beating) -> None:
    beating.at(0)
    beating.client(request("tools/call", 1))
    beating.server({"id": 1, "result": {}})
    assert beating.at(1) == REFRESH


def test_after_two_hours_a_call_without_an_answer_is_no_activity_any_more(beating: Beating) -> None:
    beating.at(0)
    beating.client(request("tools/call", 1))
    beating.at(0)
    beating.at(7200)
    assert beating.content["in_flight"] == 1
    beating.at(7230)
    assert (beating.content["in_flight"], beating.content["last_activity"]) == (0, "2026-11-21T14:00:00.000Z")


def test_each_file_is_locked_before_it_is_in_place_and_nothing_else_lies_about(beating: Beating) -> None:
    inodes = set()
    for turn in range(3):
        beating.at(turn * REFRESH)
        assert _is_held(beating.path)
        inodes.add(beating.path.stat().st_ino)
    assert list(beating.path.parent.iterdir()) == [beating.path]
    beating.heartbeat.remove()
    assert list(beating.path.parent.iterdir()) == []


def test_a_directory_that_is_made_later_gets_its_heartbeat_at_the_next_refresh(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    beating = Beating(tmp_path)
    assert beating.at(0) == REFRESH
    beating.client(request("prompts/get"))
    assert beating.at(1) == REFRESH - 1
    assert beating.at(30) == REFRESH
    beating.path.parent.mkdir()
    beating.at(60)
    assert beating.content["activity_count"] == 1
    beating.heartbeat.remove()
    assert capfd.readouterr().err.count("\n") == 1


def test_a_directory_that_vanishes_and_returns_is_written_to_again(
    beating: Beating, capfd: pytest.CaptureFixture[str]
) -> None:
    beating.at(0)
    beating.path.unlink()
    beating.path.parent.rmdir()
    beating.at(30)
    beating.at(60)
    beating.path.parent.mkdir()
    beating.at(90)
    assert beating.refreshed == "30.000"
    assert _is_held(beating.path)
    assert capfd.readouterr().err.count("\n") == 1


def test_what_stands_in_its_place_stays_and_nothing_is_left_beside_it(
    beating: Beating, capfd: pytest.CaptureFixture[str]
) -> None:
    beating.path.mkdir()
    assert beating.at(0) == REFRESH
    assert list(beating.path.parent.iterdir()) == [beating.path]
    assert capfd.readouterr().err.count("\n") == 1


def test_a_heartbeat_that_somebody_deleted_comes_back_and_its_end_is_quiet(beating: Beating) -> None:
    beating.at(0)
    beating.path.unlink()
    beating.at(30)
    beating.path.unlink()
    beating.heartbeat.remove()
    beating.heartbeat.remove()


def test_a_signal_of_the_end_removes_it_before_the_server_is_waited_for(place: Path) -> None:
    stubborn = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; print(flush=True)\nwhile True: signal.pause()"
    wrappers = [Running(server(stubborn), home=place) for _ in range(4)]
    try:
        beats = [
            wrapper.heartbeat(lambda beat, w=wrapper: beat["pid"] == w.process.pid) for wrapper in wrappers
        ]
        for wrapper in wrappers:
            wrapper.line()
        for wrapper, number in zip(wrappers, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, 0), strict=True):
            wrapper.process.send_signal(number) if number else wrapper.close_input()
        until(lambda: not wrappers[0].heartbeats(), 0.5)
        assert all(is_alive(beat["child_pid"]) for beat in beats)
        assert all(wrapper.process.poll() is None for wrapper in wrappers)
        assert [wrapper.process.wait(2) for wrapper in wrappers] == [128 + signal.SIGKILL] * 4
        assert not any(is_alive(beat["child_pid"]) for beat in beats)
    finally:
        for wrapper in wrappers:
            wrapper.__exit__(None, None, None)
