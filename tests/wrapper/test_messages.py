"""What a look at the messages tells: activity, calls in flight, the client, the session. Time is handed in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import iai_heartbeat
from iai_heartbeat import HEAD, LONGEST_CALL, Seen
from iai_relay import Lines, Log
from tests.wrapper.running import request

BIG = "x" * 3 * HEAD
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
# The order of members that the TypeScript SDK writes, and that of the Python SDK.
ORDERS = [
    ("method", "params", "jsonrpc", "id"),
    ("jsonrpc", "id", "method", "params"),
    ("params", "method", "id", "jsonrpc"),
]
ANSWERS = [("result", "jsonrpc", "id"), ("jsonrpc", "id", "result"), ("id", "result", "jsonrpc")]


class Observed:
    """Both directions of a connection, looked at without a process."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.seen = Seen()
        self.seen.wall = self.seen.steady = lambda: self.now  # type: ignore[method-assign, assignment]
        self.log = Log(lambda: None)
        self._requests, self._answers = Lines(self.seen.look_at_request), Lines(self.seen.look_at_answer)

    def client(self, *messages: object) -> None:
        self._pass(self._requests, messages)

    def server(self, *messages: object) -> None:
        self._pass(self._answers, messages)

    def _pass(self, lines: Lines, messages: Sequence[object]) -> None:
        for message in messages:
            data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
            for at in range(0, len(data), 65536):
                self.log.chunks.append((lines, data[at : at + 65536], 0.0))
        self.log.look()

    @property
    def told(self) -> tuple[int, int]:
        """Activities so far, and calls in flight."""
        return self.seen.activity_count, self.seen.in_flight()


@pytest.fixture
def observed() -> Observed:
    return Observed()


def answer(ident: object, **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": ident, "result": {"content": []}, **more}


# --- activity


@pytest.mark.parametrize(
    "method",
    [
        "tools/call",
        "resources/read",
        "prompts/get",
        "completion/complete",
        "tasks/cancel",
        "tasks/update",
        "vendor/do",
        "x",
    ],
)
def test_what_somebody_at_work_sends_is_activity(observed: Observed, method: str) -> None:
    observed.client(request(method))
    assert observed.told[0] == 1
    assert observed.seen.last_activity == 1000.0


@pytest.mark.parametrize(
    "method",
    [
        *(
            "initialize",
            "server/discover",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
        ),
        *(
            "tools/list",
            "prompts/list",
            "resources/list",
            "resources/templates/list",
            "roots/list",
            "tasks/list",
        ),
        *("tasks/get", "tasks/result", "subscriptions/listen"),
    ],
)
def test_housekeeping_is_no_activity(observed: Observed, method: str) -> None:
    observed.client(request(method))
    assert observed.told == (0, 0)


@pytest.mark.parametrize("method", ["notifications/initialized", "notifications/progress", "vendor/event"])
def test_a_notification_is_no_activity(observed: Observed, method: str) -> None:
    observed.client({"jsonrpc": "2.0", "method": method, "params": {}})
    observed.client({"jsonrpc": "2.0", "method": method, "id": None})
    assert observed.told == (0, 0)


def test_an_answer_to_the_servers_own_request_is_activity(observed: Observed) -> None:
    observed.server(request("sampling/createMessage", "s1"), request("elicitation/create", 7))
    observed.client(answer("s1"), {"jsonrpc": "2.0", "id": 7, "error": {"code": -1, "message": "no"}})
    assert observed.told == (2, 0)


def test_the_answer_to_the_servers_ping_is_none_since_clients_give_it_with_nobody_there(
    observed: Observed,
) -> None:
    for ident in range(1, 5):
        observed.server(request("ping", ident))
        observed.client({"jsonrpc": "2.0", "id": ident, "result": {}})
    assert observed.told == (0, 0)
    observed.client({"jsonrpc": "2.0", "id": 1, "result": {}})
    assert observed.told == (1, 0)


def test_each_message_of_a_batch_counts(observed: Observed) -> None:
    observed.client(
        [
            request("tools/call", 1),
            request("ping", 2),
            request("prompts/get", 3),
            request("tools/call", 4),
            17,
        ]
    )
    assert observed.told == (3, 2)
    observed.server([answer(1), answer(3), answer(4)])
    assert observed.told == (3, 0)


def test_a_method_is_known_however_its_letters_are_written(observed: Observed) -> None:
    observed.client(rb' { "jsonrpc" : "2.0" , "id" : 1 , "method" : "tools\/l\u0069st" } ' + b"\r\n")
    observed.client(rb'{"id":"a\/b","method":"tools\/call"}' + b"\n")
    assert observed.told == (1, 1)
    observed.server({"id": "a/b", "result": {}})
    assert observed.told == (1, 0)


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"",
            b"hello",
            b"{",
            b"}",
            b"[]",
            b"17",
            b"null",
            b'"tools/call"',
            b'{"id":1}',
            b'{"id":1,"method":5}',
            b'{"method":"tools/call","id":1',
        ),
        *(
            b'{"method":"tools/call","id":1}}',
            b'{"id":{},"method":"tools/call"}',
            b"\xff" * 9,
            b"[" * 9000,
            b"9" * 9000,
            b"x" * 3 * HEAD,
        ),
    ],
)
def test_what_is_no_message_tells_nothing_and_harms_nothing(
    observed: Observed, line: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    observed.client(line + b"\n")
    observed.server(line + b"\n")
    assert observed.told == (0, 0)
    observed.client(request("tools/call"))
    assert observed.told == (1, 1)
    assert capfd.readouterr().err == ""


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_no_bytes_make_the_look_fail(parts: list[bytes]) -> None:
    observed = Observed()
    for part in parts:
        observed.client(part)
        observed.server(part)
    observed.client(b"\n", request("tools/call", "mine"))
    assert observed.told[1] >= 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_json_text_is_read_as_json_reads_it(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        assert repr(iai_heartbeat.scan(text)) == repr(json.loads(text))


@given(st.dictionaries(st.text(), st.text() | st.none() | st.integers() | st.just(True), max_size=5))
def test_what_is_written_reads_back(value: dict[str, Any]) -> None:
    assert json.loads(iai_heartbeat.to_json(value)) == value


# --- calls in flight


def test_a_call_is_in_flight_until_its_answer(observed: Observed) -> None:
    observed.client(request("tools/call", 1), request("tools/call", "1"), request("resources/read", 2))
    assert observed.told == (3, 2)
    observed.server(answer(2), {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"id": 1}})
    assert observed.told == (3, 2)
    observed.server({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "x"}})
    assert observed.told == (3, 1)
    observed.server(answer("1"))
    assert observed.told == (3, 0)


def test_a_request_of_the_servers_with_the_same_id_answers_nothing(observed: Observed) -> None:
    observed.client(request("tools/call", 1))
    observed.server(request("sampling/createMessage", 1))
    assert observed.told == (1, 1)


def test_a_cancelled_call_is_in_flight_no_more(observed: Observed) -> None:
    observed.client(request("tools/call", 1), request("tools/call", 2))
    observed.client({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    assert observed.told == (2, 1)
    observed.client({"jsonrpc": "2.0", "method": "notifications/cancelled"})
    assert observed.told == (2, 1)


def test_nobody_waits_for_a_call_longer_than_two_hours(observed: Observed) -> None:
    observed.client(request("tools/call", 1))
    observed.now += LONGEST_CALL
    observed.client(request("tools/call", 2))
    assert observed.told == (2, 2)
    observed.now += 0.001
    assert observed.told == (2, 1)


def test_calls_without_end_stay_within_bounds(observed: Observed) -> None:
    for ident in range(3 * iai_heartbeat.MOST):
        observed.client(request("tools/call", f"{ident}" + "y" * 4000))
        observed.server(request("ping", ident))
    assert observed.told == (3 * iai_heartbeat.MOST, iai_heartbeat.MOST)


# --- messages that are too long to be kept


def _ordered(message: dict[str, object], order: Sequence[str]) -> dict[str, object]:
    return {key: message[key] for key in order}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("ending", ANSWERS)
@pytest.mark.parametrize("ident", [5, "a\\b", "é{"])
def test_a_long_call_and_its_long_answer_are_told_whatever_the_order_of_their_members(
    observed: Observed, order: Sequence[str], ending: Sequence[str], ident: object
) -> None:
    nested = {"text": BIG, "id": 99, "method": "ping", "list": [{"id": 3, "method": "x"}]}
    observed.client(_ordered(request("tools/call", ident, name="x", arguments=nested), order))
    assert observed.told == (1, 1)
    observed.server(_ordered({"jsonrpc": "2.0", "id": ident, "result": nested}, ending))
    assert observed.told == (1, 0)


@pytest.mark.parametrize("order", ORDERS)
def test_a_long_message_of_housekeeping_is_none_the_less(observed: Observed, order: Sequence[str]) -> None:
    observed.client(_ordered(request("initialize", 1, x=BIG), order))
    assert observed.told == (0, 0)


def test_a_long_notification_of_the_server_answers_no_call(observed: Observed) -> None:
    observed.client(request("tools/call", 1))
    observed.server({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": BIG, "id": 1}})
    observed.server({"method": "notifications/message", "params": {"data": BIG, "id": 1}, "jsonrpc": "2.0"})
    observed.server(b"a server that chatters " + BIG.encode() + b"\n")
    assert observed.told == (1, 1)


def test_a_long_message_that_nothing_is_known_of_counts_as_activity(observed: Observed) -> None:
    observed.client({"a": BIG, "method": "ping", "id": 1, "b": BIG})
    observed.client([request("ping", 1, text=BIG)])
    assert observed.told == (2, 0)


def test_an_answer_that_is_too_long_to_tell_whose_it_is_ends_the_call_that_has_waited_longest(
    observed: Observed,
) -> None:
    observed.client(request("tools/call", 1), request("tools/call", 2))
    observed.server({"a": BIG, "id": 2, "result": {}, "b": BIG})
    assert observed.told == (2, 1)
    observed.server(answer(2))
    assert observed.told == (2, 0)


def test_a_message_of_any_length_leaves_little_behind() -> None:
    lines = Lines(len)
    for _ in range(200):
        lines.add(b"x" * 65536)
    assert len(lines._head) + len(lines._tail) <= iai_heartbeat.HEAD + iai_heartbeat.TAIL


# --- who is there


def test_the_client_is_named_by_its_initialize(observed: Observed) -> None:
    observed.client(
        request("initialize", 0, clientInfo={"name": "claude-code", "version": "2.1", "title": "Claude"})
    )
    assert observed.seen.client == {"name": "claude-code", "version": "2.1"}
    assert observed.seen.urgent


def test_the_client_is_named_by_any_request_of_a_connection_without_initialize(observed: Observed) -> None:
    observed.client(request("server/discover", 0, _meta={CLIENT_INFO: {"name": "codex"}}))
    assert observed.seen.client == {"name": "codex", "version": None}


@pytest.mark.parametrize("info", [None, [], "x", {}, {"name": 5}, {"name": ""}, {"version": "1"}])
def test_a_client_that_gives_no_usable_name_has_none(observed: Observed, info: object) -> None:
    observed.client(request("initialize", 0, clientInfo=info), request("ping", 1, _meta={CLIENT_INFO: info}))
    assert observed.seen.client is None


def test_a_name_without_end_is_cut(observed: Observed) -> None:
    observed.client(request("initialize", 0, clientInfo={"name": "n" * 5000, "version": "1" * 5000}))
    assert observed.seen.client == {"name": "n" * 200, "version": "1" * 200}


@pytest.mark.parametrize("key", ["vscode.conversationId", "threadId", "sessionID"])
def test_the_session_is_the_one_that_the_client_names_last(observed: Observed, key: str) -> None:
    observed.seen.session = "from the environment"
    observed.client(
        request("tools/call", 1, _meta={"progressToken": 1}), request("tools/call", 2, _meta={key: 5})
    )
    assert observed.seen.session == "from the environment"
    for session in ("one", "two"):
        observed.client(request("tools/call", 3, _meta={key: session}))
        assert observed.seen.session == session
