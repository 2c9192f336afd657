"""`iai-daemon status`: how the daemon stands, in a fraction of a second."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import iai_daemon
from iai_daemon.cli import quick
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway
from iai_daemon.paths import Home, find_home
from iai_daemon.units import say_duration

# Of more hosts only the number is said.
_MOST_HOSTS = 12


def status(words: Sequence[str]) -> int:
    """Print the status; 1 when no daemon runs."""
    arguments = quick.parse(words, "status", json=True)
    home = find_home(arguments.home)
    try:
        seen = client.status(home)
    except DaemonAway as away:
        lacking = _service(home)
        if not arguments.json:
            print(f"iai-daemon: {away}", file=sys.stderr)
            for each in lacking:
                print(f"{each['why']}; {each['fix']}", file=sys.stderr)
            return away.exit_status
        seen = nobody() | {"degraded": lacking}
    print(json.dumps(seen) if arguments.json else "\n".join(_lines(seen)))
    return 0 if seen["pid"] else 1


def _service(home: Home) -> list[dict[str, str]]:
    """Where a service should run the daemon and does not: as an entry of `degraded`."""
    from iai_daemon.service import installed  # noqa: PLC0415 -- only where no daemon runs: else it would cost as much as the call

    found = installed.find(home)
    if found is None:
        return []
    outdated = installed.trouble(home)
    why = outdated.why if outdated else f"its service is installed ({found.path}) and does not run"
    return [{"what": "service", "why": why, "fix": outdated.fix if outdated else "`iai-daemon start`"}]


def nobody() -> dict[str, Any]:
    """The object of `status --json` when no daemon runs."""
    counts = dict.fromkeys(("fresh", "active", "stale", "orphan", "invalid"), 0)
    consolidation: dict[str, object] = dict.fromkeys(
        ("why_not", "elsewhere", "night", "pass", "progress", "last")
    )
    return {
        "schema": 1,
        "pid": None,
        "version": iai_daemon.__version__,
        "state": None,
        "since": None,
        "reason": "no daemon is running",
        "rule": None,
        "presence": counts,
        "hosts": [],
        "consolidation": {"running": False, **consolidation, "waiting": {}},
        "agenda": {},
        "store": {"engine": None, "memories": None},
        "tick": {"at": None, "failures": 0},
        "degraded": [],
    }


def _lines(seen: Mapping[str, Any]) -> list[str]:
    """The same for a person, on one screen."""
    here, night = seen["presence"], seen["consolidation"]
    wrappers = f"{here['fresh']} open, {here['active']} active"
    gone = [f"{here[name]} {name}" for name in ("stale", "orphan", "invalid") if here[name]]
    lines = [
        f"{seen['state']}  since {seen['since']}  ({seen['rule']}: {seen['reason']})",
        f"wrappers  {', '.join([wrappers, *gone])}",
        *_hosts(seen.get("hosts") or []),
        f"night     {_night(night)}",
        f"agenda    {_agenda(seen['agenda'])}",
        f"memory    {seen['store']['memories']} memories ({seen['store']['engine']})",
        f"daemon    pid {seen['pid']}, version {seen['version']}, {seen['tick']['failures']} failed ticks",
    ]
    calendar = seen["agenda"].get("calendar", {})
    if calendar.get("enabled"):
        lines.append(f"calendar  {_calendar(calendar)}")
    if night["waiting"].get("review"):
        lines.append(
            f"waiting   {night['waiting']['review']} proposals: `iai-daemon nights list` tells of which night"
        )
    if held_back := sum(number for why, number in night["waiting"].items() if why != "review"):
        lines.append(f"waiting   {held_back} changes held back: `iai-daemon nights list` tells why")
    if night["elsewhere"]:
        lines.append(f"night     one is running on {night['elsewhere']}")
    if night["why_not"]:
        lines.append(f"disabled  {night['why_not']}")
    return lines + [f"degraded  {each['what']}: {each['why']}; {each['fix']}" for each in seen["degraded"]]


def _hosts(hosts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each of the others that share the memory; those that count come first."""
    others = sorted((each for each in hosts if not each["this"]), key=lambda each: bool(each["lease_over"]))
    lines = [f"host      {each['name']}: {_host(each)}" for each in others[:_MOST_HOSTS]]
    if len(others) > _MOST_HOSTS:
        lines.append(f"hosts     {len(others) - _MOST_HOSTS} more: `iai-daemon status --json`")
    return lines


def _host(host: Mapping[str, Any]) -> str:
    if host["lease_over"]:
        return f"has not been heard of for {say_duration(host['seen'])}"
    if host["state"] is None:
        return "tells what cannot be read: another version may run there"
    night = f", night {host['night']} is running there" if host["night"] is not None else ""
    return f"{host['state']} ({host['rule']}), {host['wrappers']} open, {host['active']} active{night}"


def _night(night: Mapping[str, Any]) -> str:
    if night["running"]:
        progress = night["progress"] or {}
        done = f", {progress['done']} of {progress['total']}" if progress.get("total") else ""
        return f"{night['night']} is running: {night['pass'] or 'starting'}{done}"
    last = night["last"]
    if not last:
        return "none yet"
    return f"last one {last['id']}, {last['outcome']}, ended {last['ended_at']}"


def _calendar(calendar: Mapping[str, Any]) -> str:
    told = [f"{len(calendar['active'])} slots active", f"{len(calendar['queued'])} waiting"]
    told.append(f"last heard of its backend at {calendar['last_heartbeat'] or 'no time yet'}")
    if calendar["restart_pending"]:
        told.append("which wants a restart")
    return ", ".join(told)


def _agenda(agenda: Mapping[str, Any]) -> str:
    told = [f"next recall {agenda['next_at']}" if agenda["next_at"] else "no recall is planned"]
    told += [_at_work(run) for run in agenda["running"]]
    if agenda["missed_last_day"]:
        told.append(f"{agenda['missed_last_day']} missed since yesterday: `iai-daemon recall history`")
    return ", ".join(told)


def _at_work(run: Mapping[str, Any]) -> str:
    if run["recall"] is None:
        return f"{run['agent']} is being tried out"
    return f"{run['agent']} is at work on recall {run['recall']}"
