"""Calls put into runs, in their order, and counted: what failed, after what, with whom, in which task. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum

from iai_daemon.consolidation.insights.calls import Call, Outcome
from iai_daemon.consolidation.insights.statistics import Table
from iai_daemon.consolidation.plan import YieldPoint

# Older than this before the newest one, in seconds, a call counts no more; and of each tool at most so many, the newest.
# Both are measured by the data alone: a file that does not change teaches the same tomorrow.
WINDOW, LAST_CALLS = 180 * 86400.0, 400
# The tools that are compared with one another: the most called ones.
MOST_TOOLS = 60
_UNFINISHED = (Outcome.CANCELLED, Outcome.UNANSWERED)


@dataclass(frozen=True, slots=True, order=True)
class Tool:
    """A tool of a server, whose name may be unknown."""

    name: str
    server: str = ""

    @property
    def label(self) -> str:
        return f"`{self.name}` of `{self.server}`" if self.server else f"`{self.name}`"


class Rate(StrEnum):
    """What is counted of one tool: calls that failed, calls without an answer, and failures of the next call of the same run
    after one that failed."""

    FAILED = "failed"
    UNFINISHED = "unfinished"
    FAILED_AGAIN = "failed again"


class Family(StrEnum):
    """What a comparison is about: a call of a tool fails, or (the last two) a run that calls it succeeds."""

    CLIENT = "client"
    AFTER = "after"
    ONCE = "once"
    RETRIED = "retried"
    RECOVERED = "recovered"
    CALLED = "called"
    FAILED = "failed"


@dataclass(slots=True)
class Run:
    """One run: its calls in order, its task, and whether it succeeded, as far as that is known."""

    calls: list[Call] = field(default_factory=list)
    task: str | None = None
    success: bool | None = None


@dataclass(slots=True)
class _Cell:
    events: int = 0
    total: int = 0

    def add(self, event: bool) -> None:
        self.events += event
        self.total += 1


_Cells = defaultdict[str, _Cell]
Key = tuple[Family, Tool, str]


def _cells() -> _Cells:
    return defaultdict(_Cell)


@dataclass(slots=True)
class Counts:
    """`rates`: (events, all) by rate, tool, and run. `concerned`: by what is compared, then by task; `all`: the same of all
    that it is compared in."""

    rates: defaultdict[tuple[Rate, Tool], _Cells] = field(default_factory=lambda: defaultdict(_cells))
    concerned: defaultdict[Key, _Cells] = field(default_factory=lambda: defaultdict(_cells))
    all: defaultdict[tuple[Family, Tool], _Cells] = field(default_factory=lambda: defaultdict(_cells))

    def add(self, family: Family, tool: Tool, task: str, others: Iterable[str], *, event: bool) -> None:
        self.all[family, tool][task].add(event)
        for other in others:
            self.concerned[family, tool, other][task].add(event)

    def tables(self, key: Key) -> list[Table]:
        """By task: those concerned against all the others that are compared."""
        family, tool, _ = key
        with_, all_ = self.concerned[key], self.all[family, tool]
        return [
            Table(
                with_[task].events,
                with_[task].total,
                cell.events - with_[task].events,
                cell.total - with_[task].total,
            )
            for task, cell in sorted(all_.items())
        ]

    def knows_tasks(self, family: Family, tool: Tool) -> bool:
        return any(self.all[family, tool])

    def groups(self, rate: Rate, tool: Tool) -> list[tuple[int, int]]:
        """(events, all) of each run."""
        return [(cell.events, cell.total) for cell in self.rates[rate, tool].values()]


def tool_of(call: Call) -> Tool:
    return Tool(call.tool or "", call.server or "")


def counted(calls: Sequence[Call], yield_point: YieldPoint) -> Counts:
    """Everything that is compared later, in one walk."""
    ordered = _in_window(calls, yield_point)
    called: Counter[Tool] = Counter()
    recent: set[int] = set()
    for number, call in enumerate(reversed(ordered)):
        if number % 1000 == 0:
            yield_point()
        if call.tool is None:
            continue
        tool = tool_of(call)
        called[tool] += 1
        if called[tool] <= LAST_CALLS:
            recent.add(id(call))
    compared = sorted(called, key=lambda tool: (-called[tool], tool))[:MOST_TOOLS]
    walk = _Walk(frozenset(compared), recent)
    for name, run in sorted(_runs(ordered, yield_point).items()):
        walk.walk(name, run, yield_point)
    return walk.counts


def _in_window(calls: Sequence[Call], yield_point: YieldPoint) -> list[Call]:
    """By time, and what bears none before all others."""
    yield_point()
    newest = max((call.at for call in calls if call.at is not None), default=0.0)
    kept = [call for call in calls if call.at is None or call.at >= newest - WINDOW]
    yield_point()
    return sorted(kept, key=lambda call: call.at or 0.0)


def _runs(ordered: Sequence[Call], yield_point: YieldPoint) -> dict[str, Run]:
    """The runs, each in the order of `seq` where every call has one, else of time."""
    runs: defaultdict[str, Run] = defaultdict(Run)
    for number, call in enumerate(ordered):
        if number % 1000 == 0:
            yield_point()
        run = runs[call.run]
        run.task = call.task if run.task is None else run.task
        run.success = run.success if call.success is None else call.success
        if call.tool is not None:
            run.calls.append(call)
    for run in runs.values():
        if all(call.seq is not None for call in run.calls):
            run.calls.sort(key=lambda call: call.seq or 0.0)
    return runs


class _Walk:
    """Through the runs, call by call. `compared`: the tools that are counted; `recent`: the calls that are, by `id`."""

    def __init__(self, compared: frozenset[Tool], recent: Set[int]) -> None:
        self.counts = Counts()
        self._compared = compared
        self._recent = recent

    def walk(self, name: str, run: Run, yield_point: YieldPoint) -> None:
        task = run.task or ""
        before: Call | None = None
        called: set[Tool] = set()
        failed: set[Tool] = set()
        # What was called since the last failure of a tool that has not been successful since.
        since: dict[Tool, set[Tool]] = {}
        for number, call in enumerate(run.calls):
            if number % 50 == 0:
                yield_point()
            tool = tool_of(call)
            if tool in self._compared:
                if id(call) in self._recent:
                    self._count(name, task, call, before, called, since)
                for between in since.values():
                    between.add(tool)
                called.add(tool)
            if call.outcome is Outcome.ERROR:
                failed.add(tool)
                since[tool] = set()
            elif call.outcome is Outcome.OK:
                since.pop(tool, None)
            before = call
        if run.success is not None:
            self._count_run(task, called, failed, success=run.success)

    def _count(
        self,
        name: str,
        task: str,
        call: Call,
        before: Call | None,
        called: Set[Tool],
        since: Mapping[Tool, Set[Tool]],
    ) -> None:
        tool, event = tool_of(call), call.outcome is Outcome.ERROR
        rates = self.counts.rates
        rates[Rate.UNFINISHED, tool][name].add(call.outcome in _UNFINISHED)
        if call.outcome in _UNFINISHED:
            return
        rates[Rate.FAILED, tool][name].add(event)
        add = self.counts.add
        if call.client is not None:
            add(Family.CLIENT, tool, task, [call.client], event=event)
        last = tool_of(before) if before is not None else None
        add(
            Family.AFTER,
            tool,
            task,
            _names({last} - {tool, None} if last in self._compared else ()),
            event=event,
        )
        add(Family.ONCE, tool, task, _names(called - {tool}), event=event)
        again = last == tool and before is not None and before.outcome is Outcome.ERROR
        add(Family.RETRIED, tool, task, [""] if again else [], event=event)
        if tool in since:
            rates[Rate.FAILED_AGAIN, tool][name].add(event)
            add(Family.RECOVERED, tool, task, _names(since[tool] - {tool}), event=event)

    def _count_run(self, task: str, called: Set[Tool], failed: Set[Tool], *, success: bool) -> None:
        for tool in self._compared:
            self.counts.add(Family.CALLED, tool, task, [""] if tool in called else [], event=success)
            if tool in called:
                self.counts.add(Family.FAILED, tool, task, [""] if tool in failed else [], event=success)


def _names(tools: Iterable[Tool | None]) -> list[str]:
    return [tool.label for tool in tools if tool is not None]
