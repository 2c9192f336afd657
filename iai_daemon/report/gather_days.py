"""How the days went, and who was here: from the files that the daemon keeps. No store is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

from iai_daemon.lifecycle import attendance, history
from iai_daemon.lifecycle import hypnogram as line
from iai_daemon.memory.nights import NightRow
from iai_daemon.paths import Home
from iai_daemon.report.days import Day, the_days
from iai_daemon.units import format_stamp

# The hypnogram shows so many days.
WEEK = 7
# Restless days: what is shorter is left to `iai-daemon history`.
MOST_STRETCHES = 3000
MOST_CLIENTS = 24


def hypnogram(home: Home, rows: Sequence[NightRow], now: float, zone: tzinfo) -> dict[str, Any]:
    """The states of the last week with the nights and naps in them; `now` in seconds since the epoch."""
    days = the_days(round(now * 1000), WEEK, zone)
    since = days[0].since
    problem, found = None, []
    try:
        entries = history.entries(home.history)
        found = line.stretches(entries, since, now, known_until=history.known_until(home, now))
    except OSError as cause:
        problem = f"{home.history} cannot be read ({cause.strerror})"
    nights = line.nights_between(rows, since, now)
    longest = sorted(found, key=lambda each: each.seconds, reverse=True)[:MOST_STRETCHES]
    shown = sorted(longest, key=lambda each: each.since)
    return {
        "problem": problem,
        "days": [_plain_day(each) for each in days],
        "stretches": [each.plain() for each in shown],
        "left_out": len(found) - len(shown),
        "nights": [each.plain() for each in nights],
        "totals": line.totals(found, nights).plain(),
    }


def presence(home: Home, days: Sequence[Day], now: float) -> dict[str, Any]:
    """For how long each client was open, and somebody at work with it, on each of the days; those of most work first."""
    since = days[0].since
    problem: str | None = None
    found: dict[str, list[attendance.Attended]] = {}
    try:
        found = attendance.read(home.attendance, since, now, known_until=history.known_until(home, now))
    except OSError as cause:
        problem = f"{home.attendance} cannot be read ({cause.strerror})"
    clients = [_client(name, spans, days) for name, spans in found.items()]
    clients.sort(key=lambda each: (-each["active_seconds"], -each["open_seconds"], each["client"]))
    return {
        "problem": problem,
        "clients": clients[:MOST_CLIENTS],
        "left_out": max(0, len(clients) - MOST_CLIENTS),
        "days": [_plain_day(each) for each in days],
    }


def _client(name: str, spans: Sequence[attendance.Attended], days: Sequence[Day]) -> dict[str, Any]:
    return {
        "client": name,
        "open_seconds": round(sum(each.until - each.since for each in spans), 3),
        "active_seconds": round(sum(each.until - each.since for each in spans if each.active), 3),
        "days": [_of_day(spans, day) for day in days],
    }


def _of_day(spans: Sequence[attendance.Attended], day: Day) -> dict[str, float]:
    inside = [
        (max(0.0, min(each.until, day.until) - max(each.since, day.since)), each.active) for each in spans
    ]
    return {
        "open": round(sum(seconds for seconds, _ in inside), 3),
        "active": round(sum(seconds for seconds, active in inside if active), 3),
    }


def _plain_day(day: Day) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "since": format_stamp(day.since),
        "until": format_stamp(day.until),
    }
