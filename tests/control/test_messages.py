"""JSON-RPC lines: whatever comes is a call or a named failure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.control.messages import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    Failure,
    Request,
    answer,
    call,
    failure,
    notification,
    parse_request,
    parse_response,
)


def test_a_call_is_read_back_as_it_was_written() -> None:
    assert parse_request(call("sleep", {"for": "2h"}, 7)) == Request("sleep", {"for": "2h"}, 7)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", PARSE_ERROR),
        (b"{", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b"[" * 100_000, PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
        (b'{"method": "status"}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": true, "method": "status"}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "status"}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "status", "params": [1]}', INVALID_PARAMS),
    ],
)
def test_what_is_no_call_has_a_code(line: bytes, code: int) -> None:
    failed = parse_request(line)
    assert isinstance(failed, Failure)
    assert failed.code == code


@given(st.binary(max_size=200))
def test_no_bytes_raise(line: bytes) -> None:
    assert isinstance(parse_request(line), Request | Failure)


def test_a_batch_is_refused_in_words() -> None:
    failed = parse_request(b"[" + call("status", {}, 1).strip() + b"]")
    assert isinstance(failed, Failure)
    assert failed.code == INVALID_REQUEST
    assert "a line of its own" in failed.message


def test_every_message_is_one_line_of_json_rpc() -> None:
    for line in (
        answer(1, {"a": "b\nc"}),
        failure(Failure(-1, "no")),
        notification("x", {}),
        call("y", {}, 2),
    ):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert json.loads(line)["jsonrpc"] == "2.0"
        assert parse_response(line)
