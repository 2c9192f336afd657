"""What nights planned and did not do yet, and what keeps passes from running, in a store.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from iai_daemon.memory.nights import Addition, Change, Held, HeldRow, Hindrance, Why
from iai_daemon.memory.record import Draft
from iai_daemon.memory.sql.diary import SqlDiary
from iai_daemon.memory.sql.part import all_or
from iai_daemon.storage.database import Row

# Where a change is made or planned: the night, the round, the pass.
Place = tuple[int, int, str]


class SqlHeld(SqlDiary):
    """The part of a NightStore that is about what waits."""

    def held(
        self,
        *,
        night: int | None = None,
        pass_name: str | None = None,
        why: Why | None = None,
        record: int | None = None,
        limit: int | None = None,
    ) -> list[HeldRow]:
        rows = self._all(
            """
            SELECT * FROM held
            WHERE (:night IS NULL OR night = :night) AND (:pass IS NULL OR pass = :pass)
            AND (:why IS NULL OR why = :why) AND (:record IS NULL OR record = :record)
            ORDER BY rowid LIMIT :limit
            """,
            {"night": night, "pass": pass_name, "why": why, "record": record, "limit": all_or(limit)},
        )
        return [_held(row) for row in rows]

    def count_held(self, night: int) -> dict[tuple[int, Why], int]:
        rows = self._all(
            "SELECT round, why, COUNT(*) AS n FROM held WHERE night = :night GROUP BY round, why",
            {"night": night},
        )
        return {(row["round"], Why(row["why"])): row["n"] for row in rows}

    def waiting(self) -> dict[Why, int]:
        return {
            Why(row["why"]): row["n"]
            for row in self._all("SELECT why, COUNT(*) AS n FROM held GROUP BY why", {})
        }

    def _release(self, planned: Sequence[Change | Addition], moved_on: Sequence[Change]) -> None:
        """These wait no longer. One whose record has moved on meanwhile is looked at again by its pass."""
        for change in moved_on:
            self._database.execute(
                """
                UPDATE records SET change = (SELECT change FROM next_change)
                WHERE id = :record AND EXISTS (SELECT 1 FROM held WHERE change_id = :change)
                """,
                {"record": change.record, "change": change.change_id},
            )
        self._database.executemany(
            "DELETE FROM held WHERE change_id = ?", [(each.change_id,) for each in planned]
        )

    def _hold(self, held: Held, place: Place, now: int) -> None:
        """Keep one; the same plan of a later night takes the place of the earlier one."""
        planned = held.planned
        record, revision = (planned.record, planned.revision) if isinstance(planned, Change) else (None, None)
        self._database.execute(
            """
            INSERT INTO held (night, round, pass, change_id, why, effect, record, revision, reason, plan, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (change_id) DO UPDATE SET
                night = excluded.night, round = excluded.round, why = excluded.why, revision = excluded.revision,
                reason = excluded.reason, plan = excluded.plan, at = excluded.at
            """,
            (
                *place,
                planned.change_id,
                held.why,
                planned.effect,
                record,
                revision,
                planned.reason,
                _to_plan(planned),
                now,
            ),
        )

    def hindrances(self) -> dict[str, Hindrance]:
        return {
            row["pass"]: Hindrance(
                row["failures"], row["deferrals"], row["not_before"], row["portion"], row["reason"]
            )
            for row in self._all("SELECT * FROM hindrances", {})
        }

    def hinder(self, pass_name: str, hindrance: Hindrance | None) -> None:
        with self._writing():
            if hindrance is None:
                self._database.execute("DELETE FROM hindrances WHERE pass = ?", (pass_name,))
                return
            self._database.execute(
                """
                INSERT INTO hindrances (pass, failures, deferrals, not_before, portion, reason)
                VALUES (:pass, :failures, :deferrals, :not_before, :portion, :reason)
                ON CONFLICT (pass) DO UPDATE SET
                    failures = excluded.failures, deferrals = excluded.deferrals,
                    not_before = excluded.not_before, portion = excluded.portion, reason = excluded.reason
                """,
                {"pass": pass_name, **asdict(hindrance)},
            )


def _to_plan(planned: Change | Addition) -> str:
    plan: dict[str, Any] = {"rests_on": list(planned.rests_on.items())}
    if isinstance(planned, Change):
        plan |= {"sets": dict(planned.sets), "inferred": planned.inferred}
    else:
        draft = asdict(planned.draft)
        del draft["redacted"]
        plan |= {
            "draft": draft,
            "sources": list(planned.sources),
            "replaces": list(planned.replaces.items()),
        }
    return json.dumps(plan, ensure_ascii=False, separators=(",", ":"))


def _held(row: Row) -> HeldRow:
    plan = json.loads(row["plan"])
    rests_on = {int(record): int(revision) for record, revision in plan["rests_on"]}
    planned: Change | Addition
    if row["record"] is None:
        draft = Draft(**{**plan["draft"], "tags": tuple(plan["draft"]["tags"])})
        planned = Addition(
            change_id=row["change_id"],
            effect=row["effect"],
            draft=draft,
            reason=row["reason"],
            rests_on=rests_on,
            sources=tuple(plan.get("sources", ())),
            replaces={int(record): int(revision) for record, revision in plan.get("replaces", ())},
        )
    else:
        planned = Change(
            change_id=row["change_id"],
            effect=row["effect"],
            record=row["record"],
            revision=row["revision"],
            reason=row["reason"],
            sets=plan["sets"],
            rests_on=rests_on,
            inferred=plan["inferred"],
        )
    return HeldRow(row["night"], row["round"], row["pass"], planned, Why(row["why"]), row["at"])
