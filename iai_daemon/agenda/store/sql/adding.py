"""How a recall gets into the agenda, whoever wants it: within the transaction of the caller."""

from __future__ import annotations

from iai_daemon.agenda.recall import Draft, Planned, Recall
from iai_daemon.agenda.store.sql.sessions import SqlSessions
from iai_daemon.errors import SessionTaken

_INSERT = """
INSERT INTO recalls (
    session_id, agent, message, call_type, kind, expression, zone, anchor, owner, made_by, comment,
    catch_up, catch_up_window, overlap, jitter, retries, backoff, max_defer,
    expires_at, status, created_at, updated_at
)
VALUES (
    :session_id, :agent, :message, :call_type, :kind, :expression, :zone, :anchor, :owner, :made_by, :comment,
    :catch_up, :catch_up_window, :overlap, :jitter, :retries, :backoff, :max_defer,
    :expires_at, 'pending', :now, :now
)
RETURNING id
"""


class SqlAdding(SqlSessions):
    """Recalls that are new, on one connection."""

    def _add(self, draft: Draft, first: Planned, now: int) -> Recall:
        """Raises SessionTaken."""
        # Whoever registers a session holds it: nobody else adds to it before this transaction has ended.
        self._register(draft.session_id, None, now)
        taken = self._first(
            "SELECT id FROM recalls WHERE session_id = :session AND status = 'pending'",
            {"session": draft.session_id},
        )
        if taken is not None:
            raise SessionTaken(session=draft.session_id, recall=taken["id"])
        recall_id = self._database.execute(_INSERT, _to_row(draft, now)).fetchone()["id"]
        self._plan(recall_id, first)
        return self._recall(recall_id)


def _to_row(draft: Draft, now: int) -> dict[str, object]:
    policy, trigger = draft.policy, draft.trigger
    return {
        "session_id": draft.session_id,
        "agent": draft.agent,
        "message": draft.message,
        "call_type": draft.call_type,
        "kind": trigger.kind,
        "expression": trigger.expression,
        "zone": trigger.zone,
        "anchor": trigger.anchor,
        "owner": draft.owner,
        "made_by": draft.made_by,
        "comment": draft.comment,
        "catch_up": policy.catch_up,
        "catch_up_window": policy.catch_up_window,
        "overlap": policy.overlap,
        "jitter": policy.jitter,
        "retries": policy.retries,
        "backoff": policy.backoff,
        "max_defer": policy.max_defer,
        "expires_at": draft.expires_at,
        "now": now,
    }
