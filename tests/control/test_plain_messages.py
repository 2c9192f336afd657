"""JSON-RPC lines by plain values: byte for byte what is sent, and word for word what is answered to what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.control import messages
from iai_daemon.control.messages import Failure, Request, parse_request, parse_response

NO_OBJECT = Failure(-32600, "the line is not a JSON-RPC 2.0 object")
WRONG_ID = Failure(-32600, "the id must be a text or a whole number")


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (
            b'{"jsonrpc": "2.0", "method": "status", "params": {"a": 1}, "id": 7}',
            Request("status", {"a": 1}, 7),
        ),
        (b'{"jsonrpc": "2.0", "method": "status", "id": "x"}', Request("status", {}, "x")),
        (b'{"jsonrpc": "2.0", "method": "", "params": {}, "id": ""}', Request("", {}, "")),
        (b'{"jsonrpc": "2.0", "method": "status"}', Request("status", {}, None)),
        (b'{"jsonrpc": "2.0", "method": "status", "id": null}', Request("status", {}, None)),
    ],
)
def test_a_call_is_its_method_its_params_and_its_id(line: bytes, request_: Request) -> None:
    assert parse_request(line) == request_


@pytest.mark.parametrize(
    ("line", "failed"),
    [
        (b"", Failure(-32700, "the line is not JSON")),
        (b'{"jsonrpc"', Failure(-32700, "the line is not JSON")),
        (b"[" * 100_000, Failure(-32700, "the line is not JSON")),
        (b"[]", Failure(-32600, "batches are not answered: send each call as a line of its own")),
        (b"7", NO_OBJECT),
        (b'"status"', NO_OBJECT),
        (b'{"method": "status", "id": 1}', NO_OBJECT),
        (b'{"jsonrpc": "1.0", "method": "status", "id": 1}', NO_OBJECT),
        (b'{"jsonrpc": 2.0, "method": "status", "id": 1}', NO_OBJECT),
        (b'{"jsonrpc": "2.0", "method": "status", "id": true}', WRONG_ID),
        (b'{"jsonrpc": "2.0", "method": "status", "id": 1.5}', WRONG_ID),
        (b'{"jsonrpc": "2.0", "method": "status", "id": [1]}', WRONG_ID),
        (b'{"jsonrpc": "2.0", "id": 1}', Failure(-32600, "the method must be a text", 1)),
        (b'{"jsonrpc": "2.0", "method": 3, "id": "x"}', Failure(-32600, "the method must be a text", "x")),
        (
            b'{"jsonrpc": "2.0", "method": "status", "params": [1], "id": 2}',
            Failure(-32602, "the params must be an object", 2),
        ),
        (
            b'{"jsonrpc": "2.0", "method": "status", "params": null}',
            Failure(-32602, "the params must be an object", None),
        ),
    ],
)
def test_what_is_no_call_is_told_so_in_words(line: bytes, failed: Failure) -> None:
    assert parse_request(line) == failed


def test_a_call_is_this_line() -> None:
    sent = messages.call("sleep", {"for": "2h"}, 7)
    assert sent == b'{"jsonrpc": "2.0", "method": "sleep", "params": {"for": "2h"}, "id": 7}\n'


def test_an_answer_is_this_line() -> None:
    sent = messages.answer("x", {"a": "b\n"})
    assert sent == b'{"jsonrpc": "2.0", "id": "x", "result": {"a": "b\\n"}}\n'


def test_a_notification_is_this_line() -> None:
    sent = messages.notification("slept", {"at": None})
    assert sent == b'{"jsonrpc": "2.0", "method": "slept", "params": {"at": null}}\n'


@pytest.mark.parametrize(
    ("failed", "line"),
    [
        (
            Failure(-32000, "no", 3),
            b'{"jsonrpc": "2.0", "id": 3, "error": {"code": -32000, "message": "no"}}\n',
        ),
        (
            Failure(-32700, "what?"),
            b'{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "what?"}}\n',
        ),
    ],
)
def test_a_failure_is_this_line(failed: Failure, line: bytes) -> None:
    assert messages.failure(failed) == line


def test_whatever_the_server_says_is_an_object() -> None:
    assert parse_response(b'{"id": 1, "result": {}}\n') == {"id": 1, "result": {}}


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"[]", "not an object"), (b"null", "not an object"), (b"[" * 100_000, "nested too deep")],
)
def test_what_no_server_says_is_refused(line: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        parse_response(line)


def test_what_is_no_json_is_no_answer() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        parse_response(b"")


@pytest.mark.parametrize(
    ("code", "number"),
    [
        # https://www.jsonrpc.org/specification#error_object
        ("PARSE_ERROR", -32700),
        ("INVALID_REQUEST", -32600),
        ("METHOD_NOT_FOUND", -32601),
        ("INVALID_PARAMS", -32602),
        ("INTERNAL_ERROR", -32603),
        # Ours, which clients of other versions know.
        ("REFUSED", -32000),
        ("NOT_RELOADED", -32001),
        ("MAX_LINE", 65_536),
    ],
)
def test_numbers_that_others_know_stay(code: str, number: int) -> None:
    known: dict[str, Any] = vars(messages)
    assert known[code] == number
