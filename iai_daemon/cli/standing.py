"""How the daemon stands, as rows for a person: from the object of `status --json`, a moment and a zone. Pure; `status` and `watch`
show the same. What is missing, in the object of an older daemon, is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from iai_daemon.cli.colour import Tone
from iai_daemon.cli.layout import Row
from iai_daemon.cli.moments import ago, clock_time, coming, since
from iai_daemon.cli.people import people
from iai_daemon.consolidation.effects import UNDOABLE, counted
from iai_daemon.foreign import one_line
from iai_daemon.units import parse_stamp, say_count, say_duration

# Of more hosts, and of more that does not work, only the number is said.
_MOST_HOSTS, _MOST_WRONG = 12, 12
_LONGEST_WHY, _LONGEST_MESSAGE = 160, 50
_TONES = {"WAKE": Tone.WAKE, "IDLE": Tone.IDLE, "BEDTIME": Tone.BEDTIME}
_RULES = {
    "active": "someone is at work",
    "settled": "a client has just been opened",
    "idle": "nobody has done anything for a while",
    "nobody": "no client is open",
    "inactive": "clients are open, and nobody has used them for long",
    "absent": "everybody has left",
    "overdue": "a night has been waited for too long",
    "asked": "you asked for it",
    "started": "the daemon has just started",
}
_OUTCOMES = {
    "completed": "completed",
    "yielded": "gave way to someone who came back",
    "nothing_to_do": "found nothing to do",
    "failed": "failed",
    "cancelled": "was stopped",
}


def rows(seen: Mapping[str, Any], now: float, zone: tzinfo | None = None) -> list[Row]:
    """Everything on one screen, the most important first; `now` in seconds since the epoch, local time without a zone."""
    night = seen["consolidation"]
    return [
        *_state(seen, now, zone),
        *people(seen, now, zone),
        *_hosts(seen.get("hosts") or ()),
        *_night(night, now, zone),
        *_next(seen, now, zone),
        *_agents(seen["agenda"], now, zone),
        *_calendar(seen["agenda"].get("calendar") or {}, now),
        *_memory(seen["store"], night.get("waiting") or {}),
        *_wrong(seen["degraded"], night),
        _daemon(seen),
    ]


def _state(seen: Mapping[str, Any], now: float, zone: tzinfo | None) -> Iterator[Row]:
    state, rule = str(seen["state"]), str(seen["rule"])
    words = _RULES.get(rule, rule)
    yield Row(
        "state",
        f"{state}: {words}, since {since(parse_stamp(seen['since']), now, zone)}",
        _TONES.get(state, Tone.PLAIN),
        10,
    )
    yield Row("why", f"{rule}: {one_line(str(seen['reason']), 2 * _LONGEST_WHY)}", Tone.QUIET, 7)


def _hosts(hosts: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """A row for each of the others that share the memory; those that count come first."""
    others = sorted((each for each in hosts if not each["this"]), key=lambda each: bool(each["lease_over"]))
    for each in others[:_MOST_HOSTS]:
        yield Row("hosts", f"{one_line(each['name'])}: {_host(each)}", worth=3)
    if len(others) > _MOST_HOSTS:
        yield Row("hosts", f"{len(others) - _MOST_HOSTS} more: `iai-daemon status --json`", worth=3)


def _host(host: Mapping[str, Any]) -> str:
    if host["lease_over"]:
        seen = host["seen"]
        return f"has not been heard of {'yet' if seen is None else f'for {say_duration(seen)}'}"
    if host["state"] is None:
        return "tells what cannot be read: another version may run there"
    night = f", night {host['night']} is running there" if host["night"] is not None else ""
    state, rule = one_line(host["state"], 20), one_line(host["rule"], 20)
    return f"{state} ({rule}), {host['wrappers']} open, {host['active']} active{night}"


def _night(night: Mapping[str, Any], now: float, zone: tzinfo | None) -> Iterator[Row]:
    if night["running"]:
        yield Row("night", _running(night), Tone.BEDTIME, 8)
    elif night["elsewhere"]:
        yield Row("night", f"one is running on {one_line(night['elsewhere'])}", Tone.BEDTIME, 8)
    last, completed = night["last"], night.get("last_night")
    if last is None:
        if not night["running"]:
            yield Row("night", "none yet", worth=6)
        return
    if last["kind"] == "nap" and completed is not None:
        yield Row("night", f"the last: {_ended(completed, now, zone)}", worth=6)
        yield Row("night", f"since then: {_ended(last, now, zone)}", worth=4)
    else:
        yield Row("night", f"the last: {_ended(last, now, zone)}", worth=6)


def _running(night: Mapping[str, Any]) -> str:
    progress = night["progress"] or {}
    said = f"{night['night'] or 'one'} is running: {one_line(night['pass'] or 'it begins')}"
    if progress.get("round", 1) > 1:
        said += f", round {progress['round']}"
    return said + (f", {progress['done']:,} of {progress['total']:,}" if progress.get("total") else "")


def _ended(report: Mapping[str, Any], now: float, zone: tzinfo | None) -> str:
    """`night 12 completed 03:14 (4 h ago): 3 replaced by newer facts; `iai-daemon nights undo 12` takes it back`"""
    outcome = _OUTCOMES.get(report["outcome"]) or one_line(str(report["outcome"]), 40)
    number = f" {report['id']}" if report["id"] is not None else ""
    said = f"{report['kind']}{number} {outcome} {since(parse_stamp(report['ended_at']), now, zone)}"
    if report["reason"]:
        said += f" ({one_line(str(report['reason']), _LONGEST_WHY)})"
    if done := counted(report):
        said += f": {', '.join(done)}"
    if undone := report.get("undone_at"):
        return f"{said}; taken back {clock_time(parse_stamp(undone), now, zone)}"
    if any(report.get(name) for name in UNDOABLE):
        said += f"; `iai-daemon nights undo {report['id']}` takes it back"
    return said


def _next(seen: Mapping[str, Any], now: float, zone: tzinfo | None) -> Iterator[Row]:
    ahead = seen.get("next") or {}
    states = [
        f"{name} {coming(parse_stamp(ahead[key]['at']), now, zone)}"
        for name, key in (("IDLE", "idle"), ("BEDTIME", "bedtime"))
        if ahead.get(key)
    ]
    if states:
        yield Row("next", f"{', '.join(states)}, if nobody does anything", worth=6)
    night = ahead.get("night")
    # Where none comes at all a row of its own says so.
    if night and not seen["consolidation"]["why_not"]:
        yield Row("next", _next_night(night, ahead.get("bedtime"), now, zone), worth=6)
    if recall := ahead.get("recall"):
        yield Row("next", _recall(recall, now, zone), worth=6)
    elif not seen["agenda"].get("next_at"):
        yield Row("next", "no recall is planned", Tone.QUIET, 2)


def _next_night(
    night: Mapping[str, Any], bedtime: Mapping[str, Any] | None, now: float, zone: tzinfo | None
) -> str:
    if night["at"] is None:
        return f"no night: {one_line(str(night['why']), _LONGEST_WHY)}"
    because = f" ({one_line(night['why'])})" if night["why"] else ""
    if bedtime and bedtime["at"] == night["at"]:
        return f"a night as soon as it is BEDTIME, if there is anything to do{because}"
    return f"a night {coming(parse_stamp(night['at']), now, zone)} at the earliest{because}"


def _recall(recall: Mapping[str, Any], now: float, zone: tzinfo | None) -> str:
    when = coming(parse_stamp(recall["at"]), now, zone)
    what = f": {one_line(recall['message'], _LONGEST_MESSAGE)}" if recall["message"] else ""
    return f"recall {recall['id']} {when} wakes {one_line(recall['agent'], 30)}{what}"


def _agents(agenda: Mapping[str, Any], now: float, zone: tzinfo | None) -> Iterator[Row]:
    for run in agenda.get("running") or ():
        name, begun = one_line(run["agent"], 30), since(parse_stamp(run["since"]), now, zone)
        what = "is being tried out" if run["recall"] is None else f"is at work on recall {run['recall']}"
        yield Row("agents", f"{name} {what}, since {begun}", Tone.WAKE, 7)
    if missed := agenda.get("missed_last_day"):
        yield Row(
            "agents",
            f"{say_count(missed, 'recall')} missed since yesterday: `iai-daemon recall history`",
            Tone.WARNING,
            7,
        )


def _calendar(calendar: Mapping[str, Any], now: float) -> Iterator[Row]:
    if not calendar.get("enabled"):
        return
    heard = calendar["last_heartbeat"]
    told = [
        f"{say_count(len(calendar['active']), 'slot')} active",
        f"{len(calendar['queued'])} waiting",
        f"its backend answered {ago(parse_stamp(heard), now)}"
        if heard
        else "its backend has not answered yet",
    ]
    if calendar["restart_pending"]:
        told.append("which wants a restart")
    yield Row("calendar", ", ".join(told), worth=3)


def _memory(store: Mapping[str, Any], waiting: Mapping[str, int]) -> Iterator[Row]:
    count = store["memories"]
    said = (
        "how many there are is not known"
        if count is None
        else f"{count:,} {'memory' if count == 1 else 'memories'}"
    )
    yield Row("memory", f"{said} ({store['engine']})", worth=3)
    if proposed := waiting.get("review"):
        yield Row(
            "waiting",
            f"{say_count(proposed, 'proposal')}: `iai-daemon nights list` tells of which night",
            worth=6,
        )
    if held_back := sum(number for why, number in waiting.items() if why != "review"):
        yield Row(
            "waiting",
            f"{say_count(held_back, 'change')} held back: `iai-daemon nights list` tells why",
            worth=4,
        )


def _wrong(degraded: Sequence[Mapping[str, str]], night: Mapping[str, Any]) -> Iterator[Row]:
    if night["why_not"]:
        yield Row("disabled", one_line(str(night["why_not"]), 2 * _LONGEST_WHY), worth=6)
    for each in degraded[:_MOST_WRONG]:
        what, why, fix = (one_line(str(each[name]), 400) for name in ("what", "why", "fix"))
        yield Row("degraded", f"{what}: {why}; {fix}", Tone.WARNING, 8)
    if len(degraded) > _MOST_WRONG:
        yield Row(
            "degraded", f"{len(degraded) - _MOST_WRONG} more: `iai-daemon status --json`", Tone.WARNING, 8
        )


def _daemon(seen: Mapping[str, Any]) -> Row:
    failures = seen["tick"]["failures"]
    failed = f", {say_count(failures, 'failed tick')}: `iai-daemon logs` tells why" if failures else ""
    return Row("daemon", f"pid {seen['pid']}, version {seen['version']}{failed}", Tone.QUIET, 1)
