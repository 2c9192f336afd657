"""The agenda on a server. The protocols, with the meaning of every method, are in recalls.py and slots.py."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from iai_daemon.agenda.recall import NewRun, Occurrence, Planned, Status
from iai_daemon.agenda.slot import Update
from iai_daemon.agenda.store.postgres.part import PostgresPart
from iai_daemon.agenda.store.recalls import Decisions, Defer, Due, Settle
from iai_daemon.agenda.store.sql.agenda import SqlAgenda
from iai_daemon.agenda.store.sql.occurrences import as_row
from iai_daemon.agenda.store.sql.slots import SqlSlots
from iai_daemon.storage.postgres.locks import LOCKS, Lock

_AT_WORK = """
SELECT recalls.session_id, recalls.id AS recall, MIN(COALESCE(runs.started_at, occurrences.next_try_at)) AS since
FROM recalls
JOIN occurrences ON occurrences.recall = recalls.id AND occurrences.settled_at IS NULL
    AND occurrences.state IN ('claimed', 'running')
LEFT JOIN runs ON runs.occurrence = occurrences.id AND runs.ended_at IS NULL
WHERE recalls.session_id IN (SELECT value FROM json_each(:sessions))
GROUP BY recalls.session_id, recalls.id ORDER BY recalls.id
"""


_CLAIM = """
UPDATE occurrences
SET state = 'claimed', holder = :holder,
    lease_until = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT) + :lease
WHERE id = ANY(CAST(:ids AS BIGINT[])) AND state = 'planned'
"""
# What has a claim is at work; RETURNING says which sessions that has made free.
_AT_WORK_NOW = """
UPDATE recalls SET status = 'running', reason = NULL, updated_at = :now
FROM recalls AS before
WHERE before.id = recalls.id AND recalls.id = ANY(CAST(:ids AS BIGINT[]))
AND recalls.status IN ('pending', 'waiting', 'fired', 'failed')
RETURNING recalls.session_id, before.status
"""
_NEXT_ONES = """
UPDATE recalls SET status = 'pending', updated_at = :now
WHERE id IN (
    SELECT MIN(id) FROM recalls
    WHERE session_id = ANY(CAST(:sessions AS TEXT[])) AND status = 'waiting' GROUP BY session_id
)
AND NOT EXISTS (
    SELECT 1 FROM recalls AS other WHERE other.session_id = recalls.session_id AND other.status = 'pending'
)
"""


@dataclass(frozen=True, slots=True)
class _Claim:
    due: Due
    holder: str
    lease: int
    following: Planned | None


class PostgresAgenda(PostgresPart, SqlAgenda):
    """An AgendaStore that several daemons share."""

    def _dues(self, occurrences: Sequence[int]) -> list[Due]:
        """With what is at work in their sessions, wherever that is."""
        found = super()._dues(occurrences)
        sessions = sorted({each.recall.session_id for each in found})
        at_work: dict[str, dict[int, int]] = {}
        for row in self._all(_AT_WORK, {"sessions": json.dumps(sessions)}) if found else ():
            at_work.setdefault(row["session_id"], {})[row["recall"]] = row["since"]
        return [_with_others(each, at_work.get(each.recall.session_id, {})) for each in found]

    @contextlib.contextmanager
    def _decisions(self, due: Sequence[Due], now: int) -> Iterator[Decisions]:
        """All claims are carried out at once, in a few questions."""
        claims: dict[int, _Claim] = {}
        settled: set[int] = set()
        cancelled: set[int] = set()
        with super()._decisions(due, now) as one_by_one:

            def claim(what: Due, holder: str, lease: int, following: Planned | None) -> bool:
                occurrence = what.occurrence.id
                if occurrence in claims or occurrence in settled or what.recall.id in cancelled:
                    return False
                claims[occurrence] = _Claim(what, holder, lease, following)
                return True

            def change(what: Settle | Defer) -> None:
                settled.add(what.occurrence)
                one_by_one.change(what)

            def cancel(what: Due, reason: str) -> None:
                cancelled.add(what.recall.id)
                one_by_one.cancel(what, reason)

            yield Decisions(due, claim, change, cancel)
            self._carry_out_claims(list(claims.values()), now)

    def _carry_out_claims(self, claims: Sequence[_Claim], now: int) -> None:
        """Within the transaction that holds their sessions."""
        for holder, lease in {(each.holder, each.lease) for each in claims}:
            ids = [each.due.occurrence.id for each in claims if (each.holder, each.lease) == (holder, lease)]
            self._all(_CLAIM, {"ids": ids, "holder": holder, "lease": lease})
        for each in claims:
            self._go_on(each.due.recall.id, each.due.occurrence.scheduled_for, each.following)
        if claims:
            at_work = {"ids": [each.due.recall.id for each in claims], "now": now}
            free = [
                row["session_id"]
                for row in self._all(_AT_WORK_NOW, at_work)
                if row["status"] == Status.PENDING
            ]
            self._all(_NEXT_ONES, {"sessions": free, "now": now})

    def begin(self, occurrence: int, holder: str, run: NewRun, now: int) -> int | None:
        # In one question: it is the most frequent of all.
        found = self._first(
            """
            WITH begun AS (
                UPDATE occurrences SET state = 'running'
                WHERE id = :occurrence AND state = 'claimed' AND holder = :holder
                RETURNING id
            )
            INSERT INTO runs (occurrence, agent, session_id, token_hash, started_at)
            SELECT id, :agent, :session_id, :token_hash, :now FROM begun
            RETURNING id
            """,
            {"occurrence": occurrence, "holder": holder, "now": now, **as_row(run)},
        )
        return None if found is None else int(found["id"])

    def recover(self, holder: str, reason: str, now: int, *, alone: bool) -> list[Occurrence]:
        # Where the answer to a transaction was lost, its holder may not know what is his: he does not renew that.
        return super().recover(holder if alone else "", reason, now, alone=alone)


def _with_others(due: Due, at_work: dict[int, int]) -> Due:
    others = [recall for recall in at_work if recall != due.recall.id]
    return replace(due, running_since=at_work.get(due.recall.id), busy_with=others[0] if others else None)


class PostgresSlots(PostgresPart, SqlSlots):
    """A SlotStore that several daemons share: one changes slots at a time, and one tells the backend."""

    @contextlib.contextmanager
    def _writing(self, *, at_once: bool = False) -> Iterator[None]:
        with super()._writing(at_once=at_once):
            # Before any session: whoever holds those does not wait for this.
            self._all(
                "SELECT pg_advisory_xact_lock(:locks, :agenda)",
                {"locks": LOCKS, "agenda": int(Lock.AGENDA)},
            )
            yield

    def news(self, holder: str) -> Update | None:
        first = next(iter(self.outbox(1)), None)
        if first is None:
            return None
        taken = self._first(
            """
            SELECT 1 FROM slot_updates
            WHERE id = :id AND teller <> :holder AND told_until > clock_timestamp()
            """,
            {"id": first.id, "holder": holder},
        )
        return first if taken is None else None

    def take_news(self, holder: str, seconds: float) -> Update | None:
        with self._writing():
            found = self.news(holder)
            if found is not None:
                self._database.execute(
                    """
                    UPDATE slot_updates SET teller = :holder, told_until = clock_timestamp() + make_interval(secs => :seconds)
                    WHERE id = :id
                    """,
                    {"id": found.id, "holder": holder, "seconds": seconds},
                )
            return found
