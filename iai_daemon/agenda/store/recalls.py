"""The agenda's side of a store, which every engine implements. Stamps and durations in milliseconds.

Every method is one transaction and may raise StoreUnusable and StoreBusy. What a method says to do happens whole or not at all,
also when the process is killed or the machine loses its power: nothing that has begun may seem not to have.

Wherever something `following` is planned, it is not where the plan has got farther already, and a firing that has been (after a
wrong clock, or another plan) gives way to the next that has not: a recall is never left without anything planned in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from iai_daemon.agenda.recall import (
    Deferral,
    Draft,
    NewRun,
    Occurrence,
    Planned,
    Recall,
    Run,
    Session,
    Spent,
    State,
)
from iai_daemon.agenda.schedule.triggers import Trigger


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks for recalls: an ordinary user sees those of his own, an administrator all."""

    user: str
    administrator: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Which recalls are asked for; None: whatever it is. `live`: only those of which more is to come. `offset` into the list."""

    session_id: str | None = None
    user: str | None = None
    live: bool = False
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """An occurrence whose time has come, the recall that it is of, and whether its session has been closed.

    Where several daemons share the agenda: `running_since`, when the oldest run of its recall began that is under way, and
    `busy_with`, another recall of its session that is at work, wherever that is.
    """

    occurrence: Occurrence
    recall: Recall
    closed: bool
    running_since: int | None = None
    busy_with: int | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """An occurrence that is planned comes to its end without a run: `state` is missed, skipped or cancelled.

    `swallowed`: for how many more others it stands; `following`: what is planned now, `stands_for` so many before it.
    """

    occurrence: int
    state: State
    reason: str
    swallowed: int = 0
    following: Planned | None = None
    stands_for: int = 0


@dataclass(frozen=True, slots=True)
class Defer:
    """An occurrence that is planned is put off."""

    occurrence: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run, and of its occurrence: `state` is done, unconfirmed or failed, or planned, when it is tried again
    at `retry_at`."""

    state: State
    exit_status: int | None
    output: str
    reason: str | None = None
    retry_at: int | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """What is due, and nobody else's to decide on meanwhile, the oldest try first. What is decided happens at the end, whole or
    not at all.

    `claim` as in AgendaStore, with the holder, for so many milliseconds, and what follows; `change` as its `settle`; `cancel` as
    there, of the recall, with the reason.
    """

    due: Sequence[Due]
    claim: Callable[[Due, str, int, Planned | None], bool]
    change: Callable[[Settle | Defer], None]
    cancel: Callable[[Due, str], None]


class AgendaStore(Protocol):
    """Sessions, recalls, occurrences, runs."""

    def clock(self, now: int) -> int:
        """The time that this agenda goes by: that of the host, which is `now`, or that of the server."""
        ...

    # Sessions.

    def register(self, session_id: str, client: str | None, now: int) -> bool:
        """Know this session from now on, also when it was closed; False, and nothing is written, when it is known and open."""
        ...

    def sessions(self, *, closed: bool = False) -> Sequence[Session]:
        """Oldest first; the closed ones only when they are asked for."""
        ...

    def close_session(self, session_id: str, now: int) -> Sequence[int]:
        """Close it and cancel what is still to come in it; the ids of those recalls. What runs goes on. Raises NoSuchSession."""
        ...

    # Recalls.

    def add(self, draft: Draft, first: Planned, now: int) -> Recall:
        """Keep a recall with its first occurrence, and register its session. Raises SessionTaken, naming the session, when that
        has a pending one."""
        ...

    def recall(self, recall_id: int) -> Recall:
        """Raises NoSuchRecall."""
        ...

    def recalls(self, viewer: Viewer, wanted: Filter) -> Sequence[Recall]:
        """By when they are tried next (else were planned last), the latest first, and by id, the newest first."""
        ...

    def with_pending(self, session_ids: Collection[str]) -> set[str]:
        """Which of these sessions have a pending recall."""
        ...

    def cancel(self, recall_id: int, reason: str, now: int) -> bool:
        """Nothing more comes of it; a run that is under way goes on. False: nothing was to come of it anyway. Raises NoSuchRecall."""
        ...

    def pause(self, recall_id: int, now: int) -> bool:
        """What is due is skipped from now on. False: it is paused already. Raises NoSuchRecall, RecallOver."""
        ...

    def resume(self, recall_id: int, following: Planned | None, now: int) -> bool:
        """It goes on with `following` in place of what the plan has planned. False: it is not paused. Raises NoSuchRecall, RecallOver."""
        ...

    def skip_next(self, recall_id: int, following: Planned | None, reason: str, now: int) -> int:
        """Skip what is tried next; when it was planned for. Raises NoSuchRecall, RecallOver."""
        ...

    def reschedule(self, recall_id: int, trigger: Trigger, first: Planned, now: int) -> Recall:
        """Another plan, which says whether it recurs, too: what is planned is cancelled, but for what `run_now` wanted beside the
        plan. A time that has been comes a millisecond later. Raises NoSuchRecall, RecallOver."""
        ...

    def run_now(self, recall_id: int, now: int) -> Planned:
        """Of a recurring recall one occurrence more, now; any other is tried now. Raises NoSuchRecall, RecallOver."""
        ...

    # Occurrences.

    def next_try_at(self, after: int, agents: Collection[str] | None = None) -> int | None:
        """When the next occurrence later than `after` is tried. Where a restored backup has left nothing planned, the plans go on
        first. `agents`: only of recalls of these, here and below."""
        ...

    def see(self, now: int, not_before: int, agents: Collection[str] | None = None) -> None:
        """Note of what has come due since `not_before` that this was seen in time."""
        ...

    def due(self, now: int, limit: int, agents: Collection[str] | None = None) -> Sequence[Due]:
        """What is planned and due, of these agents or of all, the oldest try first."""
        ...

    def deciding(
        self, now: int, limit: int, agents: Collection[str] | None = None
    ) -> AbstractContextManager[Decisions]:
        """Decide on what is due. What somebody else is deciding on at this moment is left to him."""
        ...

    def waiting_for_others(self, agents: Collection[str], now: int) -> Mapping[str, int]:
        """The agents, other than these, whose recalls are due, and since when."""
        ...

    def settle(self, decided: Sequence[Settle | Defer], now: int) -> None:
        """Carry all of this out in one transaction. What is no longer planned is left as it is."""
        ...

    def claim(
        self, occurrence: int, holder: str, lease_until: int, following: Planned | None, now: int
    ) -> bool:
        """Take it, so that nobody else does, and plan what follows. False: it is no longer planned. Leases last as long after
        `now` as they are said to; when one is over, the clock says that the agenda goes by."""
        ...

    def begin(self, occurrence: int, holder: str, run: NewRun, now: int) -> int | None:
        """From now on its agent may have started; the id of the run. None: it is no longer this holder's."""
        ...

    def release(self, occurrence: int, holder: str, reason: str, retry_at: int, now: int) -> None:
        """It was claimed and is known not to have started: it is planned again, put off until then, which is a deferral."""
        ...

    def started(self, run: int, pid: int, process_start: int | None, holder: str | None = None) -> None:
        """Which process everything is below that the agent starts. `holder`, here and at its end: nothing, if it is not his."""
        ...

    def end(self, run: int, outcome: Outcome, now: int, holder: str | None = None) -> bool:
        """Its agent has ended. False, and nothing happens: it is known to have, or was given up; what was cancelled meanwhile is
        not tried again, what was confirmed is done."""
        ...

    def renew(self, holder: str, occurrences: Collection[int], lease_until: int, now: int) -> Collection[int]:
        """What this holder has claimed or runs of these stays its own until then; which that are."""
        ...

    def recover(self, holder: str, reason: str, now: int, *, alone: bool) -> Sequence[Occurrence]:
        """What another holder has left behind, its lease being over: what was claimed is planned again, and not seen yet; what
        ran fails, for its end is unknown. As it was before. `alone`: nobody else can be at work here, so no lease is waited
        for. Where several share the agenda, what a holder has not renewed himself counts as left behind, too."""
        ...

    def acted_after(self, now: int) -> Sequence[Recall]:
        """The live recalls of which something came to its end later than now: a clock was wrong."""
        ...

    def plan_anew(self, recall_id: int, following: Planned, now: int) -> None:
        """In place of what is planned, unless that is to happen sooner, or `following` has been before."""
        ...

    # What happened.

    def history(self, recall: int | None, limit: int, *, before: int | None = None) -> Sequence[Occurrence]:
        """The newest `limit` occurrences (of one recall), oldest first; `before`: with ids below that."""
        ...

    def deferrals(self, occurrence: int) -> Sequence[Deferral]:
        """Oldest first."""
        ...

    def runs(self, occurrence: int) -> Sequence[Run]:
        """Oldest first."""
        ...

    def under_way(self) -> Sequence[tuple[Recall, Run]]:
        """The runs that have not ended, with the recalls that they are of."""
        ...

    def confirm(self, token: str, now: int) -> Run | None:
        """The agent of this run says that it has done its work. None: no run that is under way has this token."""
        ...

    def spent(self, agent: str, since: int, now: int) -> Spent:
        """The runs that it began since then; what is still running counts so far."""
        ...

    def oldest_run_since(self, agent: str, since: int) -> int | None:
        """When the first of its runs since then began."""
        ...

    def missed_since(self, since: int) -> int:
        """How many occurrences were missed since then, those included for which others stand."""
        ...

    def prune(self, outputs_before: int, all_before: int) -> None:
        """Drop the outputs of runs that ended before the one, and occurrences that came to their end before the other."""
        ...
