"""The table itself: total, legal, printed."""

from __future__ import annotations

import pytest

from iai_daemon.lifecycle.states import GLOSSARY, TRANSITIONS, Event, State, diagram

PAIRS = [(state, event) for state in State for event in Event]
RULES = {"active", "settled", "idle", "nobody", "absent", "inactive", "overdue", "asked"}


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_every_event_leads_from_every_state_to_a_state(state: State, event: Event) -> None:
    assert TRANSITIONS[state][event] in State


def test_there_is_nothing_else_in_the_table() -> None:
    assert {(state, event) for state, row in TRANSITIONS.items() for event in row} == set(PAIRS)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", [Event.ACTIVE, Event.SETTLED, Event.WAKE_ASKED])
def test_a_user_at_work_always_means_wake(state: State, event: Event) -> None:
    assert TRANSITIONS[state][event] is State.WAKE


@pytest.mark.parametrize("state", State)
def test_nobody_at_work_never_means_wake(state: State) -> None:
    quiet = set(Event) - {Event.ACTIVE, Event.SETTLED, Event.WAKE_ASKED}
    assert State.WAKE not in {TRANSITIONS[state][event] for event in quiet}


def test_the_last_client_closing_does_not_end_a_night_and_ends_every_wake() -> None:
    assert {state: TRANSITIONS[state][Event.NOBODY] for state in State} == {
        State.WAKE: State.IDLE,
        State.IDLE: State.IDLE,
        State.BEDTIME: State.BEDTIME,
    }


def test_the_table_cannot_be_changed_by_anybody() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.WAKE] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        TRANSITIONS[State.WAKE][Event.IDLE] = State.WAKE  # type: ignore[index]


def test_every_event_is_explained_and_has_a_rule_that_users_know() -> None:
    assert set(GLOSSARY) == set(Event)
    assert {event.rule for event in Event} == RULES


def test_the_diagram_holds_every_move_of_the_table_and_no_other() -> None:
    lines = diagram().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> WAKE: started"]
    moves = {}
    for line in lines[2:]:
        move, _, events = line.strip().partition(": ")
        before, _, after = move.partition(" --> ")
        moves.update({(State(before), Event(event)): State(after) for event in events.split(", ")})
    assert moves == {
        (state, event): TRANSITIONS[state][event]
        for state, event in PAIRS
        if TRANSITIONS[state][event] is not state
    }
