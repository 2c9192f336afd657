"""The words of the calendar: slots that a backend lists, what is known of each here, and what the backend is still to be told.
Pure. Stamps are milliseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SlotState(StrEnum):
    """Where a slot stands. QUEUED: its agent is at work on something else. A backend knows the others, by these words."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    ABORTED = "aborted"

    @property
    def is_over(self) -> bool:
        return self in (SlotState.COMPLETED, SlotState.ABORTED)

    @property
    def is_active(self) -> bool:
        return self in (SlotState.IN_PROGRESS, SlotState.PAUSED)


@dataclass(frozen=True, slots=True)
class Listed:
    """A slot as a backend lists it, checked. `message`: what its agent is told; `status`: what the backend makes of it, if it
    says so."""

    id: str
    agent: str
    title: str
    message: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as it is known here. `recall`: the recall that wakes its agent; `agent_ended`: that is over, the slot perhaps not."""

    id: str
    agent: str
    title: str
    message: str
    state: SlotState
    listed_at: int
    started_at: int | None
    resolved_at: int | None
    reason: str | None
    summary: str | None
    recall: int | None
    agent_ended: bool


@dataclass(frozen=True, slots=True)
class Update:
    """What the backend is to be told of a slot, in the order of the ids. `key`: the same however often it is sent; `problem`: why it did not
    arrive the last time."""

    id: int
    slot: str
    status: SlotState
    summary: str | None
    reason: str | None
    key: str
    made_at: int
    tries: int
    problem: str | None
