"""The slots of the agenda. The protocol, with the meaning of every method, is in slots.py."""

from __future__ import annotations

import re

from iai_daemon.agenda.recall import Draft, Occurrence, Planned, Recall
from iai_daemon.agenda.slot import Listed, Slot, SlotState, Update
from iai_daemon.agenda.store.sql.adding import SqlAdding
from iai_daemon.agenda.store.sql.part import is_an_id, to_occurrence
from iai_daemon.errors import NoSuchSlot
from iai_daemon.storage.database import Row

# Half a character: no text that SQLite can be asked about.
_NO_TEXT = re.compile("[\ud800-\udfff]")

_TO_FORGET = """
SELECT number FROM slots
WHERE resolved_at IS NOT NULL AND resolved_at < :before
AND NOT EXISTS (SELECT 1 FROM slot_updates WHERE slot = slots.id AND delivered_at IS NULL)
"""


class SqlSlots(SqlAdding):
    """A SlotStore on one connection."""

    def take(self, listed: Listed, now: int) -> bool:
        # What is listed again and again costs no write.
        found = self._find(listed.id)
        if found is not None and not _differs(found, listed):
            return False
        with self._writing():
            return self._take(listed, now)

    def _take(self, listed: Listed, now: int) -> bool:
        said = {"id": listed.id, "agent": listed.agent, "title": listed.title, "message": listed.message}
        found = self._find(listed.id)
        if found is None:
            self._database.execute(
                """
                INSERT INTO slots (id, agent, title, message, state, listed_at)
                VALUES (:id, :agent, :title, :message, 'queued', :now)
                """,
                {**said, "now": now},
            )
        elif _differs(found, listed):
            self._database.execute(
                "UPDATE slots SET agent = :agent, title = :title, message = :message WHERE id = :id", said
            )
        return found is None

    def fire(self, slot: str, draft: Draft, first: Planned, now: int) -> Recall | None:
        with self._writing():
            found = self._find(slot)
            if found is None or found.state is not SlotState.QUEUED:
                return None
            recall = self._add(draft, first, now)
            self._database.execute(
                "UPDATE slots SET state = 'in_progress', started_at = :now, recall = :recall WHERE id = :id",
                {"id": slot, "now": now, "recall": recall.id},
            )
            self._tell(slot, SlotState.IN_PROGRESS, None, None, now)
            return recall

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
        if not state.is_over:
            raise ValueError(f"{state} is no end of a slot")
        with self._writing():
            found = self._known(slot)
            if found.state.is_over:
                return False
            self._database.execute(
                """
                UPDATE slots SET state = :state, resolved_at = :now, summary = :summary, reason = :reason
                WHERE id = :id
                """,
                {"id": slot, "state": state, "now": now, "summary": summary, "reason": reason},
            )
            if found.recall is not None:
                self._end_recall(found.recall, state, now)
            if tell:
                self._tell(slot, state, summary, reason, now)
        return True

    def _end_recall(self, recall: int, state: SlotState, now: int) -> None:
        """Nothing more comes of it. Whoever completes a slot says that what runs for it has done its work."""
        self._hold_recalls([recall])
        if state is SlotState.COMPLETED:
            self._database.execute(
                """
                UPDATE runs SET confirmed_at = :now
                WHERE ended_at IS NULL AND confirmed_at IS NULL
                AND occurrence IN (SELECT id FROM occurrences WHERE recall = :recall AND settled_at IS NULL)
                """,
                {"recall": recall, "now": now},
            )
        self._close(self._recall(recall).session_id, f"its slot was {state}", now)

    def pause(self, slot: str, reason: str | None, now: int) -> bool:
        return self._change(slot, SlotState.IN_PROGRESS, SlotState.PAUSED, reason, now)

    def resume(self, slot: str, now: int) -> bool:
        return self._change(slot, SlotState.PAUSED, SlotState.IN_PROGRESS, None, now)

    def _change(self, slot: str, old: SlotState, new: SlotState, reason: str | None, now: int) -> bool:
        with self._writing():
            if self._known(slot).state is not old:
                return False
            self._database.execute(
                "UPDATE slots SET state = :state, reason = :reason WHERE id = :id",
                {"id": slot, "state": new, "reason": reason},
            )
            self._tell(slot, new, None, reason, now)
        return True

    def _tell(self, slot: str, status: SlotState, summary: str | None, reason: str | None, now: int) -> None:
        self._database.execute(
            """
            INSERT INTO slot_updates (slot, status, summary, reason, made_at)
            VALUES (:slot, :status, :summary, :reason, :now)
            """,
            {"slot": slot, "status": status, "summary": summary, "reason": reason, "now": now},
        )

    # What is known.

    def slot(self, slot: str) -> Slot:
        return self._known(slot)

    def open_slots(self) -> list[Slot]:
        return self._slots(
            """
            SELECT * FROM slots WHERE resolved_at IS NULL
            ORDER BY started_at IS NULL, started_at, listed_at, number
            """,
            {},
        )

    def past_slots(self, limit: int) -> list[Slot]:
        newest_first = self._slots(
            """
            SELECT * FROM slots WHERE resolved_at IS NOT NULL
            ORDER BY resolved_at DESC, number DESC LIMIT :limit
            """,
            {"limit": max(0, limit)},
        )
        return newest_first[::-1]

    def slot_of(self, recall: int) -> Slot | None:
        if not is_an_id(recall):
            return None
        return next(iter(self._slots("SELECT * FROM slots WHERE recall = :recall", {"recall": recall})), None)

    def agents_ended(self) -> list[tuple[Slot, Occurrence]]:
        with self._reading():
            rows = self._slots(
                """
                SELECT * FROM slots
                WHERE resolved_at IS NULL AND recall IS NOT NULL AND agent_ended = 0
                AND NOT EXISTS (SELECT 1 FROM occurrences WHERE recall = slots.recall AND settled_at IS NULL)
                ORDER BY started_at, number
                """,
                {},
            )
            return [(slot, last) for slot in rows if (last := self._last_occurrence(slot)) is not None]

    def _last_occurrence(self, slot: Slot) -> Occurrence | None:
        row = self._first(
            "SELECT * FROM occurrences_told WHERE recall = :recall ORDER BY id DESC LIMIT 1",
            {"recall": slot.recall},
        )
        return None if row is None else to_occurrence(row)

    def note_agent_ended(self, slot: str, reason: str | None) -> None:
        with self._writing():
            self._database.execute(
                """
                UPDATE slots SET agent_ended = 1, reason = COALESCE(:reason, reason)
                WHERE id = :id AND state IN ('in_progress', 'paused')
                """,
                {"id": slot, "reason": reason},
            )

    def prune_slots(self, before: int) -> None:
        if self._first(f"{_TO_FORGET} LIMIT 1", {"before": before}) is None:
            return
        with self._writing():
            self._database.execute(
                f"DELETE FROM slots WHERE number IN ({_TO_FORGET})",  # noqa: S608 -- a constant
                {"before": before},
            )

    # What the backend is to be told.

    def outbox(self, limit: int) -> list[Update]:
        rows = self._all(
            """
            SELECT id, slot, status, summary, reason, key, made_at, tries, problem FROM slot_updates
            WHERE delivered_at IS NULL ORDER BY id LIMIT :limit
            """,
            {"limit": max(0, limit)},
        )
        return [Update(**{**dict(row), "status": SlotState(row["status"])}) for row in rows]

    def news(self, holder: str) -> Update | None:  # noqa: ARG002 -- of a file there is one daemon
        return next(iter(self.outbox(1)), None)

    def take_news(self, holder: str, seconds: float) -> Update | None:  # noqa: ARG002 -- likewise
        return self.news(holder)

    def delivered(self, update: int, now: int) -> None:
        if is_an_id(update):
            with self._writing():
                self._database.execute(
                    """
                    UPDATE slot_updates SET delivered_at = :now, problem = NULL
                    WHERE id = :id AND delivered_at IS NULL
                    """,
                    {"id": update, "now": now},
                )

    def undelivered(self, update: int, problem: str) -> None:
        if is_an_id(update):
            with self._writing():
                self._database.execute(
                    """
                    UPDATE slot_updates SET tries = tries + 1, problem = :problem
                    WHERE id = :id AND delivered_at IS NULL
                    """,
                    {"id": update, "problem": problem},
                )

    def _find(self, slot: str) -> Slot | None:
        if _NO_TEXT.search(slot):
            return None
        return next(iter(self._slots("SELECT * FROM slots WHERE id = :id", {"id": slot})), None)

    def _known(self, slot: str) -> Slot:
        """Raises NoSuchSlot."""
        found = self._find(slot)
        if found is None:
            raise NoSuchSlot(id=slot if slot.strip() and slot.isprintable() else repr(slot))
        return found

    def _slots(self, sql: str, parameters: dict[str, object]) -> list[Slot]:
        return [_to_slot(row) for row in self._all(sql, parameters)]


def _differs(slot: Slot, listed: Listed) -> bool:
    """Whether it waits, and the backend says something else of it by now."""
    said = (listed.agent, listed.title, listed.message)
    return slot.state is SlotState.QUEUED and (slot.agent, slot.title, slot.message) != said


def _to_slot(row: Row) -> Slot:
    return Slot(
        id=row["id"],
        agent=row["agent"],
        title=row["title"],
        message=row["message"],
        state=SlotState(row["state"]),
        listed_at=row["listed_at"],
        started_at=row["started_at"],
        resolved_at=row["resolved_at"],
        reason=row["reason"],
        summary=row["summary"],
        recall=row["recall"],
        agent_ended=bool(row["agent_ended"]),
    )
