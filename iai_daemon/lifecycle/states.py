"""The lifecycle as a table: three states, nine events, total over every pair. Pure; the diagram in the docs is printed from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """How the day stands."""

    WAKE = "WAKE"
    IDLE = "IDLE"
    BEDTIME = "BEDTIME"


class Event(StrEnum):
    """What holds at one moment, in words of the glossary below."""

    ACTIVE = "active"
    SETTLED = "settled"
    WAKE_ASKED = "wake asked"
    IDLE = "idle"
    NOBODY = "nobody"
    INACTIVE = "inactive"
    ABSENT = "absent"
    OVERDUE = "overdue"
    SLEEP_ASKED = "sleep asked"

    @property
    def rule(self) -> str:
        """The name under which `status` and `history` show it."""
        return "asked" if self in (Event.WAKE_ASKED, Event.SLEEP_ASKED) else self.value


GLOSSARY: Mapping[Event, str] = MappingProxyType(
    {
        Event.ACTIVE: "the user of a present wrapper did something within `idle_after`",
        Event.SETTLED: "a new wrapper has lived `settle_after`, which counts as one activity",
        Event.WAKE_ASKED: "`iai-daemon wake` holds",
        Event.IDLE: "wrappers are present, nobody has been active for `idle_after`",
        Event.NOBODY: "no wrapper is present, or only one that has not settled yet",
        Event.INACTIVE: "wrappers are present, nobody has been active for `inactive_for`",
        Event.ABSENT: "no wrapper has been present for `absent_for`",
        Event.OVERDUE: "nobody is active, something is due, no night has completed for `overdue_after`",
        Event.SLEEP_ASKED: "`iai-daemon sleep` holds: nobody was active since",
    }
)


def _row(**exceptions: State) -> Mapping[Event, State]:
    """The next state for every event; they are the same from every state but for the named exceptions."""
    row = {
        Event.ACTIVE: State.WAKE,
        Event.SETTLED: State.WAKE,
        Event.WAKE_ASKED: State.WAKE,
        Event.IDLE: State.IDLE,
        Event.NOBODY: State.IDLE,
        Event.INACTIVE: State.BEDTIME,
        Event.ABSENT: State.BEDTIME,
        Event.OVERDUE: State.BEDTIME,
        Event.SLEEP_ASKED: State.BEDTIME,
    }
    return MappingProxyType(row | {Event[name]: state for name, state in exceptions.items()})


TRANSITIONS: Mapping[State, Mapping[Event, State]] = MappingProxyType(
    {
        State.WAKE: _row(),
        State.IDLE: _row(),
        # The last client closes during a night: that is no reason to leave it.
        State.BEDTIME: _row(NOBODY=State.BEDTIME),
    }
)


def diagram() -> str:
    """The table as a mermaid state diagram, one arrow for each pair of states, as ARCHITECTURE.md shows it."""
    lines = ["stateDiagram-v2", "    [*] --> WAKE: started"]
    for state in State:
        for target in State:
            events = [event.value for event in Event if TRANSITIONS[state][event] is target]
            if events and target is not state:
                lines.append(f"    {state} --> {target}: {', '.join(events)}")
    return "\n".join(lines)
