"""What writers in any language say of their calls (`consolidation.insights`), from the line to what is learnt."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.consolidation.insights import files
from iai_daemon.consolidation.insights.calls import (
    LONGEST_LINE,
    LONGEST_NAME,
    Call,
    Outcome,
    Unreadable,
    parse,
)
from iai_daemon.consolidation.insights.findings import judge
from iai_daemon.consolidation.insights.runs import counted
from iai_daemon.consolidation.insights.telling import from_note, tell, to_note
from iai_daemon.memory.drafts import MAX_CONTENT, MAX_NAME
from iai_daemon.units import format_stamp
from tests.fakes import NOON
from tests.fuzz.mutating import mutated, one_of
from tests.fuzz.target import Target, Verdict, accepted, refused

_GOLDEN = (Path(__file__).parents[3] / "wrappers/golden/trajectories/lines.jsonl").read_bytes()
# One tool fails with one client only, in twelve tasks: enough to learn something from.
_TAUGHT = b"".join(
    json.dumps(
        {
            "schema": 1, "tool": tool, "outcome": "error" if tool == "search" and client == "a" else "ok", "run": run, "seq": seq,
            "at": f"2026-11-{1 + run // 4:02}T11:00:00Z", "client": client, "task": f"t{run % 6}", "success": client == "b",
        }
    ).encode() + b"\n"
    for run in range(24)
    for seq, (tool, client) in enumerate([("search", "a" if run % 2 else "b"), ("write", "a" if run % 2 else "b")])
)  # fmt: skip
_TOKENS = [
    *(f'"{name}": '.encode() for name in ("tool", "outcome", "run", "session", "task", "success", "reward", "at", "seq", "client")),
    *(b'"ok"', b'"error"', b'"cancelled"', b"\n", b"\n\n", b'"full": true', b'"' + b"t" * 300 + b'"', b"1e308", b"9" * 400),
]  # fmt: skip


def _nobody_comes() -> None:
    """The night goes on."""


def _written(call: Call) -> bytes:
    """What says the same, as another writer would put it."""
    fields = {
        name: getattr(call, name)
        for name in ("tool", "outcome", "seq", "duration_ms", "client", "server", "task", "success")
    }
    kind, _, name = call.run.partition(" ")
    whose = {} if kind == "file" else {kind: name}
    at = {} if call.at is None else {"at": format_stamp(call.at)}
    return json.dumps(
        {key: value for key, value in (fields | whose | at).items() if value is not None}
    ).encode()


def _read(data: bytes, source: str) -> list[bytes]:
    """The lines of a file as nights read them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, source).write_bytes(data)
        pieces = list(files.read(files.find([Path(folder)])))
    assert all(len(line) <= LONGEST_LINE + files.CHUNK for piece in pieces for line in piece.lines)
    return [line for piece in pieces for line in piece.lines]


def check(subject: Any, data: bytes) -> Verdict:
    lines = _read(data, "x.jsonl")
    whole = [line for line in data.split(b"\n") if line]
    short = [line for line in whole if len(line) <= LONGEST_LINE]
    assert [line for line in lines if line and len(line) <= LONGEST_LINE] == short, (
        "other lines than there are"
    )
    calls = []
    for line in lines:
        call = subject(line, "x.jsonl")
        if isinstance(call, Unreadable):
            assert call.why
            continue
        _require(call)
        assert subject(_written(call), "x.jsonl") == call, "written anew, it says something else"
        calls.append(call)
    _learn(calls)
    if calls:
        return accepted("calls and runs" if any(call.tool is None for call in calls) else "calls")
    return refused(
        str(min((subject(line, "x").why for line in lines if line.strip()), default="nothing in it"))
    )


def _require(call: Call) -> None:
    for text in (call.run, call.tool, call.client, call.server, call.task):
        assert text is None or (text.isprintable() and len(text) <= LONGEST_NAME + 20)
    for number in (call.at, call.seq, call.duration_ms):
        assert number is None or math.isfinite(number)
    assert (call.tool is None) is (call.outcome is None)
    assert call.outcome is None or call.outcome in Outcome


def _learn(calls: Sequence[Call]) -> None:
    telling = tell(judge(counted(calls, _nobody_comes), _nobody_comes), {}, {}, round(NOON * 1000))
    assert from_note(to_note(telling.told)) == telling.told
    for addition in telling.additions:
        draft = addition.draft
        assert 0 < len(draft.content) <= MAX_CONTENT
        assert draft.content.encode()
        assert all(
            text is None or len(text) <= 2 * MAX_NAME + 100 for text in (draft.subject, draft.attribute)
        )


def _broken(line: bytes, source: str) -> Any:
    """Takes every line for UTF-8."""
    line.decode()
    return parse(line, source)


TARGET = Target(
    name="trajectories",
    law="any lines are calls that say the same when they are written anew, or reasons; what is learnt from them fits a memory",
    corpus=(_GOLDEN, _TAUGHT),
    inputs=mutated([_GOLDEN, *_GOLDEN.splitlines(keepends=True)], _TOKENS, most=4)
    | mutated([_TAUGHT, _GOLDEN + _TAUGHT], _TOKENS, most=3)
    | one_of([b"", b"\n", b"x" * (LONGEST_LINE + 1) + b"\n" + _GOLDEN]).flatmap(lambda head: st.binary(max_size=30).map(lambda rest: head + rest)),
    check=check,
    subject=parse,
    broken=_broken,
)  # fmt: skip
