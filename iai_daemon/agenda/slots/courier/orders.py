"""What the daemon asks of its courier, one JSON object a line. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 1_000_000


class BadOrder(ValueError):
    """A line that is no order. `id`: what it calls itself, if that can be read."""

    def __init__(self, problem: str, id: int | None = None) -> None:  # noqa: A002 -- as on the line
        super().__init__(problem)
        self.id = id


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent as the backend is told of it."""

    id: str
    model: str
    status: str


@dataclass(frozen=True, slots=True)
class Beat:
    """Tell the backend who is here, and bring back which slots it lists. `captured_at`: RFC 3339, in UTC."""

    id: int
    captured_at: str
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the backend what became of a slot. `key`: the same however often it is sent."""

    id: int
    slot: str
    status: str
    summary: str | None
    reason: str | None
    key: str


def from_line(line: bytes) -> Beat | Tell:
    """Raises BadOrder."""
    if len(line) > LONGEST_LINE:
        raise BadOrder("the line is too long")
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as cause:
        raise BadOrder("the line is no JSON") from cause
    number = said.get("id") if isinstance(said, dict) else None
    if type(number) is not int:
        raise BadOrder("the line is no order with a number as its id")
    try:
        if said.get("do") == "beat":
            return Beat(number, _text(said, "captured_at"), _agents(said))
        if said.get("do") == "update":
            return _tell(number, said)
    except ValueError as cause:
        raise BadOrder(str(cause), number) from cause
    raise BadOrder('an order\'s "do" is "beat" or "update"', number)


def _tell(number: int, said: Mapping[str, Any]) -> Tell:
    key = _text(said, "key")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise ValueError("key cannot stand in a header")
    return Tell(
        number,
        _text(said, "slot"),
        _text(said, "status"),
        _text_or_none(said, "summary"),
        _text_or_none(said, "reason"),
        key,
    )


def _agents(said: Mapping[str, Any]) -> tuple[Agent, ...]:
    agents = said.get("agents")
    if not isinstance(agents, list) or not all(isinstance(each, dict) for each in agents):
        raise ValueError("agents is no list of objects")
    return tuple(
        Agent(_text(each, "id"), _text_or_none(each, "model") or "", _text(each, "status")) for each in agents
    )


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is no text")
    return value


def _text_or_none(said: Mapping[str, Any], name: str) -> str | None:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value
