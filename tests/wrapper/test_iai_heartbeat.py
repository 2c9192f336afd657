"""What iai_heartbeat.py makes of messages and writes of them, part by part and letter for letter; no process is started."""

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
    HEAD,
    LONGEST,
    LONGEST_CALL,
    MOST,
    TAIL,
    TORN,
    Heartbeat,
    Seen,
    bounded,
    describe,
    find_scanner,
    ident_in,
    is_lock_seen,
    messages,
    read_file,
    remove,
    say,
    scan,
    stamp,
    start_of,
    text_in,
    to_json,
    torn_message,
    value_in,
    write_all,
)
from tests.wrapper.running import request

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
NOON = 1_795_262_400.0
BIG = "x" * 2 * HEAD
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"


class Told:
    """A recorder that only notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def begin(self, ident: object, message: dict[str, Any], line: bytes) -> None:
        self.calls.append(("begin", ident, message, line))

    def answer(self, ident: object, message: dict[str, Any], line: bytes) -> None:
        self.calls.append(("answer", ident, message, line))

    def end(self, ident: object, outcome: str) -> None:
        self.calls.append(("end", ident, outcome))

    def end_all(self) -> None:
        self.calls.append(("end all",))

    def write(self) -> None:
        self.calls.append(("write",))


class Observer:
    """Somebody who looks at messages, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.seen = Seen()
        self.seen.steady = lambda: self.now
        self.seen.wall = lambda: NOON + self.now

    def client(self, message: object) -> bytes:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.seen.look_at_request(line)
        return line

    def server(self, message: object) -> bytes:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.seen.look_at_answer(line)
        return line

    @property
    def told(self) -> tuple[int, int, bool, bool]:
        """Activities, calls in flight, and whether there is news that is urgent."""
        return self.seen.activity_count, self.seen.in_flight(), self.seen.news, self.seen.urgent


@pytest.fixture
def observer() -> Observer:
    return Observer()


def answer(ident: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": ident, "result": {}}


def test_the_numbers_that_others_rely_on_stay_what_they_are() -> None:
    assert (iai_heartbeat.REFRESH, iai_heartbeat.PAUSE, LONGEST_CALL) == (30.0, 1.0, 7200.0)
    assert (iai_heartbeat.NOTES, MOST, LONGEST) == (100, 1024, 200)
    assert (iai_heartbeat.CHUNK, HEAD, TAIL) == (65_536, 16_384, 4096)


# --- what the messages tell


def test_at_first_nothing_is_known(observer: Observer) -> None:
    seen = observer.seen
    assert observer.told == (0, 0, False, False)
    assert seen.news is seen.urgent is False
    assert (seen.last_activity, seen.client, seen.session, seen.outcomes) == (None, None, "", None)


def test_a_call_is_news_and_so_is_its_end(observer: Observer) -> None:
    observer.client(request("tools/call", 1))
    assert observer.told == (1, 1, True, False)
    assert observer.seen.last_activity == NOON + 100
    observer.seen.news = False
    observer.client(request("tools/call", 2))
    observer.seen.news = False
    observer.server(answer(1))
    assert observer.told == (2, 1, False, False), "one is still in flight"
    observer.server(answer(2))
    assert observer.told == (2, 0, True, False)


def test_what_was_not_in_flight_has_no_end(observer: Observer) -> None:
    observer.client(request("tools/call", 1))
    observer.seen.news = False
    observer.server(answer(3))
    observer.server({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage"})
    assert observer.told == (1, 1, False, False)


@pytest.mark.parametrize(
    ("method", "activities"),
    [("tools/call", 1), ("ping", 0), ("tools/list", 0), ("tools/listen", 1), ("list", 1)],
)
def test_only_a_call_of_a_tool_is_in_flight(observer: Observer, method: str, activities: int) -> None:
    observer.client(request(method, 1))
    assert observer.told[:3] == (activities, int(method == "tools/call"), activities == 1)


@pytest.mark.parametrize("ident", [None, [], {}])
def test_a_call_without_an_id_is_none(observer: Observer, ident: object) -> None:
    observer.client(request("tools/call", ident))
    assert observer.told == (0, 0, False, False)


@pytest.mark.parametrize("ident", [0, "", False, 1.5, "x"])
def test_any_id_is_one(observer: Observer, ident: object) -> None:
    observer.client(request("tools/call", ident))
    assert observer.told[:2] == (1, 1)
    observer.server(answer(ident))
    assert observer.told[:2] == (1, 0)


def test_calls_that_nobody_waits_for_any_longer_are_over_one_by_one(observer: Observer) -> None:
    observer.client(request("tools/call", 1))
    observer.now += 1
    observer.client(request("tools/call", 2))
    observer.now += LONGEST_CALL - 1
    assert observer.seen.in_flight() == 2
    observer.now += 0.5
    assert observer.seen.in_flight() == 1
    observer.now += 1
    assert observer.seen.in_flight() == 0


def test_so_many_calls_are_remembered_and_no_more(observer: Observer) -> None:
    for ident in range(MOST + 1):
        observer.client(request("tools/call", ident))
    assert observer.told[:2] == (MOST + 1, MOST)
    observer.server(answer(MOST))
    assert observer.seen.in_flight() == MOST


@pytest.mark.parametrize(
    ("message", "activities"),
    [
        ({"id": 1, "result": {}}, 1),
        ({"id": 1, "error": {}}, 1),
        ({"id": 1, "result": None}, 1),
        ({"id": 1}, 0),
        ({"result": {}}, 1),
        ({"id": 1, "method": "", "result": {}}, 1),
    ],
)
def test_an_answer_of_the_client_is_activity(
    observer: Observer, message: dict[str, object], activities: int
) -> None:
    observer.client(message)
    assert observer.told[0] == activities


def test_the_answer_to_each_ping_of_the_server_is_none(observer: Observer) -> None:
    observer.server(request("ping", "p"))
    observer.server(request("ping", "q"))
    observer.client(answer("q"))
    observer.client(answer("p"))
    assert observer.told[0] == 0
    observer.client(answer("q"))
    assert observer.told[0] == 1


def test_of_pings_without_an_answer_so_many_are_remembered(observer: Observer) -> None:
    for ident in range(MOST + 1):
        observer.server(request("ping", ident))
    observer.client(answer(MOST - 1))
    assert observer.told[0] == 0
    observer.client(answer(MOST))
    assert observer.told[0] == 1


@pytest.mark.parametrize(
    ("message", "client"),
    [
        (request("initialize", 0, clientInfo={"name": "a", "version": "1"}), {"name": "a", "version": "1"}),
        (request("initialize", 0, clientInfo={"name": "a"}), {"name": "a", "version": None}),
        (request("initialize", 0, clientInfo={"name": "a", "version": 1}), {"name": "a", "version": None}),
        (request("ping", 0, _meta={CLIENT_INFO: {"name": "a"}}), {"name": "a", "version": None}),
        (
            {"method": "notifications/x", "params": {"_meta": {CLIENT_INFO: {"name": "a"}}}},
            {"name": "a", "version": None},
        ),
        (request("ping", 0, clientInfo={"name": "a"}), None),
        (request("initialize", 0, _meta={CLIENT_INFO: {"name": "a"}}), None),
        (request("initialize", 0, clientInfo={"version": "1"}), None),
    ],
)
def test_who_the_client_is(observer: Observer, message: object, client: object) -> None:
    observer.client(message)
    assert observer.seen.client == client
    assert observer.told == (0, 0, client is not None, client is not None)
    observer.client(request("initialize", 1, clientInfo={"name": "b"}))
    assert observer.seen.client == (client or {"name": "b", "version": None}), "the first name stays"


@pytest.mark.parametrize(
    ("meta", "session"),
    [
        ({"vscode.conversationId": "v"}, "v"),
        ({"threadId": "t"}, "t"),
        ({"sessionID": "s"}, "s"),
        ({"sessionID": "s", "threadId": "t", "vscode.conversationId": "v"}, "s"),
        ({"threadId": "t", "sessionID": ""}, "t"),
        ({"sessionId": "s"}, "before"),
        ({"threadId": 5}, "before"),
        ({"threadId": "t" * 201}, "t" * 200),
        (None, "before"),
    ],
)
def test_which_session_it_is(observer: Observer, meta: object, session: str) -> None:
    observer.seen.session = "before"
    observer.client(request("ping", 0, _meta=meta))
    assert observer.seen.session == session


# --- what a recorder is told


def test_a_recorder_is_told_how_each_call_begins_and_ends(observer: Observer) -> None:
    told = Told()
    observer.seen.outcomes = told
    call, reply = request("tools/call", 1, name="x"), answer(1)
    first = observer.client(call)
    second = observer.server(reply)
    assert told.calls == [("begin", 1, call, first), ("answer", 1, reply, second)]


def test_a_recorder_is_told_what_is_cancelled(observer: Observer) -> None:
    told = Told()
    observer.seen.outcomes = told
    observer.client(request("tools/call", "c"))
    observer.client({"method": "notifications/cancelled", "params": {"requestId": "c"}})
    assert told.calls[1:] == [("end", "c", "cancelled")]
    assert observer.seen.in_flight() == 0


@pytest.mark.parametrize(
    "message",
    [
        request("tools/list", 1),
        request("tools/call", None),
        {"method": "notifications/tools/call", "id": 1},
        answer(1),
    ],
)
def test_a_recorder_is_told_of_nothing_else_that_the_client_sends(
    observer: Observer, message: object
) -> None:
    told = Told()
    observer.seen.outcomes = told
    observer.client(message)
    assert told.calls == []


def test_a_recorder_is_told_of_answers_as_long_as_a_call_is_open(observer: Observer) -> None:
    told = Told()
    observer.seen.outcomes = told
    observer.server(answer(1))
    assert told.calls == []
    observer.client(request("tools/call", 1))
    observer.server(request("ping", 1))
    observer.server({"method": "notifications/x"})
    line = observer.server(answer(7))
    assert told.calls[1:] == [("answer", 7, answer(7), line)]


def test_an_answer_that_is_too_long_to_tell_whose_it_is_is_that_of_who_has_waited_longest(
    observer: Observer,
) -> None:
    told = Told()
    observer.seen.outcomes = told
    observer.client(request("tools/call", "a"))
    observer.client(request("tools/call", "b"))
    line = observer.server({"a": BIG, "id": "b", "b": BIG})
    assert told.calls[2:] == [("answer", "a", {TORN: True}, line)]
    observer.server({"result": {}})
    assert told.calls[3] == ("answer", None, {"result": {}}, b'{"result": {}}')
    assert observer.seen.in_flight() == 1


# --- lines


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"a": 1}', [{"a": 1}]),
        (b' \n{"a": 1} \r\n', [{"a": 1}]),
        (b'[{"a": 1}, 2, {"b": 3}]', [{"a": 1}, {"b": 3}]),
        (b'{"a": "\xff"}', [{"a": "\ufffd"}]),
        (b'{"a": "\n"}', [{"a": "\n"}]),
        (b'{"a": 1} x', []),
        (b"17", []),
        (b"", []),
        (b"[" * 5000, []),
    ],
)
def test_a_line_is_a_message_or_several_or_none(line: bytes, found: list[object]) -> None:
    assert messages(line) == found


def test_a_line_that_is_just_short_enough_is_read_whole() -> None:
    for length, whole in ((HEAD, True), (HEAD + 1, False)):
        line = json.dumps({"a": "", "id": 1}).encode()
        line = line.replace(b'""', b'"%s"' % (b"x" * (length - len(line))))
        assert len(line) == length
        (found,) = messages(line)
        assert (TORN not in found, found["id"]) == (whole, 1)


@pytest.mark.parametrize(
    ("before", "behind", "found"),
    [
        ('{"id": 1, "method": "m", "params": {"a": "', '"}}', {"id": 1, "method": "m", "params": 0}),
        ('{"params": {"a": "', '"}, "id": 1, "method": "m"}', {"params": 0, "id": 1, "method": "m"}),
        ('{"id":1,"params":{"a":"', '"},"method":"m"}', {"id": 1, "params": 0, "method": "m"}),
        ('{"method":"m","params":{"a":"', '"},"id":"i"}', {"method": "m", "params": 0, "id": "i"}),
        ('{"id": 1, "result": {"id": 2, "method": "x", "a": "', '"}}', {"id": 1, "result": 0}),
        ('{"a": "', '", "id": 1}', {"id": 1}),
        ('{"id": 1, "a": "', '"}', {"id": 1}),
        (' {"params": {"a": "', '"}, "id": 1}  \n', {"params": 0, "id": 1}),
        ('{"params": {"a": "', '", "b": "\\"id\\": 3"}}', {"params": 0}),
    ],
)
def test_of_a_long_message_its_first_and_last_members_are_told(
    before: str, behind: str, found: dict[str, object]
) -> None:
    told = torn_message((before + BIG + behind).encode())
    assert told == {TORN: True, **found}


def test_of_a_long_batch_only_that_there_was_one_is_told_and_of_chatter_nothing() -> None:
    assert torn_message(b" [" + b'{"id": 1},' * 9000) == {TORN: True}
    assert torn_message(b"chatter " + BIG.encode()) is None
    assert torn_message(b"\xff" * 2 * HEAD) is None


def test_what_stands_farther_from_the_ends_is_not_looked_at() -> None:
    far = b'{"params": {"a": "' + BIG.encode() + b'"}, "id": 1, "x": "' + b"y" * TAIL + b'"}'
    assert torn_message(far) == {TORN: True, "params": 0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "b"]}', {"a": [1, 2.5, None, True, "b"]}),
        ("1 \n", 1),
        ("1 2", None),
        ("", None),
        ("nul", None),
        ('"open', None),
        ("[" * 100_000, None),
        ("9" * 5000, None),
        ("1e400", float("inf")),
        ("Infinity", float("inf")),
    ],
)
def test_a_text_is_scanned_to_its_end(text: str, value: object) -> None:
    assert scan(text) == value


def test_the_scanner_says_where_a_value_ends() -> None:
    assert find_scanner()('x{"a": "\n"} y', 1) == ({"a": "\n"}, 11)


@pytest.mark.parametrize(
    ("path", "value"),
    [(("a", "b"), 1), (("a",), {"b": 1}), ((), {"a": {"b": 1}}), (("a", "c"), None), (("c", "b"), None)],
)
def test_keys_lead_to_a_value_or_nowhere(path: tuple[str, ...], value: object) -> None:
    assert value_in({"a": {"b": 1}}, *path) == value
    assert value_in([1], *path) == (None if path else [1])


def test_an_id_is_a_number_or_a_text_that_is_not_too_long() -> None:
    values: list[object] = [1, 1.5, "x", None, [], {}]
    assert [ident_in({"id": each}, "id") for each in values] == [1, 1.5, "x", None, None, None]
    assert ident_in({"id": "x" * 201}, "id") == "x" * 200
    assert text_in({"a": "x" * 201}, "a") == bounded("x" * 201) == "x" * LONGEST == "x" * 200
    assert [text_in({"a": each}, "a") for each in values] == ["", "", "x", "", "", ""]


# --- the file


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
