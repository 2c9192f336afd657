"""Who is here, as rows: wrappers of the same client in the same session are one. Pure; a part of `standing`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from itertools import islice
from typing import Any

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Row
from iai_daemon.cli.moments import ago, clock_time
from iai_daemon.foreign import one_line
from iai_daemon.units import parse_stamp, say_duration

_MOST = 5
_LONGEST_CLIENT, _LONGEST_SESSION = 28, 24

_Wrappers = list[Mapping[str, Any]]


def people(seen: Mapping[str, Any], now: float, zone: tzinfo | None) -> Iterator[Row]:
    """A row for each client that is open, at most a few; the others are counted."""
    here = seen.get("here")
    if here is None:
        counts = seen["presence"]
        yield Row("here", f"{counts['fresh']} open, {counts['active']} active", worth=8)
        here = ()
    elif not here:
        yield Row("here", "nobody", Tone.QUIET, 8)
    together = _together(here)
    for wrappers in islice(together, _MOST):
        active = any(each["active"] for each in wrappers)
        yield Row("here", _say(wrappers, now, zone), Tone.PLAIN if active else Tone.QUIET, 7, whole=True)
    left = sum(map(len, together[_MOST:])) + (seen.get("here_more") or 0)
    if left:
        yield Row("here", f"and {left} more: `iai-daemon presence` lists them all", worth=7)
    gone = [
        f"{seen['presence'][name]} {name}"
        for name in ("stale", "orphan", "invalid")
        if seen["presence"][name]
    ]
    if gone:
        yield Row("here", f"beside them {', '.join(gone)}: `iai-daemon presence` tells why", Tone.QUIET, 3)


def _together(here: Sequence[Mapping[str, Any]]) -> list[_Wrappers]:
    """By client, session and host, in the order of the first of each."""
    found: dict[tuple[object, ...], _Wrappers] = {}
    for each in here:
        key = each["client"], each["session_id"], each["host"], each["headless"]
        found.setdefault(key, []).append(each)
    return list(found.values())


def _say(wrappers: _Wrappers, now: float, zone: tzinfo | None) -> str:
    """`claude-code ×3: active 3 min ago, open since 09:12, session 4f2a…`"""
    first = wrappers[0]
    name = one_line(first["client"] or "a client without a name", _LONGEST_CLIENT)
    if len(wrappers) > 1:
        name += f" ×{len(wrappers)}"
    if first["host"] is not None:
        name += f" on {one_line(first['host'], _LONGEST_CLIENT)}"
    told = [_doing(wrappers, now)]
    opened = [parse_stamp(each["since"]) for each in wrappers if each["since"]]
    if opened:
        told.append(f"open since {clock_time(min(opened), now, zone)}")
    if first["session_id"]:
        told.append(f"session {one_line(first['session_id'], _LONGEST_SESSION)}")
    return f"{name}: {', '.join(told)}"


def _doing(wrappers: _Wrappers, now: float) -> str:
    busy = [each["busy"] for each in wrappers if each["busy"]]
    calls = sum(each["calls"] for each in busy)
    said = _calls(calls) if calls else _did(wrappers, now)
    if wrappers[0]["headless"]:
        recall = next((each["recall"] for each in busy if each["recall"] is not None), None)
        return f"{'woken' if recall is None else f'woken for recall {recall}'}, {said}"
    return said


def _calls(calls: int) -> str:
    return "a call is in flight" if calls == 1 else f"{calls} calls are in flight"


def _did(wrappers: _Wrappers, now: float) -> str:
    did = [parse_stamp(each["last_activity"]) for each in wrappers if each["last_activity"]]
    active = any(each["active"] for each in wrappers)
    if not did:
        return "too old to say what it does, so it counts as active" if active else "nothing done yet"
    return f"active {ago(max(did), now)}" if active else f"quiet for {say_duration(max(0.0, now - max(did)))}"
