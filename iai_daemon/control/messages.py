"""JSON-RPC 2.0 as lines of bytes, read and written. Pure; used by both ends of the control socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

MAX_LINE = 64 * 1024

# https://www.jsonrpc.org/specification#error_object, and two of our own: a refusal that a person should read, and the one of
# settings that cannot be used.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
REFUSED = -32000
NOT_RELOADED = -32001


@dataclass(frozen=True, slots=True)
class Request:
    """One call; `id` is None for a notification, which gets no answer."""

    method: str
    params: Mapping[str, object]
    id: int | str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with a message, and the id of the call that it belongs to where that is known."""

    code: int
    message: str
    id: int | str | None = None


def parse_request(line: bytes) -> Request | Failure:
    """The call in one line, or what is wrong with it. Total."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return Failure(PARSE_ERROR, "the line is not JSON")
    if isinstance(message, list):
        return Failure(INVALID_REQUEST, "batches are not answered: send each call as a line of its own")
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return Failure(INVALID_REQUEST, "the line is not a JSON-RPC 2.0 object")
    identity = message.get("id")
    if isinstance(identity, bool) or not isinstance(identity, int | str | None):
        return Failure(INVALID_REQUEST, "the id must be a text or a whole number")
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        return Failure(INVALID_REQUEST, "the method must be a text", identity)
    if not isinstance(params, dict):
        return Failure(INVALID_PARAMS, "the params must be an object", identity)
    return Request(method, params, identity)


def parse_response(line: bytes) -> Mapping[str, object]:
    """A message of the server: an answer, an error or a notification. Raises ValueError when it is none."""
    try:
        message = json.loads(line)
    except RecursionError as cause:
        raise ValueError("nested too deep") from cause
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def call(method: str, params: Mapping[str, object], identity: int) -> bytes:
    """One call as a line."""
    return _line({"method": method, "params": dict(params), "id": identity})


def answer(identity: int | str | None, result: Mapping[str, object]) -> bytes:
    """The answer to a call as a line."""
    return _line({"id": identity, "result": dict(result)})


def failure(failed: Failure) -> bytes:
    """The error of a call as a line."""
    return _line({"id": failed.id, "error": {"code": failed.code, "message": failed.message}})


def notification(method: str, params: Mapping[str, object]) -> bytes:
    """Something said without being asked, as a line."""
    return _line({"method": method, "params": dict(params)})


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
