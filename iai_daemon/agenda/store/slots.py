"""The slots' side of an agenda's store. Stamps in milliseconds; every method is one transaction, durable as those of store.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from iai_daemon.agenda.recall import Draft, Occurrence, Planned, Recall
from iai_daemon.agenda.slot import Listed, Slot, SlotState, Update


class SlotStore(Protocol):
    """Slots, and what the backend is still to be told."""

    def take(self, listed: Listed, now: int) -> bool:
        """Know this slot from now on, queued. False: it is known, also when it is long over; while it is queued its message is
        brought up to date."""
        ...

    def fire(self, slot: str, draft: Draft, first: Planned, now: int) -> Recall | None:
        """The recall that wakes its agent, and the slot is in progress, which the backend is told. None: it is not queued."""
        ...

    def resolve(
        self,
        slot: str,
        state: SlotState,
        now: int,
        *,
        summary: str | None = None,
        reason: str | None = None,
        tell: bool = True,
    ) -> bool:
        """It is completed or aborted; its session is closed, so that nothing more comes of its recall. `tell`: the backend. False:
        it was over. Raises NoSuchSlot."""
        ...

    def pause(self, slot: str, reason: str | None, now: int) -> bool:
        """The backend is told. False: it is not in progress. Raises NoSuchSlot."""
        ...

    def resume(self, slot: str, now: int) -> bool:
        """In progress again, and the backend is told. False: it is not paused. Raises NoSuchSlot."""
        ...

    def slot(self, slot: str) -> Slot:
        """Raises NoSuchSlot."""
        ...

    def open_slots(self) -> Sequence[Slot]:
        """What is queued or active, the oldest start first, then the oldest listing."""
        ...

    def past_slots(self, limit: int) -> Sequence[Slot]:
        """What is over, the newest `limit`, oldest first."""
        ...

    def slot_of(self, recall: int) -> Slot | None:
        """The slot that this recall was made for."""
        ...

    def agents_ended(self) -> Sequence[tuple[Slot, Occurrence]]:
        """The active slots whose recall is over and of which that is not noted, with its last occurrence."""
        ...

    def note_agent_ended(self, slot: str, reason: str | None) -> None:
        """It stays active: somebody else has to complete it."""
        ...

    def outbox(self, limit: int) -> Sequence[Update]:
        """What the backend has not taken yet, oldest first."""
        ...

    def news(self, holder: str) -> Update | None:
        """What is to be told next; None: nothing, or somebody else than this holder is about to."""
        ...

    def take_news(self, holder: str, seconds: float) -> Update | None:
        """The same, and for so many seconds nobody else tells it."""
        ...

    def delivered(self, update: int, now: int) -> None:
        """The backend has taken it, or never will, and need not be told again."""
        ...

    def undelivered(self, update: int, problem: str) -> None:
        """It did not arrive: one more try was in vain."""
        ...

    def prune_slots(self, before: int) -> None:
        """Forget slots that were over before then, unless the backend is still to be told of them."""
        ...
