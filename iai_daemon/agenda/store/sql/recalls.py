"""The recalls of the agenda. The protocol, with the meaning of every method, is in recalls.py."""

from __future__ import annotations

from iai_daemon.agenda.recall import CallType, Draft, Planned, Recall
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.agenda.store.recalls import Filter, Viewer
from iai_daemon.agenda.store.sql.adding import SqlAdding
from iai_daemon.agenda.store.sql.part import to_recall
from iai_daemon.errors import RecallOver
from iai_daemon.storage.database import Row

_LIST = """
SELECT * FROM recalls_told
WHERE (CAST(:session_id AS TEXT) IS NULL OR session_id = :session_id)
AND (CAST(:user AS TEXT) IS NULL OR owner = :user)
AND (:administrator = 1 OR owner = :viewer)
AND (:live = 0 OR status IN ('pending', 'waiting', 'running'))
ORDER BY
    COALESCE(next_at, (SELECT MAX(scheduled_for) FROM occurrences WHERE recall = recalls_told.id), created_at)
    DESC,
    id DESC
LIMIT :limit OFFSET :offset
"""


class SqlRecalls(SqlAdding):
    """Recalls, on one connection."""

    def add(self, draft: Draft, first: Planned, now: int) -> Recall:
        with self._writing():
            return self._add(draft, first, now)

    def recall(self, recall_id: int) -> Recall:
        return self._recall(recall_id)

    def recalls(self, viewer: Viewer, wanted: Filter) -> list[Recall]:
        asked = {
            "session_id": wanted.session_id,
            "user": wanted.user,
            "viewer": viewer.user,
            "administrator": int(viewer.administrator),
            "live": int(wanted.live),
            "limit": wanted.limit,
            "offset": wanted.offset,
        }
        return [to_recall(row) for row in self._all(_LIST, asked)]

    def cancel(self, recall_id: int, reason: str, now: int) -> bool:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._recall(recall_id)
            if recall.is_live:
                self._cancel(recall, reason, now)
        return recall.is_live

    def pause(self, recall_id: int, now: int) -> bool:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._live(recall_id)
            if recall.paused_at is None:
                self._set_paused(recall_id, now, now)
        return recall.paused_at is None

    def resume(self, recall_id: int, following: Planned | None, now: int) -> bool:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._live(recall_id)
            if recall.paused_at is not None:
                self._set_paused(recall_id, None, now)
                spare = None if following is None else following.scheduled_for
                self._drop_plan(recall_id, "it was paused then", now, spare)
                if following is not None and (free := self._not_been(recall_id, following)) is not None:
                    self._plan(recall_id, free)
                self._stand(recall_id, now)
        return recall.paused_at is not None

    def skip_next(self, recall_id: int, following: Planned | None, reason: str, now: int) -> int:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._live(recall_id)
            skipped = self._next(recall)
            self._database.execute(
                "UPDATE occurrences SET state = 'skipped', reason = :reason, settled_at = :now WHERE id = :id",
                {"id": skipped["id"], "reason": reason, "now": now},
            )
            self._go_on(recall_id, skipped["scheduled_for"], following)
            self._touch(recall_id, now)
            self._stand(recall_id, now)
        return int(skipped["scheduled_for"])

    def reschedule(self, recall_id: int, trigger: Trigger, first: Planned, now: int) -> Recall:
        with self._writing():
            self._hold_recalls([recall_id])
            self._live(recall_id)
            self._database.execute(
                """
                UPDATE recalls
                SET call_type = :call_type, kind = :kind, expression = :expression, zone = :zone,
                    anchor = :anchor, updated_at = :now
                WHERE id = :id
                """,
                {
                    "id": recall_id,
                    "call_type": CallType.ONCE if trigger.kind == "at" else CallType.RECURRING,
                    "kind": trigger.kind,
                    "expression": trigger.expression,
                    "zone": trigger.zone,
                    "anchor": trigger.anchor,
                    "now": now,
                },
            )
            self._drop_plan(recall_id, "it was rescheduled", now)
            self._plan_as_wished(recall_id, first)
            self._stand(recall_id, now)
            return self._recall(recall_id)

    def run_now(self, recall_id: int, now: int) -> Planned:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._live(recall_id)
            if recall.call_type is CallType.RECURRING:
                wanted = self._plan_as_wished(recall_id, Planned(now, now), extra=True)
            else:
                next_one = self._next(recall)
                wanted = Planned(next_one["scheduled_for"], now)
                self._database.execute(
                    "UPDATE occurrences SET next_try_at = :now WHERE id = :id",
                    {"id": next_one["id"], "now": now},
                )
            self._touch(recall_id, now)
            self._stand(recall_id, now)
        return wanted

    def acted_after(self, now: int) -> list[Recall]:
        rows = self._all(
            """
            SELECT * FROM recalls_told
            WHERE id IN (SELECT recall FROM occurrences WHERE settled_at IS NOT NULL AND settled_at > :now)
            AND status IN ('pending', 'waiting', 'running')
            ORDER BY id
            """,
            {"now": now},
        )
        return [to_recall(row) for row in rows]

    def plan_anew(self, recall_id: int, following: Planned, now: int) -> None:
        with self._writing():
            self._hold_recalls([recall_id])
            recall = self._recall(recall_id)
            wanted = self._not_been(recall_id, following) if recall.is_live else None
            sooner = wanted and self._first(
                """
                SELECT 1 FROM occurrences
                WHERE recall = :recall AND state = 'planned' AND settled_at IS NULL AND extra = 0
                AND next_try_at <= :next_try_at
                """,
                {"recall": recall_id, "next_try_at": wanted.next_try_at},
            )
            if wanted is not None and sooner is None:
                self._drop_plan(recall_id, "the clock was wrong when it was planned", now)
                self._plan(recall_id, wanted)
                self._stand(recall_id, now)

    def _live(self, recall_id: int) -> Recall:
        """Raises NoSuchRecall, RecallOver."""
        recall = self._recall(recall_id)
        if not recall.is_live:
            raise RecallOver(id=recall_id, status=recall.status)
        return recall

    def _next(self, recall: Recall) -> Row:
        """Its occurrence that is tried next. Raises RecallOver."""
        found = self._first(
            """
            SELECT id, scheduled_for FROM occurrences
            WHERE recall = :recall AND state = 'planned' AND settled_at IS NULL
            ORDER BY next_try_at, id LIMIT 1
            """,
            {"recall": recall.id},
        )
        if found is None:
            raise RecallOver(id=recall.id, status=recall.status)
        return found

    def _set_paused(self, recall_id: int, paused_at: int | None, now: int) -> None:
        self._database.execute(
            "UPDATE recalls SET paused_at = :paused_at, updated_at = :now WHERE id = :id",
            {"id": recall_id, "paused_at": paused_at, "now": now},
        )

    def _touch(self, recall_id: int, now: int) -> None:
        self._database.execute(
            "UPDATE recalls SET updated_at = :now WHERE id = :id", {"id": recall_id, "now": now}
        )
