"""What became of agents and claims, until the store has taken it: what it does not take at its time it is given again. Used by
`dispatch`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iai_daemon.agenda.ledger import Ledger
from iai_daemon.agenda.recall import State
from iai_daemon.agenda.store.recalls import AgendaStore, Outcome
from iai_daemon.agenda.waking.running import Run
from iai_daemon.agenda.waking.wake import Ended
from iai_daemon.clock import Now
from iai_daemon.units import say_duration

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


@dataclass(frozen=True, slots=True)
class _End:
    """How a run ended, and when (milliseconds since the epoch)."""

    run: Run
    ended: Ended
    at: int


class Unwritten:
    """The ends of runs, and the claims of which it is not known yet whether their agents begin."""

    def __init__(self, ledger: Ledger, log: BoundLogger) -> None:
        self._ledger = ledger
        self._log = log
        self._ends: list[_End] = []
        self._claimed: set[int] = set()

    def claimed(self, occurrences: Iterable[int]) -> None:
        """Their agents are about to begin."""
        self._claimed |= set(occurrences)

    def begun(self, occurrence: int) -> None:
        """The store knows that its agent begins."""
        self._claimed.discard(occurrence)

    def ended(self, run: Run, ended: Ended, now: Now) -> None:
        """An agent has ended."""
        self._ends.append(_End(run, ended, self._ledger.time(now)))

    def write(self, store: AgendaStore, defer: int, now: Now) -> None:
        """Write it down. What was claimed and could not be begun is put off by `defer` milliseconds."""
        while self._ends:
            end = self._ends[0]
            outcome = _outcome(store, end)
            taken = store.end(end.run.id, outcome, end.at, self._ledger.holder)
            self._ends.pop(0)
            self._tell(end, outcome, taken=taken)
        moment = self._ledger.time(now)
        for occurrence in list(self._claimed):
            why = "it could not be started"
            store.release(occurrence, self._ledger.holder, why, moment + defer, moment)
            self._claimed.discard(occurrence)

    def _tell(self, end: _End, outcome: Outcome, *, taken: bool) -> None:
        tell = self._log.info if taken else self._log.warning
        tell(
            "agent ended" if taken else "agent ended after its run had been given up",
            agent=end.run.agent.name,
            recall=end.run.recall.id,
            state=outcome.state,
            status=outcome.exit_status,
            seconds=round(end.ended.seconds, 3),
            reason=outcome.reason,
        )


def _outcome(store: AgendaStore, end: _End) -> Outcome:
    """What its end means for the occurrence: only what is known to have failed may be tried again."""
    run, ended = end.run, end.ended
    status, output, tries = ended.exit_status, ended.output, run.due.occurrence.attempts
    if ended.problem is None:
        if run.agent.confirm and not _is_confirmed(store, run):
            why = "the agent ended without saying that it has done its work (confirm_recall)"
            return Outcome(State.UNCONFIRMED, status, output, why)
        return Outcome(State.DONE, status, output)
    policy = run.recall.policy
    if tries >= policy.retries or not store.recall(run.recall.id).is_live:
        return Outcome(State.FAILED, status, output, ended.problem)
    wait = policy.backoff * 2 ** min(tries, 16)
    why = f"{ended.problem}; it is tried again after {say_duration(wait / 1000)}"
    return Outcome(State.PLANNED, status, output, why, retry_at=end.at + wait)


def _is_confirmed(store: AgendaStore, run: Run) -> bool:
    runs = store.runs(run.due.occurrence.id)
    return any(each.id == run.id and each.confirmed_at is not None for each in runs)
