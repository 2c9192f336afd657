"""What happened, one line for each transition, mark and night, in local time; for `history`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iai_daemon.cli.hypnogram import say_date
from iai_daemon.cli.nights import summary
from iai_daemon.consolidation.effects import UNDOABLE
from iai_daemon.foreign import one_line
from iai_daemon.lifecycle.history import SLEPT, STOPPED
from iai_daemon.lifecycle.hypnogram import Night, Totals
from iai_daemon.units import NEVER, parse_stamp, say_count, say_duration, to_local

Told = Mapping[str, Any]

# What others wrote into a reason is not longer than this.
_LONGEST = 200


def moment(entry: Told) -> float:
    """When it was, in seconds since the epoch; never for a stamp that is none."""
    try:
        return parse_stamp(str(entry.get("at")))
    except ValueError:
        return NEVER


def say_range(since: float, until: float) -> str:
    """`Sat 21 Nov 2026 06:31 to Sun 22 Nov 2026 06:31, local time (CET)`"""
    ends = [to_local(each, None) for each in (since, until)]
    said = " to ".join(f"{say_date(each.date())} {each:%H:%M}" for each in ends)
    zones = ", then ".join(dict.fromkeys(each.tzname() or "" for each in ends))
    return f"{said}, local time ({zones})"


def say_totals(totals: Totals, *, with_nights: bool) -> str:
    """`WAKE 5.2 h, IDLE 31 min, BEDTIME 16.9 h, not known 4 min; 1 night, 3 naps`"""
    times = [f"{state} {say_duration(seconds)}" for state, seconds in totals.seconds.items()]
    if totals.unknown >= 1:
        times.append(f"not known {say_duration(totals.unknown)}")
    said = ", ".join(times)
    return (
        f"{said}; {say_count(totals.nights, 'night')}, {say_count(totals.naps, 'nap')}"
        if with_nights
        else said
    )


def say_shown(shown: int, there_are: int) -> str:
    """How many transitions follow, and of how many."""
    if shown < there_are:
        return f"the newest {shown} of {say_count(there_are, 'transition')}:"
    return f"{say_count(there_are, 'transition')}{':' if there_are else ''}"


def tell(entries: Sequence[Told], nights: Sequence[Night], reports: Mapping[int, Told]) -> Iterator[str]:
    """Everything in the order of time, a line with the date before each day."""
    lines = [(moment(each), _say(each)) for each in entries]
    lines += [(each.since, _say_night(each, reports[each.id])) for each in nights]
    day = None
    for at, line in sorted(lines, key=lambda each: each[0]):
        local = to_local(at, None)
        if local.date() != day:
            day = local.date()
            yield say_date(day)
        yield f"  {local:%H:%M:%S}  {line}"


def _say(entry: Told) -> str:
    reason = one_line(str(entry.get("reason") or ""), _LONGEST)
    if "to" in entry:
        before, after, rule = (one_line(str(entry.get(name) or "·"), 20) for name in ("from", "to", "rule"))
        return f"{before:7} → {after:7}  {rule}: {reason}"
    why, state = one_line(str(entry.get("why")), _LONGEST), one_line(str(entry.get("state")), 20)
    if entry.get("mark") == STOPPED:
        return f"{why} in {state}"
    return f"{why}{_how_long(entry)}; {state} goes on"


def _how_long(entry: Told) -> str:
    try:
        seconds = moment(entry) - parse_stamp(str(entry.get("known_until")))
    except ValueError:
        return ""
    # A clock that was set back passed no time over.
    return f" for {say_duration(seconds)}" if entry.get("mark") == SLEPT and seconds >= 1 else ""


def _say_night(night: Night, report: Told) -> str:
    outcome = night.outcome or "running, or its process was killed"
    took = "" if night.outcome is None else f" after {say_duration(night.until - night.since)}"
    said = f"{night.kind} {night.id}, {one_line(outcome, 40)}{took}: {summary(report)}"
    if report.get("reason"):
        said += f" ({one_line(str(report['reason']), _LONGEST)})"
    if night.undone:
        return f"{said}; taken back"
    if any(report.get(name) for name in UNDOABLE):
        said += f"; `iai-daemon nights undo {night.id}` takes it back"
    return said
