"""Whatever is done to slots in whatever order, they are what a plain model of it says."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from iai_daemon.agenda.planning import first
from iai_daemon.agenda.recall import State
from iai_daemon.agenda.slot import SlotState, Update
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.errors import NoSuchSlot
from iai_daemon.paths import Home
from tests.fakes import LONG
from tests.stores.recalls import MINUTE, NOW
from tests.stores.slots import begin, listed, waking
from tests.stores.test_agenda_model import blank

NAMES = some.sampled_from(["a", "b", "c"])
QUEUED, IN_PROGRESS, PAUSED = SlotState.QUEUED, SlotState.IN_PROGRESS, SlotState.PAUSED


@dataclass
class Known:
    """A slot as the model has it. `agent`: planned, running, ended or noted."""

    state: SlotState = QUEUED
    message: str = ""
    recall: int | None = None
    agent: str = ""
    run: int = 0
    resolved_at: int | None = None
    reason: str | None = None


class SlotStores(RuleBasedStateMachine):
    """`outbox` is what the backend is still to be told; `fires` counts recalls, so that sessions are never taken."""

    @initialize()
    def begin_with_nothing(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="iai-slots-"))
        home = Home(self.folder)
        home.memory.write_bytes(blank())
        self.kept = open_agenda(home)
        self.slots = self.kept.slots
        self.now = NOW
        self.known: dict[str, Known] = {}
        self.outbox: list[tuple[str, SlotState]] = []
        self.keys: dict[str, int] = {}
        self.fires = 0

    def teardown(self) -> None:
        if hasattr(self, "kept"):
            self.kept.close()
            shutil.rmtree(self.folder)

    @rule(minutes=some.sampled_from([-5, 1, 30]))
    def time_passes(self, minutes: int) -> None:
        self.now = max(NOW, self.now + minutes * MINUTE)

    @rule(name=NAMES, message=some.sampled_from(["Go.", "Stop."]))
    def it_is_listed(self, name: str, message: str) -> None:
        known = self.known.get(name)
        assert self.slots.take(listed(name, message=message), self.now) is (known is None)
        if known is None:
            self.known[name] = Known(message=message)
        elif known.state is QUEUED:
            known.message = message

    @rule(name=NAMES)
    def it_fires(self, name: str) -> None:
        known = self.known.get(name)
        self.fires += 1
        draft = waking(f"{name}-{self.fires}", now=self.now)
        recall = self.slots.fire(name, draft, first(draft, self.now), self.now)
        assert (recall is not None) is (known is not None and known.state is QUEUED)
        if recall is not None and known is not None:
            known.state, known.recall, known.agent = IN_PROGRESS, recall.id, "planned"
            self.outbox.append((name, IN_PROGRESS))

    @rule(name=NAMES)
    def its_agent_begins(self, name: str) -> None:
        known = self.known.get(name)
        if known and known.agent == "planned" and known.recall and not known.state.is_over:
            known.run = begin(self.kept, self.kept.store.recall(known.recall), self.now)
            known.agent = "running"

    @rule(name=NAMES, state=some.sampled_from([State.DONE, State.FAILED, State.UNCONFIRMED]))
    def its_agent_ends(self, name: str, state: State) -> None:
        known = self.known.get(name)
        if known and known.agent == "running":
            self.kept.store.end(known.run, Outcome(state, 0, "", None), self.now)
            known.agent = "ended"

    @rule(name=NAMES)
    def its_recall_is_cancelled(self, name: str) -> None:
        known = self.known.get(name)
        if known and known.recall is not None:
            self.kept.store.cancel(known.recall, "enough", self.now)
            known.agent = "ended" if known.agent == "planned" else known.agent

    @rule(name=NAMES)
    def that_is_noted(self, name: str) -> None:
        self.slots.note_agent_ended(name, "noted")
        known = self.known.get(name)
        if known and known.state.is_active:
            known.agent = f"noted, {known.agent}" if known.agent in ("planned", "running") else "noted"
            known.reason = "noted"

    @rule(name=NAMES, state=some.sampled_from([SlotState.COMPLETED, SlotState.ABORTED]), tell=some.booleans())
    def it_is_resolved(self, name: str, state: SlotState, tell: bool) -> None:
        known = self.known.get(name)
        try:
            done = self.slots.resolve(name, state, self.now, reason="so", tell=tell)
        except NoSuchSlot:
            assert known is None
            return
        assert known is not None
        assert done is not known.state.is_over
        if done:
            known.state, known.resolved_at, known.reason = state, self.now, "so"
            self.outbox += [(name, state)] if tell else []

    @rule(name=NAMES, pauses=some.booleans())
    def it_rests_or_goes_on(self, name: str, pauses: bool) -> None:
        known, old, new = self.known.get(name), *((IN_PROGRESS, PAUSED) if pauses else (PAUSED, IN_PROGRESS))
        try:
            done = self.slots.pause(name, "lunch", self.now) if pauses else self.slots.resume(name, self.now)
        except NoSuchSlot:
            assert known is None
            return
        assert known is not None
        assert done is (known.state is old)
        if done:
            known.state, known.reason = new, "lunch" if pauses else None
            self.outbox.append((name, new))

    @rule(arrives=some.booleans())
    def the_backend_is_told(self, arrives: bool) -> None:
        waiting = self.slots.outbox(1)
        if waiting and arrives:
            self.slots.delivered(waiting[0].id, self.now)
            self.outbox.pop(0)
        elif waiting:
            self.slots.undelivered(waiting[0].id, "away")

    @rule()
    def what_is_over_is_forgotten(self) -> None:
        self.slots.prune_slots(self.now)
        untold = {slot for slot, _ in self.outbox}
        for name, known in list(self.known.items()):
            if known.resolved_at is not None and known.resolved_at < self.now and name not in untold:
                del self.known[name]

    @invariant()
    def slots_are_what_the_model_says(self) -> None:
        found = {each.id: each for each in (*self.slots.open_slots(), *self.slots.past_slots(9))}
        assert set(found) == set(self.known)
        for name, known in self.known.items():
            slot = found[name]
            assert slot == self.slots.slot(name)
            assert (slot.state, slot.message, slot.recall) == (known.state, known.message, known.recall)
            assert (slot.resolved_at, slot.reason) == (known.resolved_at, known.reason)
            assert slot.agent_ended is known.agent.startswith("noted")
            if known.recall is not None:
                assert self.slots.slot_of(known.recall) == slot

    @invariant()
    def the_outbox_is_in_order_and_a_key_belongs_to_one_update(self) -> None:
        waiting: list[Update] = list(self.slots.outbox(1000))
        assert [(each.slot, each.status) for each in waiting] == self.outbox
        for each in waiting:
            assert self.keys.setdefault(each.key, each.id) == each.id
        assert len({each.key for each in waiting}) == len(waiting)

    @invariant()
    def the_agents_that_have_ended_are_told_until_that_is_noted(self) -> None:
        ended = {slot.id for slot, last in self.slots.agents_ended() if last.settled_at is not None}
        assert ended == {
            name for name, known in self.known.items() if known.agent == "ended" and known.state.is_active
        }


TestSlotStores = SlotStores.TestCase
TestSlotStores.settings = settings(max_examples=1000 if LONG else 40, stateful_step_count=30)
