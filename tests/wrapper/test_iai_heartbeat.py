"""What iai_heartbeat.py makes of messages, part by part; no process is started."""

from __future__ import annotations

import json
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
    bounded,
    find_scanner,
    ident_in,
    messages,
    scan,
    text_in,
    torn_message,
    value_in,
)
from tests.wrapper.observing import NOON, Observer
from tests.wrapper.running import request

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
