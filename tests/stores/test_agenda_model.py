"""Whatever is done to the agenda in whatever order, these hold: a plain model of what was done, and laws over what is there."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from iai_daemon.agenda.planning import following
from iai_daemon.agenda.recall import TRANSITIONS, CallType, Occurrence, Planned, Recall, State, Status
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import AgendaStore, Defer, Filter, Outcome, Settle, Viewer
from iai_daemon.errors import RecallOver, SessionTaken
from iai_daemon.paths import Home
from tests.fakes import LONG
from tests.stores.recalls import HOUR, LEASE, MINUTE, NOW, RUN, add, at, hourly, once, recurring

ALL = Viewer("root", administrator=True)
OPEN = {State.PLANNED, State.CLAIMED, State.RUNNING}
LIVE = {Status.PENDING, Status.WAITING, Status.RUNNING}
SESSIONS = ["s1", "s2"]
HOLDERS = some.sampled_from(["me", "another"])
ANY = some.integers(0, 99)


@cache
def blank() -> bytes:
    """A store of the newest schema in which there is nothing: making one takes longer than all that is done to it."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        open_agenda(home).close()
        return home.memory.read_bytes()


class Agendas(RuleBasedStateMachine):
    """`now` goes on, and sometimes back; `over` are the occurrences that have come to their end, as they were then."""

    @initialize()
    def begin_with_nothing(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="iai-agendas-"))
        home = Home(self.folder)
        home.memory.write_bytes(blank())
        self.opened = open_agenda(home)
        self.store: AgendaStore = self.opened.store
        self.now = NOW
        self.cancelled: dict[int, str] = {}
        self.states: dict[int, State] = {}
        self.over: dict[int, Occurrence] = {}
        self.put_off: Counter[int] = Counter()
        self.ended: Counter[int] = Counter()

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()
            shutil.rmtree(self.folder)

    # What there is to choose from.

    def recalls(self) -> list[Recall]:
        return sorted(self.store.recalls(ALL, Filter(limit=1000)), key=lambda each: each.id)

    def occurrences(self, *wanted: State) -> list[Occurrence]:
        every = self.store.history(None, 10_000)
        return [each for each in every if not wanted or each.state in wanted]

    def one_recall(self, number: int) -> Recall | None:
        found = self.recalls()
        return found[number % len(found)] if found else None

    def one(self, number: int, *wanted: State) -> Occurrence | None:
        found = self.occurrences(*wanted)
        return found[number % len(found)] if found else None

    def follows(self, occurrence: Occurrence) -> Planned | None:
        recall = self.store.recall(occurrence.recall)
        if recall.call_type is not CallType.RECURRING or occurrence.extra:
            return None
        return following(recall, occurrence.scheduled_for)

    # What is done.

    @rule(minutes=some.sampled_from([-600, -30, 1, 30, 60, 61, 200]))
    def time_passes(self, minutes: int) -> None:
        self.now = max(NOW, self.now + minutes * MINUTE)

    @rule(session=some.sampled_from(SESSIONS), recurs=some.booleans(), hours=some.integers(1, 3))
    def somebody_wants_a_recall(self, session: str, recurs: bool, hours: int) -> None:
        ends = None if hours < 3 else self.now + 5 * HOUR
        draft = recurring(session, expires_at=ends) if recurs else once(session, self.now + hours * HOUR)
        pending = [each for each in self.recalls() if each.status is Status.PENDING]
        try:
            recall = add(self.store, draft, self.now)
        except SessionTaken:
            assert session in {each.session_id for each in pending}
        else:
            assert session not in {each.session_id for each in pending}
            assert recall.status is Status.PENDING

    @rule(number=ANY, holder=HOLDERS)
    def it_is_claimed(self, number: int, holder: str) -> None:
        if occurrence := self.one(number):
            after = self.follows(occurrence)
            took = self.store.claim(occurrence.id, holder, self.now + LEASE, after, self.now)
            assert took is (occurrence.state is State.PLANNED)

    @rule(number=ANY, holder=HOLDERS)
    def it_begins(self, number: int, holder: str) -> None:
        if occurrence := self.one(number):
            begun = self.store.begin(occurrence.id, holder, RUN, self.now)
            mine = occurrence.state is State.CLAIMED and occurrence.holder == holder
            assert (begun is not None) is mine

    @precondition(lambda self: self.occurrences(State.CLAIMED))
    @rule(number=ANY)
    def its_holder_begins_it(self, number: int) -> None:
        occurrence = self.one(number, State.CLAIMED)
        assert occurrence
        assert occurrence.holder
        assert self.store.begin(occurrence.id, occurrence.holder, RUN, self.now)

    @rule(number=ANY, holder=HOLDERS)
    def it_is_released(self, number: int, holder: str) -> None:
        if occurrence := self.one(number):
            if occurrence.state is State.CLAIMED and occurrence.holder == holder:
                self.put_off[occurrence.id] += 1
            self.store.release(occurrence.id, holder, "no", self.now + MINUTE, self.now)

    @precondition(lambda self: self.store.under_way())
    @rule(
        number=ANY,
        state=some.sampled_from([State.DONE, State.UNCONFIRMED, State.FAILED, State.PLANNED]),
        confirmed=some.booleans(),
    )
    def it_ends(self, number: int, state: State, confirmed: bool) -> None:
        under_way = self.store.under_way()
        _, run = under_way[number % len(under_way)]
        if confirmed:
            self.store.confirm("token-1", self.now)
        outcome = Outcome(state, 1, "out", None if state is State.DONE else "why", self.now + 5 * MINUTE)
        self.store.end(run.id, outcome, self.now)
        self.ended[run.occurrence] += 1

    @rule(holder=HOLDERS, alone=some.booleans())
    def what_is_left_is_recovered(self, holder: str, alone: bool) -> None:
        for each in self.store.recover(holder, "lost", self.now, alone=alone):
            assert each.holder != holder
            assert each.state in (State.CLAIMED, State.RUNNING)
            if each.state is State.RUNNING:
                self.ended[each.id] += 1

    @rule(
        number=ANY,
        state=some.sampled_from([State.MISSED, State.SKIPPED, State.CANCELLED]),
        on=some.booleans(),
    )
    def it_is_settled(self, number: int, state: State, on: bool) -> None:
        if occurrence := self.one(number):
            after = self.follows(occurrence) if on else None
            self.store.settle([Settle(occurrence.id, state, "so", 1, after, 2)], self.now)

    @rule(number=ANY)
    def it_is_put_off(self, number: int) -> None:
        if occurrence := self.one(number):
            if occurrence.state is State.PLANNED:
                self.put_off[occurrence.id] += 1
            self.store.settle([Defer(occurrence.id, self.now + MINUTE, "busy")], self.now)

    @rule(number=ANY)
    def it_is_cancelled(self, number: int) -> None:
        if recall := self.one_recall(number):
            assert self.store.cancel(recall.id, "enough", self.now) is recall.is_live
            if recall.is_live:
                self.cancelled[recall.id] = "enough"

    @rule(session=some.sampled_from(SESSIONS))
    def a_session_is_closed(self, session: str) -> None:
        live = [each.id for each in self.recalls() if each.is_live and each.session_id == session]
        self.store.register(session, None, self.now)
        assert self.store.close_session(session, self.now) == live
        self.cancelled |= dict.fromkeys(live, "its session was closed")

    @rule(number=ANY, what=some.sampled_from(["pause", "resume", "skip", "again", "once", "now", "anew"]))
    def somebody_changes_the_plan(self, number: int, what: str) -> None:
        if recall := self.one_recall(number):
            try:
                self.change(recall, what)
            except RecallOver:
                has_plan = what in ("skip", "now") and recall.next_at is None
                assert not recall.is_live or has_plan

    def change(self, recall: Recall, what: str) -> None:
        store, now, after = self.store, self.now, following(recall, self.now)
        if what == "pause":
            assert store.pause(recall.id, now) is (recall.paused_at is None)
        elif what == "resume":
            assert store.resume(recall.id, after, now) is (recall.paused_at is not None)
        elif what == "skip":
            store.skip_next(recall.id, after, "no", now)
        elif what == "again":
            store.reschedule(recall.id, hourly(), Planned(NOW + HOUR, NOW + HOUR), now)
        elif what == "once":
            store.reschedule(recall.id, at(now + HOUR), Planned(now + HOUR, now + HOUR), now)
        elif what == "now":
            assert store.run_now(recall.id, now).next_try_at >= now
        elif after is not None:
            store.plan_anew(recall.id, after, now)

    # What always holds.

    @invariant()
    def nothing_leaves_its_end_and_every_step_is_one_of_the_table(self) -> None:
        for each in self.occurrences():
            before = self.states.get(each.id, State.PLANNED)
            assert each.state is before or each.state in TRANSITIONS[before], f"{before} → {each.state}"
            self.states[each.id] = each.state
            if each.state not in OPEN:
                assert self.over.setdefault(each.id, each) == each
            assert (each.settled_at is None) is (each.state in OPEN)

    @invariant()
    def a_session_has_one_pending_recall_at_most_and_one_where_any_waits(self) -> None:
        pending = Counter(each.session_id for each in self.recalls() if each.status is Status.PENDING)
        assert all(count == 1 for count in pending.values())
        assert {each.session_id for each in self.recalls() if each.status is Status.WAITING} <= set(pending)
        assert self.store.with_pending(SESSIONS) == set(pending)

    @invariant()
    def every_recall_stands_as_its_occurrences_do(self) -> None:
        for recall in self.recalls():
            found = self.store.history(recall.id, 10_000)
            tries = [each.next_try_at for each in found if each.state is State.PLANNED]
            assert recall.next_at == min(tries, default=None)
            if recall.id in self.cancelled:
                assert (recall.status, recall.reason) == (Status.CANCELLED, self.cancelled[recall.id])
            else:
                assert recall.status in expected(recall, found)

    @invariant()
    def what_is_told_of_an_occurrence_agrees_with_what_was_done(self) -> None:
        for each in self.occurrences():
            runs = self.store.runs(each.id)
            assert len(self.store.deferrals(each.id)) == each.deferrals == self.put_off[each.id]
            assert sum(run.ended_at is not None for run in runs) == each.attempts == self.ended[each.id]
            assert sum(run.ended_at is None for run in runs) == (each.state is State.RUNNING)
        planned = Counter((each.recall, each.scheduled_for) for each in self.occurrences())
        assert all(count == 1 for count in planned.values())


def expected(recall: Recall, found: list[Occurrence]) -> set[Status]:
    """What the status may be."""
    states = {each.state for each in found}
    if states & {State.CLAIMED, State.RUNNING}:
        return {Status.RUNNING}
    if State.PLANNED in states:
        return {Status.PENDING, Status.WAITING}
    last = found[-1].state
    if last is State.CANCELLED:
        return {Status.CANCELLED}
    if recall.call_type is CallType.RECURRING or last is State.DONE:
        return {Status.FIRED}
    return {Status.CANCELLED} if last is State.SKIPPED else {Status.FAILED}


TestAgendas = Agendas.TestCase
TestAgendas.settings = settings(max_examples=1000 if LONG else 25, stateful_step_count=30)
