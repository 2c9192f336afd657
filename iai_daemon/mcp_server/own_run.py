"""What an agent's tools go by: which run of the daemon's this server is below, and the daemon, which may not be there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from iai_daemon.agenda.recall import Recall, Run
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.clock import read
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute, Refused
from iai_daemon.paths import Home
from iai_daemon.presence.processes import SystemProcesses, lineage

# A daemon that does not answer must not keep an agent waiting.
_DAEMON_SECONDS = 2.0
# No process is that far below another.
_GENERATIONS = 64


class OwnRun:
    """The run that this process is part of, by the processes above it."""

    def __init__(self, agenda: AgendaStore) -> None:
        self._agenda = agenda

    def find(self) -> tuple[Recall, Run] | None:
        """One that is under way, with its recall. Raises StoreUnusable, StoreBusy."""
        for recall, run in self._agenda.under_way():
            if any(run.pid == pid and _may_be_same(start, run.process_start) for pid, start in self._above):
                return recall, run
        return None

    @cached_property
    def _above(self) -> Sequence[tuple[int, int | None]]:
        above = lineage(SystemProcesses(), os.getppid(), read(), _GENERATIONS)
        return [(process.pid, process.start) for process in above]


def tell_daemon(home: Home) -> None:
    """Let it look at once at what was changed."""
    client.tell(home, timeout=_DAEMON_SECONDS)


def status_of_agenda(home: Home) -> Mapping[str, Any]:
    """The part `agenda` of the daemon's status; without a daemon, or from a mute one, nothing."""
    try:
        told = client.status(home, timeout=_DAEMON_SECONDS).get("agenda")
    except (DaemonAway, DaemonMute, Refused):
        return {}
    return told if isinstance(told, dict) else {}


def _may_be_same(one: int | None, other: int | None) -> bool:
    """Whether these may be the starts of one process."""
    return one is None or other is None or one == other
