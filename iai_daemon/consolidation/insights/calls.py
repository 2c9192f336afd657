"""One line of a trajectory: what a writer in any language says of one finished call, or of a run. Pure.

`wrappers/CONTRACT.md` describes it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from iai_daemon.foreign import printable
from iai_daemon.units import parse_stamp

# In characters, of a text that comes from outside; in bytes, of a line.
LONGEST_NAME, LONGEST_LINE = 200, 64 * 1024
# A run with a reward of at least so much has succeeded.
REWARDED = 0.5


class Outcome(StrEnum):
    """How a call ended. CANCELLED by the client; UNANSWERED when server or client ended first."""

    OK = "ok"
    ERROR = "error"
    CANCELLED = "cancelled"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Call:
    """One line. `at` in seconds since the epoch, `run` what belongs together in one order; without `tool` and `outcome` it
    tells of a run as a whole."""

    run: str
    tool: str | None = None
    outcome: Outcome | None = None
    at: float | None = None
    seq: float | None = None
    duration_ms: float | None = None
    client: str | None = None
    server: str | None = None
    task: str | None = None
    success: bool | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a line is left out, in words."""

    why: str


def parse(line: bytes, source: str) -> Call | Unreadable:
    """What a line says. `source`: what stands for the run where the line names neither run nor session."""
    if len(line) > LONGEST_LINE:
        return Unreadable("longer than 64 KiB")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return Unreadable("not JSON")
    if not isinstance(fields, dict):
        return Unreadable("not an object")
    return _call(fields, source)


def _call(fields: Mapping[str, object], source: str) -> Call | Unreadable:
    tool, success = _name(fields.get("tool")), _success(fields)
    run, session = _name(fields.get("run")), _name(fields.get("session"))
    outcome = None
    if tool is not None:
        try:
            outcome = Outcome(str(fields.get("outcome")))
        except ValueError:
            return Unreadable("no outcome that is known")
    elif run is None or success is None:
        return Unreadable("neither a call nor the end of a run")
    return Call(
        run=sys.intern(f"run {run}" if run else f"session {session}" if session else f"file {source}"),
        tool=tool,
        outcome=outcome,
        at=_stamp(fields.get("at")),
        seq=_number(fields.get("seq")),
        duration_ms=_number(fields.get("duration_ms")),
        client=_name(fields.get("client")),
        server=_name(fields.get("server")),
        task=_name(fields.get("task")),
        success=success,
    )


def _name(value: object) -> str | None:
    """A text in one line, without what ends a quotation; a number counts as its text. None: there is none."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        value = str(value)
    if not isinstance(value, str):
        return None
    told = printable(value[:LONGEST_NAME], " ", keep="").replace("`", " ")
    return sys.intern(" ".join(told.split())) or None


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _stamp(value: object) -> float | None:
    try:
        return parse_stamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _success(fields: Mapping[str, object]) -> bool | None:
    said, reward = fields.get("success"), _number(fields.get("reward"))
    if isinstance(said, bool):
        return said
    return None if reward is None else reward >= REWARDED
