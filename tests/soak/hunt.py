"""Killing a process that comes and goes: a night's worker, an agent."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from iai_daemon.clock import Stopwatch
from tests.soak import looking
from tests.soak.house import House

# Seconds: how often, and how long, one is looked for.
_BETWEEN, _LONGEST = 0.2, 8.0


@dataclass(slots=True)
class _Prey:
    """The first that is so shall be killed. `next_at`: when it is looked for again, in seconds since it was wanted."""

    what: str
    is_it: Callable[[psutil.Process], bool]
    since: Stopwatch
    next_at: float = 0.0


class Hunt:
    """One at a time. What is done counts in `deeds` when it is done."""

    def __init__(self, house: House, deeds: Counter[str]) -> None:
        self._house = house
        self._deeds = deeds
        self._prey: _Prey | None = None

    def begin(self, what: str, is_it: Callable[[psutil.Process], bool]) -> None:
        """It was counted when it was wanted, which is too early."""
        self._deeds[what] -= 1
        self._prey = _Prey(what, is_it, Stopwatch())

    def go_on(self) -> None:
        """Kill it as soon as there is one; the hunt is over when there is none for a while."""
        prey = self._prey
        if prey is None or prey.since.seconds() < prey.next_at:
            return
        prey.next_at = prey.since.seconds() + _BETWEEN
        if self._kill_one(prey):
            self._deeds[prey.what] += 1
            self._prey = None
        elif prey.since.seconds() > _LONGEST:
            self._deeds[f"{prey.what}: there was none"] += 1
            self._prey = None

    def _kill_one(self, prey: _Prey) -> bool:
        for process in looking.children(self._house):
            with contextlib.suppress(psutil.Error):
                if prey.is_it(process):
                    process.kill()
                    return True
        return False


def is_worker(process: psutil.Process) -> bool:
    return any(word.endswith("consolidation.worker") for word in process.cmdline())


def is_agent(process: psutil.Process) -> bool:
    """An agent of the house's settings itself, not its guard."""
    line = process.cmdline()
    return line[1:4] == ["-I", "-S", "-c"] and "[Scheduled recall] " in line[-1]
