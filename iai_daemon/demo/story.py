"""The story of one evening, from the first note to the undone night, told by real processes. Read `Evening.play` first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from iai_daemon.clock import Clock, Stopwatch
from iai_daemon.config import load as load_settings
from iai_daemon.consolidation.passes import model
from iai_daemon.demo import corpus
from iai_daemon.demo.agent import NAMES, Agent, connected
from iai_daemon.demo.ledger import Books, appended, balance, told_by_users
from iai_daemon.demo.screen import Screen, answer_table, count_table, night_table
from iai_daemon.demo.stage import DemoFailed, Stage
from iai_daemon.demo.watch import Status, Watch, Yielded, measure_yield, worker_of
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.opening import open_stores

# Generous for a slow machine; on a common one nothing comes near them. In seconds.
_SOON = 30.0
_NIGHT_LIMIT = 180.0

_TOO_LATE = "the night was over before anybody could come back to it"


@dataclass(frozen=True, slots=True)
class Return:
    """What came of the one who came back: how the night gave way, and the export after the correction."""

    yielded: Yielded
    export: bytes


class Evening:
    """The story, told by real processes."""

    def __init__(self, stage: Stage, screen: Screen, clock: Clock, watch: Watch, daemon: int) -> None:
        self._stage = stage
        self._screen = screen
        self._clock = clock
        self._watch = watch
        self._daemon = daemon
        self._corpus = corpus.load()

    async def play(self) -> dict[str, Any]:
        """Play it to the end: what `--json` shows. Raises DemoFailed."""
        await self._watch.until("the daemon", lambda _status: True, within=_SOON)
        async with connected(self._stage, self._corpus.returning.client) as left_open:
            evening = await self._working_day()
            await self._night_falls(left_open)
            back = await self._somebody_returns(left_open)
        await self._second_half()
        nights = (await self._stage.answer("nights", "list"))["nights"]
        morning = await self._morning(evening, nights)
        undo = await self._take_back(nights, evening.export + appended(evening.export, back.export))
        redo = await self._do_again(morning.export)
        return {
            "schema": 1,
            "transitions": (await self._stage.answer("history"))["transitions"],
            "yield_ms": round(back.yielded.lock_free * 1000, 1),
            "worker_gone_ms": round(back.yielded.worker_gone * 1000, 1),
            "nights": nights,
            "before": evening.plain(),
            "after": morning.plain(),
            "undo": undo,
            "redo": redo,
        }

    async def _working_day(self) -> Books:
        """Three clients store what they have learnt, ask their questions, and leave."""
        self._screen.chapter("Three agents are at work, each behind a wrapper.")
        async with contextlib.AsyncExitStack() as open_:
            agents = []
            for number, name in enumerate(NAMES):
                agents.append(await self._arrive(open_, number))
                self._screen.say(f"the {name} client works in the project {corpus.PROJECTS[number]}")
            async with asyncio.TaskGroup() as storing:
                for number, agent in enumerate(agents):
                    storing.create_task(self._store(agent, self._corpus.by_client[number]))
            self._screen.say("they ask a few questions and look at the memory as it is now")
            books = await self._look(agents)
            self._screen.say("they leave")
        return books

    async def _arrive(self, open_: contextlib.AsyncExitStack, number: int) -> Agent:
        """A client is opened, and looks into the memory before anything else, as the server asks it to."""
        agent = await open_.enter_async_context(connected(self._stage, number))
        await agent.search(f"what to know about {corpus.PROJECTS[number]}")
        return agent

    async def _store(self, agent: Agent, notes: Sequence[corpus.Note]) -> None:
        for note in notes:
            await agent.remember(note.at(self._clock.now().wall, self._stage.pace.quiet_for))
        self._screen.say(f"the {agent.name} client has stored {len(notes)} notes")

    async def _look(self, agents: Sequence[Agent]) -> Books:
        """The memory as it is: the answers to all questions, and the whole export."""
        asked = [
            (question, await agents[question.client].search(question.query))
            for question in self._corpus.questions
        ]
        return balance(await self._stage.command("memory", "export"), self._embedding_coverage(), asked)

    def _embedding_coverage(self) -> float:
        stores = open_stores(self._stage.home)
        try:
            counts = stores.nights.counts(model(load_settings(self._stage.home)))
        finally:
            stores.close()
        return counts["embedded"] / counts["total"] if counts["total"] else 1.0

    async def _night_falls(self, left_open: Agent) -> None:
        """Everybody has gone, but a client is left open, as clients are: IDLE, and when nobody uses it, BEDTIME."""
        self._screen.chapter("Nobody is at work.")
        self._screen.say(f"one {left_open.name} client is left open; that alone keeps nobody awake")
        pace = self._stage.pace
        await self._watch.until("IDLE", _is_quiet, within=pace.idle_after + _SOON)
        await self._watch.until("BEDTIME", _is(State.BEDTIME), within=pace.quiet_for + _SOON)

    async def _somebody_returns(self, agent: Agent) -> Return:
        """The client that was left open is used in the middle of the night: the night gives way; then they leave."""
        await self._watch.until("the night", _is_amid_or_over, within=_NIGHT_LIMIT)
        self._screen.chapter("Somebody is back in the middle of the night.")
        yielded = await self._disturb(agent)
        after = await self._watch.until("the end of the night", _is_over, within=_SOON)
        if after["consolidation"]["last"]["outcome"] != "yielded":
            raise DemoFailed(problem=_TOO_LATE)
        self._screen.say(
            f"the night has given way {yielded.lock_free * 1000:.0f} ms after their first call; "
            "what it has done stays"
        )
        await agent.remember(self._corpus.correction.arguments)
        self._screen.say(f"the {agent.name} client corrects a fact that was corrected before")
        back = Return(yielded, await self._stage.command("memory", "export"))
        await self._watch.until("IDLE", _is_quiet, within=self._stage.pace.idle_after + _SOON)
        self._screen.say("they leave")
        return back

    async def _disturb(self, agent: Agent) -> Yielded:
        """Call a tool while the worker is at work, and watch it stop."""
        worker = worker_of(self._daemon)
        if worker is None:
            raise DemoFailed(problem=_TOO_LATE)
        since = Stopwatch()
        probing = asyncio.to_thread(measure_yield, self._stage.home, worker, since, _SOON)
        async with asyncio.TaskGroup() as group:
            measuring = group.create_task(probing)
            group.create_task(agent.search(self._corpus.returning.query))
        return measuring.result()

    async def _second_half(self) -> None:
        self._screen.chapter("Nobody is there again: the night goes on where it stopped.")
        await self._watch.until("BEDTIME", _is(State.BEDTIME), within=self._stage.pace.quiet_for + _SOON)
        await self._watch.until("the end of the night", _is_completed, within=_NIGHT_LIMIT)

    async def _morning(self, evening: Books, nights: Sequence[Status]) -> Books:
        """The report, and the same questions again."""
        self._screen.chapter("Good morning.")
        async with contextlib.AsyncExitStack() as open_:
            agents = [await self._arrive(open_, number) for number in range(len(NAMES))]
            books = await self._look(agents)
        for line in self._stage.home.last_night.read_text(encoding="utf-8").splitlines():
            self._screen.say(line)
        self._screen.print(night_table(nights))
        self._screen.print(count_table(evening, books))
        self._screen.print(answer_table(evening, books))
        return books

    async def _take_back(self, nights: Sequence[Status], before: bytes) -> dict[str, Any]:
        """Undo the nights, newest first: the export must be what it was before them, byte for byte."""
        self._screen.chapter("Whatever a night has done can be taken back.")
        restored = 0
        for night in reversed(nights):
            answer = await self._stage.answer("nights", "undo", str(night["id"]), "--yes")
            restored += answer["restored"]
        equal = await self._stage.command("memory", "export") == before
        self._screen.say(f"undo: {restored} memories put back, the export is {_as_word(equal)} the evening's")
        return {"nights": [night["id"] for night in reversed(nights)], "restored": restored, "equal": equal}

    async def _do_again(self, after: bytes) -> dict[str, Any]:
        """Ask for the same work again: what users told must be as in the morning, byte for byte. What nights added beside it
        is another record now, under another number."""
        report = await self._stage.answer("consolidate")
        equal = told_by_users(await self._stage.command("memory", "export")) == told_by_users(after)
        self._screen.say(
            f"redo: {report['expired_pruned']} over and {report['superseded_gc']} replaced again, "
            f"what users told is {_as_word(equal)} the morning's"
        )
        return {"night": report["id"], "outcome": report["outcome"], "equal": equal}


def _is(state: State) -> Callable[[Status], bool]:
    return lambda status: status["state"] == state


def _is_quiet(status: Status) -> bool:
    """IDLE, or on a slow machine past it."""
    return bool(status["state"] != State.WAKE)


def _is_over(status: Status) -> bool:
    """Whether a night has been, and none is running."""
    night = status["consolidation"]
    return not night["running"] and bool(night["last"])


def _is_completed(status: Status) -> bool:
    return _is_over(status) and status["consolidation"]["last"]["outcome"] == "completed"


def _is_amid_or_over(status: Status) -> bool:
    """Whether a night has done a part of its longest pass, and has more to do."""
    night = status["consolidation"]
    at_work, progress = night["pass"], night["progress"] or {}
    done, total = progress.get("done") or 0, progress.get("total") or 0
    return _is_over(status) or (at_work == "embed" and 0 < total <= 4 * done)


def _as_word(equal: bool) -> str:
    return "byte for byte" if equal else "NOT"
