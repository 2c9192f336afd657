"""What agents may still use: so many runs and minutes in any 24 hours. Where that is used up, nothing is started."""

from __future__ import annotations

from collections.abc import Mapping

from iai_daemon.agenda.policy import Obstacle
from iai_daemon.agenda.recall import Spent
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.config import Agent
from iai_daemon.units import say_duration

_DAY = 86_400_000
# With less time than this no agent gets anything done.
_WORTH_IT = 1_000
# Whether there is something left again is asked after a minute at the soonest, after an hour at the latest.
_ASK_AGAIN = (60_000, 3_600_000)


class Budget:
    """As of one turn of the loop, `now` in milliseconds since the epoch.

    `reserved`: the milliseconds that running agents may still use, by name; they count as used.
    """

    def __init__(self, store: AgendaStore, reserved: Mapping[str, int], now: int) -> None:
        self._store = store
        self._reserved = dict(reserved)
        self._now = now
        self._spent: dict[str, Spent] = {}

    def exhausted(self, agent: Agent) -> Obstacle | None:
        """Why it may not be started now, and when the first of its runs no longer counts."""
        spent = self._of(agent)
        if spent.runs >= agent.max_runs_per_day:
            cap = f"{agent.max_runs_per_day} runs"
        elif self._left(agent) < _WORTH_IT:
            cap = f"{say_duration(agent.max_minutes_per_day * 60)} of running"
        else:
            return None
        soonest, latest = (self._now + each for each in _ASK_AGAIN)
        until = max(soonest, min(self._frees(agent), latest))
        return Obstacle(f"the limit of {cap} a day for {agent.name} is reached", until)

    def _frees(self, agent: Agent) -> int:
        """When there may be something left again: a run that ends gives back what it did not use, an old one counts no more."""
        if self._reserved.get(agent.name):
            return self._now
        oldest = self._store.oldest_run_since(agent.name, self._now - _DAY)
        return self._now if oldest is None else oldest + _DAY + 1

    def seconds_left(self, agent: Agent) -> float:
        """For how long it may run at most."""
        return self._left(agent) / 1000

    def reserve(self, agent: Agent, seconds: float) -> None:
        """One of them was started, for so long at most."""
        spent = self._of(agent)
        self._spent[agent.name] = Spent(spent.runs + 1, spent.milliseconds)
        self._reserved[agent.name] = self._reserved.get(agent.name, 0) + round(seconds * 1000)

    def _left(self, agent: Agent) -> float:
        used = self._of(agent).milliseconds + self._reserved.get(agent.name, 0)
        return agent.max_minutes_per_day * 60_000 - used

    def _of(self, agent: Agent) -> Spent:
        if agent.name not in self._spent:
            self._spent[agent.name] = self._store.spent(agent.name, self._now - _DAY, self._now)
        return self._spent[agent.name]
