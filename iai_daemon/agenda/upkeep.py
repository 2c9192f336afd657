"""What is put right in the agenda before anything is decided on: claims are renewed, what others left behind is taken up, plans that a
clock made wrong are made anew, what is old goes. Used by `dispatch`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from iai_daemon.agenda.ledger import Ledger
from iai_daemon.agenda.planning import following
from iai_daemon.agenda.policy import LATE
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import AgendaStore
from iai_daemon.agenda.waking.running import Runs
from iai_daemon.clock import Now
from iai_daemon.units import NEVER, stamp_of

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

DAY = 86_400_000
# What agents wrote is kept for so many days, what became of the occurrences for longer.
_OUTPUTS_FOR, _ALL_FOR = 30, 400
_LOST = "the daemon ended while it ran: what became of it is not known, so it is not repeated"
_UNHEARD = (
    "the daemon that ran it was not heard of any more: what became of it is not known, so it is not repeated"
)
_GIVEN_UP = "this daemon was not heard of for too long, and another one has given it up"


class Upkeep:
    """`waiting_for_others`: agents that no daemon here knows, and since when their recalls are due."""

    def __init__(self, ledger: Ledger, runs: Runs, log: BoundLogger) -> None:
        self._ledger = ledger
        self._runs = runs
        self._log = log
        self._pruned_at = -NEVER
        self._latest = 0
        self.waiting_for_others: Mapping[str, int] = {}

    def take_over(self, opened: OpenedAgenda, now: Now) -> None:
        """The store was opened just now. Who has it alone knows that whatever runs by it was left behind."""
        if not opened.shared:
            self._recover(opened.store, _LOST, now, alone=True)
        self._mend_plans(opened.store, now)

    def look(self, opened: OpenedAgenda, agents: Collection[str], now: Now) -> None:
        """Once a tick. `agents`: those that this daemon knows."""
        store, moment = opened.store, self._ledger.time(now)
        self._renew(opened, now)
        if opened.shared:
            self._look_after_others(store, agents, now)
        if moment < self._latest - LATE:
            self._mend_plans(store, now)
        self._latest = moment
        if now.awake - self._pruned_at >= DAY / 1000:
            self._pruned_at = now.awake
            store.prune(moment - _OUTPUTS_FOR * DAY, moment - _ALL_FOR * DAY)

    def _renew(self, opened: OpenedAgenda, now: Now) -> None:
        """What runs here stays ours; what another daemon has given up meanwhile is ended, for its session may be woken again."""
        runs = list(self._runs)
        held = {run.due.occurrence.id for run in runs}
        if not held:
            return
        moment = self._ledger.time(now)
        kept = opened.store.renew(self._ledger.holder, held, moment + self._ledger.lease, moment)
        for run in runs if opened.shared else ():
            if run.due.occurrence.id not in kept:
                self._runs.end(run.recall.id, _GIVEN_UP)

    def _look_after_others(self, store: AgendaStore, agents: Collection[str], now: Now) -> None:
        """What daemons have left that are not heard of any more, and what none of them takes."""
        self.waiting_for_others = store.waiting_for_others(agents, self._ledger.time(now) - LATE)
        # Who could not reach the server himself gives others the time to come back, too.
        if now.awake - self._ledger.reached_since >= self._ledger.lease / 1000:
            self._recover(store, _UNHEARD, now, alone=False)

    def _recover(self, store: AgendaStore, reason: str, now: Now, *, alone: bool) -> None:
        for each in store.recover(self._ledger.holder, reason, self._ledger.time(now), alone=alone):
            at = stamp_of(each.scheduled_for)
            self._log.warning("occurrence left behind", recall=each.recall, state=each.state, at=at)

    def _mend_plans(self, store: AgendaStore, now: Now) -> None:
        """The clock showed a later time before: what was planned by that is planned anew."""
        moment = self._ledger.time(now)
        for recall in store.acted_after(moment + LATE):
            if (next_one := following(recall, moment)) is not None:
                store.plan_anew(recall.id, next_one, moment)
