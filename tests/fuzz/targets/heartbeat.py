"""The heartbeat that a wrapper in any language wrote (`presence.heartbeat.parse`)."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from iai_daemon.presence.heartbeat import Heartbeat, Unreadable, parse
from iai_daemon.units import format_stamp
from tests.fakes import NOON
from tests.fuzz.mutating import mutated, mutated_text
from tests.fuzz.target import Target, Verdict, accepted, refused

_GOLDEN = Path(__file__).parents[3] / "wrappers/golden"
_EXPECTED = json.loads((_GOLDEN / "expected.json").read_text(encoding="utf-8"))
CORPUS = tuple(
    (each["file_name"], (_GOLDEN / f"{name}.json").read_bytes()) for name, each in _EXPECTED.items()
)
NAME = CORPUS[0][0]
_FIELDS = [b'"%s": ' % name.encode() for name in json.loads(CORPUS[0][1])]
_LARGEST_PID = 2**31
_MTIME = NOON - 7


def _written(beat: Heartbeat) -> bytes:
    """What says the same, as another writer would put it."""
    stamps = {
        name: None if value is None else format_stamp(value)
        for name, value in (("last_refresh", beat.last_refresh), ("started_at", beat.started_at))
    }
    if beat.reports_activity:
        stamps["last_activity"] = None if beat.last_activity is None else format_stamp(beat.last_activity)
    same = (
        *("pid", "uuid", "activity_count", "in_flight", "locked", "process_start", "boot_id", "parent_pid", "child_pid"),
        *("child_start", "session_id", "server", "wrapper_version", "schema_version"),
    )  # fmt: skip
    client = {"name": beat.client_name, "version": beat.client_version}
    return json.dumps({name: getattr(beat, name) for name in same} | stamps | {"client": client}).encode()


def _whole(beat: Heartbeat) -> dict[str, Any]:
    """Its fields, with stamps to the millisecond."""
    fields = {name: getattr(beat, name) for name in Heartbeat.__slots__}
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in fields.items()}


def check(subject: Any, given: tuple[str, bytes]) -> Verdict:
    name, data = given
    beat = subject(name, data, _MTIME)
    assert beat == subject(name, data, _MTIME), "read twice, it says two things"
    if isinstance(beat, Unreadable):
        assert beat.reason
        return refused(re.sub(r"-?\d+", "N", beat.reason))
    assert isinstance(beat, Heartbeat)
    assert -_LARGEST_PID < beat.pid < _LARGEST_PID
    assert beat.activity_count >= 0 <= beat.in_flight
    for value in _whole(beat).values():
        assert not isinstance(value, str) or value.encode().decode() == value
        assert not isinstance(value, float) or (math.isfinite(value) and value >= 0)
    if beat.fallback is not None:
        assert beat.last_refresh == _MTIME
        return refused(re.sub(r"-?\d+", "N", beat.fallback))
    again = subject(name, _written(beat), _MTIME)
    if len(str(beat.schema_version)) < 4000:
        assert _whole(again) == _whole(beat), "written anew, it says something else"
    return accepted("in flight" if beat.in_flight else "locked" if beat.locked else "at rest")


def _broken(name: str, data: bytes, mtime: float) -> Any:
    """Takes every text for UTF-8."""
    data.decode()
    return parse(name, data, mtime)


TARGET = Target(
    name="heartbeat",
    law="any name and any bytes are a heartbeat or a reason; what is taken says the same when it is written anew",
    corpus=CORPUS,
    inputs=st.tuples(
        st.just(NAME) | mutated_text([name for name, _ in CORPUS], ["heartbeat-", ".json", "-"], most=3),
        mutated([data for _, data in CORPUS], [*_FIELDS, b'"pid": 4711', b'"client": '], most=4) | st.binary(max_size=64),
    ),
    check=check,
    subject=parse,
    broken=_broken,
)  # fmt: skip
