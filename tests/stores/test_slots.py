"""Slots of the calendar, on every engine: what each method of the protocol promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from iai_daemon.agenda.recall import State, Status
from iai_daemon.agenda.slot import Slot, SlotState
from iai_daemon.agenda.store.opening import OpenedAgenda
from iai_daemon.agenda.store.recalls import Defer, Outcome, Settle
from iai_daemon.agenda.store.slots import SlotStore
from iai_daemon.errors import NoSuchSlot, SessionTaken
from tests.stores.recalls import DONE, FAILED, MINUTE, NOW, add, in_hours, once, recurring
from tests.stores.slots import active, begin, carry_out, fire, ids, listed, told, waking

QUEUED, IN_PROGRESS, PAUSED = SlotState.QUEUED, SlotState.IN_PROGRESS, SlotState.PAUSED
COMPLETED, ABORTED = SlotState.COMPLETED, SlotState.ABORTED
UNCONFIRMED = Outcome(State.UNCONFIRMED, 0, "", "it has not confirmed")
# Ids as backends give them, or as somebody may ask for them.
STRANGE = [
    "UID@example.org/20261121T090000Z",
    "'; DROP TABLE slots; --",
    "0",
    "00",
    " a",
    "{session_id}",
    "Grüße 🌙",
    "a\nb",
    "x" * 200,
]


@pytest.fixture
def kept(open_the_agenda: Callable[[], OpenedAgenda]) -> OpenedAgenda:
    return open_the_agenda()


@pytest.fixture
def slots(kept: OpenedAgenda) -> SlotStore:
    return kept.slots


# Taking.


def test_a_slot_is_taken_once_and_kept_as_it_was_listed_also_for_others(
    open_the_agenda: Callable[[], OpenedAgenda],
) -> None:
    one = listed("a", title="Grüße", message="'; DROP TABLE slots; --\n🌙" + "x" * 20_000)
    assert open_the_agenda().slots.take(one, NOW)
    slots = open_the_agenda().slots
    assert not slots.take(one, NOW + 1)
    expected = Slot(
        "a", "claude", "Grüße", one.message, QUEUED, NOW, None, None, None, None, None, agent_ended=False
    )
    assert slots.slot("a") == expected
    assert list(slots.open_slots()) == [expected]
    assert told(slots) == [], "the backend knows that it listed it"


@pytest.mark.parametrize("id_", STRANGE)
def test_an_id_is_any_text(slots: SlotStore, id_: str) -> None:
    active(slots, id_)
    active(slots, "another", NOW + 1)
    assert slots.slot(id_).id == id_
    assert slots.resolve(id_, ABORTED, NOW + 2)
    assert (ids(slots.past_slots(5)), ids(slots.open_slots())) == ([id_], ["another"])


def test_what_waits_is_brought_up_to_date_and_what_does_not_is_left(slots: SlotStore) -> None:
    slots.take(listed(), NOW)
    newer = listed(title="Retro", message="Write the retro.", agent="codex")
    assert not slots.take(newer, NOW + 5)
    now_is = slots.slot("a")
    assert (now_is.title, now_is.message, now_is.agent) == ("Retro", "Write the retro.", "codex")
    assert now_is.listed_at == NOW, "it waits since then"
    fire(slots)
    for _ in range(2):
        before = slots.slot("a")
        assert not slots.take(listed(message="Something else."), NOW + 9)
        assert slots.slot("a") == before
        slots.resolve("a", COMPLETED, NOW + 9)


def test_what_is_over_is_never_taken_again(slots: SlotStore) -> None:
    for state in (COMPLETED, ABORTED):
        slots.take(listed(state), NOW)
        slots.resolve(state, state, NOW)
        assert not slots.take(listed(state), NOW + 1)
        assert slots.slot(state).state is state
    assert list(slots.open_slots()) == []


# Firing.


def test_a_slot_that_fires_has_its_recall_and_is_in_progress_which_the_backend_is_told(
    kept: OpenedAgenda,
) -> None:
    slots = kept.slots
    slots.take(listed(), NOW)
    recall = fire(slots, now=NOW + 5)
    assert kept.store.recall(recall.id) == recall
    assert (recall.status, recall.session_id, recall.made_by) == (
        Status.PENDING,
        "session-of-a",
        "calendar",
    )
    assert [each.recall.id for each in kept.store.due(NOW + 5, 5)] == [recall.id]
    now_is = slots.slot("a")
    assert (now_is.state, now_is.started_at, now_is.recall) == (IN_PROGRESS, NOW + 5, recall.id)
    (update,) = slots.outbox(5)
    assert (update.slot, update.status, update.made_at, update.tries) == ("a", IN_PROGRESS, NOW + 5, 0)
    assert (update.summary, update.reason, update.problem) == (None, None, None)
    assert slots.slot_of(recall.id) == now_is


def test_what_is_not_queued_does_not_fire(kept: OpenedAgenda) -> None:
    slots = kept.slots
    recall = active(slots)
    active(slots, "paused")
    slots.pause("paused", None, NOW)
    active(slots, "over")
    slots.resolve("over", COMPLETED, NOW)
    slots.take(listed("replaced"), NOW)
    slots.resolve("replaced", ABORTED, NOW)
    before = kept.store.history(None, 50), slots.outbox(50)
    for each in ("a", "paused", "over", "replaced", "unknown", "\ud800"):
        draft = waking(f"again-{each}") if each.isprintable() else waking("again")
        assert slots.fire(each, draft, in_hours(0), NOW) is None
    assert (kept.store.history(None, 50), slots.outbox(50)) == before
    assert slots.slot("a").recall == recall.id


def test_a_slot_whose_session_is_taken_stays_queued(kept: OpenedAgenda) -> None:
    add(kept.store, once("session-of-a"))
    kept.slots.take(listed(), NOW)
    with pytest.raises(SessionTaken):
        fire(kept.slots)
    assert kept.slots.slot("a").state is QUEUED
    assert told(kept.slots) == []


def test_of_a_recall_without_a_slot_there_is_none(kept: OpenedAgenda) -> None:
    recall = add(kept.store, once())
    for number in (recall.id, 0, -1, 99, 1 << 80):
        assert kept.slots.slot_of(number) is None


# Resolving.


@pytest.mark.parametrize("state", [COMPLETED, ABORTED])
def test_a_slot_that_is_resolved_is_over_for_good(slots: SlotStore, state: SlotState) -> None:
    active(slots)
    assert slots.resolve("a", state, NOW + 5, summary="All sent.", reason="so")
    over = slots.slot("a")
    assert (over.state, over.resolved_at, over.summary, over.reason) == (state, NOW + 5, "All sent.", "so")
    for other in (COMPLETED, ABORTED):
        assert not slots.resolve("a", other, NOW + 9, summary="else", reason="else")
    assert not slots.pause("a", "else", NOW + 9)
    assert not slots.resume("a", NOW + 9)
    slots.note_agent_ended("a", "else")
    assert slots.slot("a") == over
    *_, update = slots.outbox(9)
    assert (update.status, update.summary, update.reason) == (state, "All sent.", "so")
    assert len(slots.outbox(9)) == 2


def test_the_backend_is_not_told_what_it_said_itself(slots: SlotStore) -> None:
    active(slots)
    assert slots.resolve("a", ABORTED, NOW, reason="the backend says so", tell=False)
    assert told(slots) == [("a", IN_PROGRESS)]
    assert not slots.resolve("a", ABORTED, NOW)
    assert len(slots.outbox(5)) == 1


def test_what_is_no_end_resolves_nothing(slots: SlotStore) -> None:
    active(slots)
    for state in (QUEUED, IN_PROGRESS, PAUSED):
        with pytest.raises(ValueError, match="no end"):
            slots.resolve("a", state, NOW)
    assert slots.slot("a").state is IN_PROGRESS


def test_what_waits_is_given_up_without_a_recall(kept: OpenedAgenda) -> None:
    kept.slots.take(listed(), NOW)
    assert kept.slots.resolve("a", ABORTED, NOW, reason="replaced by slot b")
    over = kept.slots.slot("a")
    assert (over.state, over.started_at, over.recall) == (ABORTED, None, None)
    assert told(kept.slots) == [("a", ABORTED)]
    assert kept.store.sessions(closed=True) == []


def test_nothing_more_comes_of_the_recall_of_a_slot_that_is_over(kept: OpenedAgenda) -> None:
    recall = active(kept.slots)
    other = active(kept.slots, "b")
    assert kept.slots.resolve("a", ABORTED, NOW)
    assert kept.store.recall(recall.id).status is Status.CANCELLED
    assert kept.store.recall(recall.id).reason == "its slot was aborted"
    assert [each.recall.id for each in kept.store.due(NOW, 5)] == [other.id]
    assert [each.id for each in kept.store.sessions()] == [other.session_id]


def test_an_agent_that_completes_its_slot_goes_on_and_is_not_woken_again(kept: OpenedAgenda) -> None:
    recall = active(kept.slots)
    run = begin(kept, recall)
    kept.slots.resolve("a", COMPLETED, NOW)
    assert [each.id for _, each in kept.store.under_way()] == [run]
    again = Outcome(State.PLANNED, 1, "", "exit status 1", NOW + MINUTE)
    kept.store.end(run, again, NOW)
    (occurrence,) = kept.store.history(recall.id, 5)
    assert occurrence.state is State.FAILED
    assert kept.store.due(NOW + 9 * MINUTE, 5) == []


def test_completing_a_slot_confirms_its_run_and_aborting_it_does_not(kept: OpenedAgenda) -> None:
    ends = {}
    for state in (COMPLETED, ABORTED):
        recall = active(kept.slots, state)
        run = begin(kept, recall, token=f"token-{state}")
        kept.slots.resolve(state, state, NOW + 5)
        kept.store.end(run, UNCONFIRMED, NOW + 9)
        (occurrence,) = kept.store.history(recall.id, 5)
        ends[state] = occurrence.state, kept.store.runs(occurrence.id)[0].confirmed_at
    assert ends == {COMPLETED: (State.DONE, NOW + 5), ABORTED: (State.UNCONFIRMED, None)}


def test_completing_a_slot_confirms_nobody_elses_run(kept: OpenedAgenda) -> None:
    active(kept.slots)
    other = begin(kept, active(kept.slots, "b"), NOW, "of-b")
    kept.slots.resolve("a", COMPLETED, NOW)
    kept.store.end(other, UNCONFIRMED, NOW)
    assert kept.store.history(2, 5)[0].state is State.UNCONFIRMED


# Pausing.


def test_a_slot_is_paused_and_resumed_and_the_backend_told_of_each(slots: SlotStore) -> None:
    active(slots)
    assert slots.pause("a", "lunch", NOW + 1)
    assert (slots.slot("a").state, slots.slot("a").reason) == (PAUSED, "lunch")
    assert not slots.pause("a", "tea", NOW + 2)
    assert slots.slot("a").reason == "lunch"
    assert slots.resume("a", NOW + 3)
    assert (slots.slot("a").state, slots.slot("a").reason) == (IN_PROGRESS, None)
    assert not slots.resume("a", NOW + 4)
    assert told(slots) == [("a", IN_PROGRESS), ("a", PAUSED), ("a", IN_PROGRESS)]
    assert [each.reason for each in slots.outbox(9)] == [None, "lunch", None]
    assert slots.slot("a").started_at == NOW
    slots.pause("a", None, NOW)
    assert slots.resolve("a", COMPLETED, NOW), "what rests can be ended"


def test_what_waits_can_neither_be_paused_nor_resumed(slots: SlotStore) -> None:
    slots.take(listed(), NOW)
    assert not slots.pause("a", None, NOW)
    assert not slots.resume("a", NOW)
    assert slots.slot("a").state is QUEUED


@pytest.mark.parametrize("id_", ["unknown", "", "\ud800", "a\0b", "A"])
def test_an_unknown_slot_is_refused_by_its_name(slots: SlotStore, id_: str) -> None:
    active(slots)
    works: list[Callable[[], object]] = [
        lambda: slots.slot(id_),
        lambda: slots.resolve(id_, COMPLETED, NOW),
        lambda: slots.pause(id_, None, NOW),
        lambda: slots.resume(id_, NOW),
    ]
    for work in works:
        with pytest.raises(NoSuchSlot, match="There is no slot"):
            work()
    slots.note_agent_ended("unknown", "x")
    assert told(slots) == [("a", IN_PROGRESS)]


# What is known.


def test_open_slots_come_in_the_order_of_their_start_then_of_their_listing(slots: SlotStore) -> None:
    for number, each in enumerate(("late", "early", "waits-long", "waits", "over")):
        slots.take(listed(each), NOW + number)
    fire(slots, "early", NOW + 10)
    fire(slots, "late", NOW + 20)
    fire(slots, "over", NOW + 30)
    slots.pause("early", None, NOW + 40)
    slots.resolve("over", COMPLETED, NOW + 50)
    assert ids(slots.open_slots()) == ["early", "late", "waits-long", "waits"]


def test_past_slots_are_the_newest_oldest_first(slots: SlotStore) -> None:
    assert list(slots.past_slots(5)) == []
    for number, each in enumerate(("c", "a", "b", "open")):
        slots.take(listed(each), NOW + number)
    for moment, each in ((3, "a"), (1, "b"), (2, "c")):
        slots.resolve(each, ABORTED, NOW + moment)
    assert [ids(slots.past_slots(limit)) for limit in (5, 2, 1, 0)] == [
        ["b", "c", "a"],
        ["c", "a"],
        ["a"],
        [],
    ]


# Agents that have ended.


def test_a_slot_is_told_of_once_its_agent_has_ended(kept: OpenedAgenda) -> None:
    slots, recalls = kept.slots, [active(kept.slots, each) for each in ("a", "b", "c")]
    assert list(slots.agents_ended()) == []
    begin(kept, recalls[0])
    assert list(slots.agents_ended()) == [], "it runs"
    carry_out(kept, recalls[1])
    slots.pause("b", None, NOW)
    carry_out(kept, recalls[2], FAILED)
    found = [(slot, last.state, last.reason) for slot, last in slots.agents_ended()]
    assert found == [
        (slots.slot("b"), State.DONE, None),
        (slots.slot("c"), State.FAILED, "exit status 3"),
    ]
    slots.note_agent_ended("b", "it has not confirmed")
    now_is = slots.slot("b")
    assert (now_is.agent_ended, now_is.state, now_is.reason) == (True, PAUSED, "it has not confirmed")
    slots.resolve("c", ABORTED, NOW)
    assert list(slots.agents_ended()) == []
    assert "b" in ids(slots.open_slots())


def test_a_reason_that_is_known_stays_where_none_is_given(slots: SlotStore) -> None:
    active(slots)
    slots.pause("a", "lunch", NOW)
    slots.note_agent_ended("a", None)
    assert (slots.slot("a").reason, slots.slot("a").agent_ended) == ("lunch", True)


def test_an_agent_that_is_tried_again_or_put_off_has_not_ended(kept: OpenedAgenda) -> None:
    recall = active(kept.slots)
    (occurrence,) = kept.store.history(recall.id, 5)
    kept.store.settle([Defer(occurrence.id, NOW + MINUTE, "busy")], NOW)
    assert list(kept.slots.agents_ended()) == []
    carry_out(kept, recall, Outcome(State.PLANNED, 1, "", "exit status 1", NOW + MINUTE))
    assert list(kept.slots.agents_ended()) == []
    kept.store.settle([Settle(occurrence.id, State.MISSED, "too late")], NOW + 2 * MINUTE)
    ((_, last),) = kept.slots.agents_ended()
    assert (last.state, last.reason) == (State.MISSED, "too late")


def test_an_agent_whose_recall_was_cancelled_has_ended_once_its_run_has(kept: OpenedAgenda) -> None:
    at_work, not_yet = active(kept.slots), active(kept.slots, "b")
    run = begin(kept, at_work)
    for each in (at_work, not_yet):
        assert kept.store.cancel(each.id, "enough", NOW)
    assert [slot.id for slot, _ in kept.slots.agents_ended()] == ["b"]
    kept.store.end(run, DONE, NOW)
    assert [(slot.id, last.state) for slot, last in kept.slots.agents_ended()] == [
        ("a", State.DONE),
        ("b", State.CANCELLED),
    ]


# The outbox.


def test_the_outbox_is_in_the_order_in_which_things_happened_whatever_the_clock_says(
    slots: SlotStore,
) -> None:
    active(slots, "a", NOW + 9)
    active(slots, "b", NOW + 5)
    slots.pause("a", None, NOW + 1)
    slots.resolve("b", COMPLETED, NOW)
    happened = [("a", IN_PROGRESS), ("b", IN_PROGRESS), ("a", PAUSED), ("b", COMPLETED)]
    assert told(slots) == happened
    assert [each.slot for each in slots.outbox(2)] == ["a", "b"]
    assert slots.outbox(0) == []
    assert len({each.key for each in slots.outbox(9)}) == 4
    assert all(each.key for each in slots.outbox(9))


def test_what_arrived_is_not_told_again_and_what_did_not_says_why(slots: SlotStore) -> None:
    active(slots)
    slots.pause("a", None, NOW)
    first, second = slots.outbox(5)
    for problem in ("no network", "still none"):
        slots.undelivered(first.id, problem)
    assert slots.outbox(5) == [replace(first, tries=2, problem="still none"), second], "with the same key"
    slots.delivered(first.id, NOW + 1)
    assert slots.outbox(5) == [second]
    slots.undelivered(first.id, "late answer")
    slots.delivered(first.id, NOW + 2)
    for unknown in (0, -1, 99, 1 << 80):
        slots.delivered(unknown, NOW)
        slots.undelivered(unknown, "x")
    assert slots.outbox(5) == [second]


# Forgetting.


def test_what_was_over_before_then_is_forgotten_once_the_backend_has_been_told(slots: SlotStore) -> None:
    for number, each in enumerate(("open", "told", "untold", "later")):
        active(slots, each, NOW + number)
    for each in ("told", "untold"):
        slots.resolve(each, COMPLETED, NOW + 10)
    slots.resolve("later", ABORTED, NOW + 20)
    for update in slots.outbox(50):
        if update.slot != "untold" or update.status is IN_PROGRESS:
            slots.delivered(update.id, NOW + 20)
    slots.prune_slots(NOW + 20)
    assert ids(slots.past_slots(9)) == ["untold", "later"]
    assert ids(slots.open_slots()) == ["open"]
    slots.delivered(slots.outbox(5)[0].id, NOW + 21)
    slots.prune_slots(NOW + 20)
    assert ids(slots.past_slots(9)) == ["later"]
    with pytest.raises(NoSuchSlot):
        slots.slot("told")
    assert slots.take(listed("told"), NOW + 30), "it is a new one from now on"


def test_a_key_is_never_given_twice_also_when_its_slot_was_forgotten(slots: SlotStore) -> None:
    seen = set()
    for _ in range(3):
        active(slots)
        slots.resolve("a", COMPLETED, NOW)
        for update in slots.outbox(5):
            assert (update.id, update.key) not in seen
            seen.add((update.id, update.key))
            slots.delivered(update.id, NOW)
        slots.prune_slots(NOW + 1)
    assert len({key for _, key in seen}) == len({number for number, _ in seen}) == 6


def test_the_agendas_own_pruning_leaves_slots_alone(kept: OpenedAgenda) -> None:
    recall = active(kept.slots)
    carry_out(kept, recall)
    kept.slots.note_agent_ended("a", None)
    kept.store.prune(NOW + 99 * MINUTE, NOW + 99 * MINUTE)
    assert kept.slots.slot("a").recall == recall.id
    assert kept.slots.slot_of(recall.id) is not None
    assert kept.slots.resolve("a", COMPLETED, NOW)


def test_recalls_and_slots_do_not_get_into_one_anothers_way(kept: OpenedAgenda) -> None:
    recall = add(kept.store, recurring())
    active(kept.slots)
    kept.slots.resolve("a", ABORTED, NOW)
    assert kept.store.recall(recall.id).status is Status.PENDING
    assert kept.store.close_session("s1", NOW) == [recall.id]
