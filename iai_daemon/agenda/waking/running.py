"""The agents that are at work for the agenda, each followed to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from iai_daemon.agenda.recall import Recall
from iai_daemon.agenda.store.recalls import Due
from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.line import Identity
from iai_daemon.agenda.waking.wake import Ended, Waker
from iai_daemon.config import Agent

_STOPPED = "the daemon was stopped while it ran"
_BROKEN = "the daemon could not follow it to its end: see the log"


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way, by its id in the store; `since` in milliseconds since the epoch."""

    id: int
    due: Due
    agent: Agent
    call: Call
    since: int

    @property
    def recall(self) -> Recall:
        return self.due.recall


@dataclass(frozen=True, slots=True)
class Trying:
    """An agent that is at work to see whether it can be woken; its `id` is below zero."""

    id: int
    agent: str
    since: int


class Runs:
    """What runs now. `began` is told below which process an agent is, `ended` what became of it.

    `woken`: the processes that all wrappers of our agents are below.
    """

    def __init__(
        self,
        waker: Waker,
        began: Callable[[Run, Identity], None],
        ended: Callable[[Run, Ended], None],
    ) -> None:
        self._waker = waker
        self._began = began
        self._ended = ended
        self._running: dict[int, tuple[Run, asyncio.Task[None]]] = {}
        self._why_ended: dict[int, str] = {}
        self._trials: dict[int, tuple[Trying, asyncio.Task[Ended]]] = {}
        self._tried = 0
        self.woken: dict[Identity, int] = {}

    def __len__(self) -> int:
        """How many agents are at work, those that are only tried out included."""
        return len(self._running) + len(self._trials)

    def __iter__(self) -> Iterator[Run]:
        return (run for run, _ in self._running.values())

    def get_ready(self) -> None:
        """An agent will be woken within seconds."""
        self._waker.get_ready()

    def start(self, run: Run) -> None:
        """Wake its agent and follow it."""
        self._running[run.id] = run, asyncio.create_task(self._follow(run))

    async def _follow(self, run: Run) -> None:
        ended = Ended(None, "", 0.0, _BROKEN)
        try:
            ended = await self._waker.wake(run.call, lambda identity: self._begin(run, identity))
        except asyncio.CancelledError:
            ended = Ended(None, "", 0.0, self._why_ended.pop(run.id, _STOPPED))
        except OSError as error:
            why = f"{run.agent.name} cannot be started ({error.strerror or error})"
            ended = Ended(None, "", 0.0, why, started=False)
        finally:
            del self._running[run.id]
            self._forget(run.id)
            self._ended(run, ended)

    def _begin(self, run: Run, identity: Identity) -> None:
        self.woken[identity] = run.id
        self._began(run, identity)

    async def try_out(self, call: Call, since: int) -> Ended:
        """Wake an agent for no recall and follow it to its end; cancelled, it is ended first. `since` as in Run."""
        self._tried += 1
        # No run that the store knows has such a number.
        number = -self._tried
        task = asyncio.create_task(
            self._waker.wake(call, lambda identity: self.woken.update({identity: number}))
        )
        self._trials[number] = Trying(number, call.name, since), task
        try:
            return await task
        finally:
            del self._trials[number]
            self._forget(number)

    @property
    def trials(self) -> list[Trying]:
        """Those that are tried out now."""
        return [trying for trying, _ in self._trials.values()]

    def _forget(self, number: int) -> None:
        """Nothing of it is at work any more."""
        self.woken = {identity: of for identity, of in self.woken.items() if of != number}

    def since(self, recall: Recall) -> int | None:
        """When the oldest run of this recall began that is under way."""
        return min((run.since for run in self if run.recall.id == recall.id), default=None)

    def another_in(self, recall: Recall) -> int | None:
        """Another recall of its session whose agent is at work."""
        others = (run.recall for run in self if run.recall.session_id == recall.session_id)
        return next((other.id for other in others if other.id != recall.id), None)

    def may_still_use(self, now: int) -> Mapping[str, int]:
        """Of their time limits what is left, in milliseconds by agent."""
        found: dict[str, int] = {}
        for run in self:
            left = run.since + round(run.call.timeout * 1000) - now
            found[run.agent.name] = found.get(run.agent.name, 0) + max(0, left)
        return found

    def end(self, recall: int, why: str) -> None:
        """End what is at work on this recall. Returns at once."""
        for run, task in self._running.values():
            if run.recall.id == recall and run.id not in self._why_ended:
                self._why_ended[run.id] = why
                task.cancel()

    async def stop(self) -> None:
        """End all of them."""
        tasks: list[asyncio.Task[Any]] = [task for _, task in self._running.values()]
        tasks += [task for _, task in self._trials.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self._waker.close()
