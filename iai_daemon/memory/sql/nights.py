"""The night's side of a store. The protocol, with the meaning of every method, is in nights.py."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from iai_daemon.memory.nights import (
    MAINTAINED_FOR,
    QUARANTINE,
    RENEWED,
    SETTABLE,
    Addition,
    Applied,
    Batch,
    Change,
    Held,
    Link,
    LinkKind,
    Outlook,
    SelfCheck,
    Vector,
    Wanted,
    Why,
)
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sql.held import Place, SqlHeld
from iai_daemon.memory.sql.likeness import SqlLikeness
from iai_daemon.memory.sql.links import SqlLinks
from iai_daemon.memory.sql.part import to_json, with_beside
from iai_daemon.memory.strength import UNUSED_FOR

_Row = dict[str, object]

_OUTLOOK = """
WITH wanted AS (
    SELECT key AS pass, value AS cursor FROM json_each(:passes)
    WHERE NOT EXISTS (
        SELECT 1 FROM hindrances
        WHERE hindrances.pass = key AND not_before > :now
        AND (failures >= :quarantine OR NOT :taken_back)
    )
    AND NOT (key = 'maintain' AND EXISTS (
        SELECT 1 FROM facts
        WHERE name = 'maintained_at' AND CAST(value AS BIGINT) <= :now
        AND CAST(value AS BIGINT) > :now - :maintained_for
    ))
)
SELECT
    (EXISTS (SELECT 1 FROM wanted WHERE pass = 'expire') AND EXISTS (
        SELECT 1 FROM records
        WHERE expires_at IS NOT NULL AND expires_at <= :now
        AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
        AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
        AND (:taken_back OR NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'expire' AND record = records.id AND revision = records.revision
        ))
        AND NOT EXISTS (
            SELECT 1 FROM held
            WHERE pass = 'expire' AND record = records.id AND revision = records.revision
        )
    ))
    OR EXISTS (
        SELECT 1 FROM records
        WHERE change > (
            SELECT MIN(COALESCE(position, 0)) FROM wanted
            LEFT JOIN cursors ON cursors.pass = wanted.cursor WHERE wanted.cursor IS NOT NULL
        )
        AND (
            :taken_back
            OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE record = records.id AND revision = records.revision
            )
            OR (:model IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM vectors WHERE record = records.id AND model = :model
            ))
        )
    )
    OR (:taken_back AND EXISTS (
        SELECT 1 FROM taken_back
        JOIN records ON records.id = taken_back.record AND records.revision = taken_back.revision
        WHERE taken_back.pass IN (SELECT cursor FROM wanted)
    ))
    OR EXISTS (
        SELECT 1 FROM json_each(:inputs) AS input JOIN wanted ON wanted.pass = input.key
        WHERE input.value <> COALESCE(
            (SELECT value FROM pass_notes WHERE pass_notes.pass = input.key AND name = 'input'), ''
        )
    )
    OR (EXISTS (SELECT 1 FROM wanted WHERE pass = 'decay') AND EXISTS (
        SELECT 1 FROM disputed WHERE quiet_since <= :now - :unused_for
        AND (:taken_back OR NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'decay' AND record = disputed.record AND revision = disputed.revision
        ))
        AND NOT EXISTS (
            SELECT 1 FROM held
            WHERE pass = 'decay' AND record = disputed.record AND revision = disputed.revision
        )
    ))
    OR (EXISTS (SELECT 1 FROM wanted WHERE pass = 'summarize') AND EXISTS (
        SELECT 1 FROM records
        JOIN links ON links.one = records.id AND links.kind = 'source' AND links.undone_at IS NULL
        JOIN records AS source ON source.id = links.other
        WHERE records.made_by = 'summarize'
        AND records.valid_to IS NULL AND records.superseded_by IS NULL AND records.merged_into IS NULL
        AND records.expired_at IS NULL AND records.archived_at IS NULL AND records.forgotten_at IS NULL
        AND (
            source.valid_to IS NOT NULL OR source.superseded_by IS NOT NULL OR source.merged_into IS NOT NULL
            OR source.expired_at IS NOT NULL OR source.archived_at IS NOT NULL OR source.forgotten_at IS NOT NULL
        )
        AND NOT EXISTS (
            SELECT 1 FROM taken_back
            WHERE pass = 'summarize' AND record = records.id AND revision = records.revision
        )
        AND NOT EXISTS (SELECT 1 FROM held WHERE pass = 'summarize')
    ))
    OR (:taken_back AND EXISTS (
        SELECT 1 FROM links
        JOIN records AS a ON a.id = links.one JOIN records AS b ON b.id = links.other
        WHERE links.undone_at IS NOT NULL AND links.pass IN (SELECT pass FROM wanted) AND links.kind = 'related'
        AND a.valid_to IS NULL AND a.superseded_by IS NULL AND a.merged_into IS NULL
        AND a.expired_at IS NULL AND a.archived_at IS NULL AND a.forgotten_at IS NULL
        AND b.valid_to IS NULL AND b.superseded_by IS NULL AND b.merged_into IS NULL
        AND b.expired_at IS NULL AND b.archived_at IS NULL AND b.forgotten_at IS NULL
    ))
    OR EXISTS (SELECT 1 FROM held WHERE why = 'budget' AND pass IN (SELECT pass FROM wanted))
    OR EXISTS (SELECT 1 FROM nights WHERE ended_at IS NULL) AS work,
    (SELECT COUNT(*) FROM records) AS total,
    (SELECT COUNT(*) FROM vectors WHERE model = :model) AS embedded
"""


class SqlNights(SqlHeld, SqlLikeness, SqlLinks):
    """A NightStore, but for what keeps the engine itself well."""

    # What there is to do.

    def outlook(self, wanted: Wanted, now: int) -> Outlook:
        row, *_ = self._all(
            _OUTLOOK,
            {
                "passes": json.dumps(dict(wanted.passes)),
                "now": now,
                "quarantine": QUARANTINE,
                "maintained_for": MAINTAINED_FOR,
                "unused_for": UNUSED_FOR,
                "taken_back": wanted.taken_back,
                "model": wanted.model,
                "inputs": json.dumps(dict(wanted.inputs)),
            },
        )
        return Outlook(bool(row["work"]), row["total"], row["embedded"])

    def cursor(self, name: str) -> int:
        row = self._first("SELECT position FROM cursors WHERE pass = :name", {"name": name})
        return row["position"] if row else 0

    def notes(self, pass_name: str) -> dict[str, str]:
        rows = self._all("SELECT name, value FROM pass_notes WHERE pass = :pass", {"pass": pass_name})
        return {row["name"]: row["value"] for row in rows}

    def made_by(self, pass_name: str) -> list[Record]:
        return self._records(
            """
            SELECT * FROM records WHERE made_by = :pass
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            ORDER BY id
            """,
            {"pass": pass_name},
        )

    def count_changed_since(self, position: int) -> int:
        row, *_ = self._all(
            "SELECT COUNT(*) AS n FROM records WHERE change > :position", {"position": position}
        )
        return int(row["n"])

    def changed_since(self, position: int, limit: int) -> list[Record]:
        return self._records(
            "SELECT * FROM records WHERE change > :position ORDER BY change LIMIT :limit",
            {"position": position, "limit": limit},
        )

    def count_due_to_expire(self, now: int) -> int:
        row, *_ = self._all(
            """
            SELECT COUNT(*) AS n FROM records
            WHERE expires_at IS NOT NULL AND expires_at <= :now
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            """,
            {"now": now},
        )
        return int(row["n"])

    def due_to_expire(self, now: int, limit: int, *, taken_back: bool) -> list[Record]:
        return self._records(
            """
            SELECT * FROM records
            WHERE expires_at IS NOT NULL AND expires_at <= :now
            AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
            AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND (:taken_back OR NOT EXISTS (
                SELECT 1 FROM taken_back
                WHERE pass = 'expire' AND record = records.id AND revision = records.revision
            ))
            AND NOT EXISTS (
                SELECT 1 FROM held
                WHERE pass = 'expire' AND record = records.id AND revision = records.revision
            )
            ORDER BY expires_at, id LIMIT :limit
            """,
            {"now": now, "limit": limit, "taken_back": taken_back},
        )

    def taken_back(self, pass_name: str, limit: int) -> list[Record]:
        return self._records(
            """
            SELECT records.* FROM taken_back
            JOIN records ON records.id = taken_back.record AND records.revision = taken_back.revision
            WHERE taken_back.pass = :pass ORDER BY taken_back.record LIMIT :limit
            """,
            {"pass": pass_name, "limit": limit},
        )

    def same_key(
        self, keys: Sequence[tuple[str, str, str]], now: int, limit: int, *, pass_name: str, taken_back: bool
    ) -> list[Record]:
        found: list[Record] = []
        for subject, attribute, scope in keys:
            if len(found) == limit:
                break
            found += self._records(
                """
                SELECT * FROM records
                WHERE subject = :subject AND attribute = :attribute AND scope = :scope
                AND subject IS NOT NULL AND attribute IS NOT NULL
                AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                AND (expires_at IS NULL OR expires_at > :now)
                AND (:taken_back OR NOT EXISTS (
                    SELECT 1 FROM taken_back
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                ))
                AND NOT EXISTS (
                    SELECT 1 FROM held
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                )
                ORDER BY valid_from, id LIMIT :limit
                """,
                {
                    "subject": subject,
                    "attribute": attribute,
                    "scope": scope,
                    "now": now,
                    "taken_back": taken_back,
                    "pass": pass_name,
                    "limit": limit - len(found),
                },
            )
        return found

    def followed(self, records: Sequence[int]) -> dict[int, Record]:
        rows = self._all(
            """
            WITH following AS MATERIALIZED (
                SELECT older.id AS one, (
                    SELECT id FROM records AS next
                    WHERE next.subject = older.subject AND next.attribute = older.attribute AND next.scope = older.scope
                    AND next.subject IS NOT NULL AND next.attribute IS NOT NULL AND next.superseded_by IS NOT NULL
                    AND (next.valid_from, next.id) > (older.valid_from, older.id)
                    AND (next.expires_at IS NULL OR next.expires_at >= next.valid_to)
                    AND next.forgotten_at IS NULL
                    ORDER BY next.valid_from, next.id LIMIT 1
                ) AS next
                FROM records AS older WHERE older.id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            )
            SELECT following.one, newer.* FROM following JOIN records AS newer ON newer.id = following.next
            """,
            {"records": json.dumps(list(records))},
        )
        return {row["one"]: with_beside(row, "one")[0] for row in rows}

    def without_vector(self, records: Sequence[int], model: str) -> frozenset[int]:
        # Counted one by one: a join that was planned while there were no vectors yet would go on reading all of them.
        rows = self._all(
            """
            WITH asked AS MATERIALIZED (SELECT CAST(value AS BIGINT) AS id FROM json_each(:records))
            SELECT id FROM asked
            WHERE (SELECT COUNT(*) FROM vectors WHERE record = asked.id AND model = :model) = 0
            """,
            {"records": json.dumps(list(records)), "model": model},
        )
        return frozenset(row["id"] for row in rows)

    # What is done.

    def apply(
        self,
        night: int,
        round_number: int,
        pass_name: str,
        batch: Batch,
        now: int,
        self_check: SelfCheck | None = None,
    ) -> Applied:
        place = (night, round_number, pass_name)
        with self._writing():
            fitting, moved_on, wanted = self._sorted_out(batch)
            lost, held = self._lose([each for each in fitting if each.inferred], place, now, self_check)
            certain = [each for each in fitting if not each.inferred]
            self._carry_out(certain, place, now)
            added = [each for each in wanted if self._add(each, place, now, insists=batch.insists)]
            self._release([*batch.changes, *batch.additions], moved_on)
            for each in (*batch.held, *held):
                self._hold(each, place, now)
            done = [change.record for change in (*certain, *lost)]
            self._database.executemany(
                "DELETE FROM taken_back WHERE pass = ? AND record = ?",
                [(pass_name, record) for record in {*done, *batch.lifted}],
            )
            embedded = self._store(batch.vectors, place)
            linked = self._link(batch.links, place, now, insists=batch.insists)
            self._keep_notes(pass_name, batch.notes)
            self._contradict(batch.contradictions, now)
            if batch.cursor is not None and batch.position is not None:
                self._database.execute(
                    """
                    INSERT INTO cursors (pass, position) VALUES (?, ?)
                    ON CONFLICT (pass) DO UPDATE SET position = excluded.position
                    """,
                    (batch.cursor, batch.position),
                )
        left_out = {each.change_id for each in moved_on}
        left_out |= {each.change_id for each in batch.additions if each not in added}
        return Applied(
            len(done) + len(added), embedded, len(moved_on), len(lost), linked, frozenset(left_out)
        )

    def _sorted_out(self, batch: Batch) -> tuple[list[Change], list[Change], list[Addition]]:
        """The changes whose records, and all that they rest on, are still what they were planned on; those that have moved on;
        and the additions that still rest on what they did."""
        needed = [{change.record: change.revision, **change.rests_on} for change in batch.changes]
        needed += [{**each.rests_on, **each.replaces} for each in batch.additions]
        rows = self._rows({record for rests_on in needed for record in rests_on}) if needed else {}

        def stands(rests_on: Mapping[int, int]) -> bool:
            return all(
                record in rows and rows[record]["revision"] == revision
                for record, revision in rests_on.items()
            )

        fitting: list[Change] = []
        moved_on: list[Change] = []
        for change in batch.changes:
            fits = stands({change.record: change.revision}) and stands(change.rests_on)
            (fitting if fits else moved_on).append(change)
        wanted = [each for each in batch.additions if stands(each.rests_on) and stands(each.replaces)]
        return fitting, moved_on, wanted

    def _lose(
        self, losses: Sequence[Change], place: Place, now: int, self_check: SelfCheck | None
    ) -> tuple[list[Change], list[Held]]:
        """Carry out inferred losses; those after which search no longer finds what they concern are held instead."""
        made, held = [], []
        for change in losses:
            if self_check:
                self_check.before(change)
            self._database.execute("SAVEPOINT loss")
            self._carry_out([change], place, now)
            if self_check is None or self_check.stands(change):
                made.append(change)
            else:
                self._database.execute("ROLLBACK TO loss")
                held.append(Held(change, Why.RECALL))
            self._database.execute("RELEASE loss")
        return made, held

    def _add(self, addition: Addition, place: Place, now: int, *, insists: bool) -> bool:
        """False when its taking back still holds."""
        refused = self._first("SELECT 1 FROM refused WHERE change_id = :id", {"id": addition.change_id})
        if refused and not insists:
            return False
        self._database.execute("DELETE FROM refused WHERE change_id = ?", (addition.change_id,))
        record = self._insert(addition.draft, now, place[2])
        self._note([(addition, record, None)], place, now)
        made_from = [
            Link(addition.change_id, record, source, LinkKind.SOURCE, 1.0, addition.reason)
            for source in addition.sources
        ]
        self._link(made_from, place, now, insists=True)
        for older, revision in addition.replaces.items():
            self._renew(older, revision, record, addition, place, now)
        return True

    def _renew(
        self, older: int, revision: int, newer: int, addition: Addition, place: Place, now: int
    ) -> None:
        """What a night adds takes the place of what an earlier one had added."""
        began, ended = self._record(older).valid_from, self._record(newer).valid_from
        change = Change(
            f"{addition.change_id}:{older}",
            RENEWED,
            older,
            revision,
            f"made anew as {newer}",
            {"valid_to": max(began, ended), "superseded_by": newer},
            {},
        )
        self._carry_out([change], place, now)

    def _carry_out(self, changes: Sequence[Change], place: Place, now: int) -> None:
        for change in changes:
            if not SETTABLE.issuperset(change.sets):
                raise ValueError(f"a night may not set {', '.join(set(change.sets) - SETTABLE)}")
        for portion in _of_different_records(changes):
            before = self._rows(change.record for change in portion)
            self._database.executemany(
                """
                UPDATE records
                SET valid_to = :valid_to, superseded_by = :superseded_by, merged_into = :merged_into,
                    expired_at = :expired_at, archived_at = :archived_at, revision = :revision
                WHERE id = :id
                """,
                [
                    {**before[change.record], **change.sets, "revision": change.revision + 1}
                    for change in portion
                ],
            )
            self._note([(change, change.record, before[change.record]) for change in portion], place, now)

    def _note(
        self, done: Sequence[tuple[Change | Addition, int, _Row | None]], place: Place, now: int
    ) -> None:
        """The journal rows of changes that have just been made: each with its record and the row before; without one the record
        was added."""
        if not done:
            return
        after = self._rows(record for _, record, _ in done)
        self._database.executemany(
            """
            INSERT INTO journal (
                night, round, pass, change_id, effect, record, reason, before, after, at, inferred
            )
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                (
                    *place,
                    each.change_id,
                    each.effect,
                    record,
                    each.reason,
                    None if before is None else to_json(before),
                    to_json(after[record]),
                    now,
                    int(isinstance(each, Change) and each.inferred),
                )
                for each, record, before in done
            ],
        )

    def _link(self, links: Sequence[Link], place: Place, now: int, *, insists: bool) -> int:
        """How many are new: left out are those that are there already, whose taking back still holds, or of which one of the two
        is gone."""
        night, round_number, pass_name = place
        return self._database.executemany(
            """
            INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at)
            SELECT one.id, other.id, :kind, :weight, :reason, :change_id, :night, :round, :pass, :now
            FROM records AS one, records AS other WHERE one.id = :one AND other.id = :other
            ON CONFLICT (one, other, kind) DO UPDATE SET
                weight = excluded.weight, reason = excluded.reason, change_id = excluded.change_id,
                night = excluded.night, round = excluded.round, pass = excluded.pass, at = excluded.at,
                undone_at = NULL
            WHERE links.undone_at IS NOT NULL AND :insists
            """,
            [
                {
                    "one": link.one,
                    "other": link.other,
                    "kind": link.kind,
                    "weight": link.weight,
                    "reason": link.reason,
                    "change_id": link.change_id,
                    "night": night,
                    "round": round_number,
                    "pass": pass_name,
                    "now": now,
                    "insists": insists,
                }
                for link in links
            ],
        )

    def _keep_notes(self, pass_name: str, notes: Mapping[str, str | None]) -> None:
        gone = [(pass_name, name) for name, value in notes.items() if value is None]
        kept = [(pass_name, name, value) for name, value in notes.items() if value is not None]
        self._database.executemany("DELETE FROM pass_notes WHERE pass = ? AND name = ?", gone)
        self._database.executemany(
            """
            INSERT INTO pass_notes (pass, name, value) VALUES (?, ?, ?)
            ON CONFLICT (pass, name) DO UPDATE SET value = excluded.value
            """,
            kept,
        )

    def _store(self, vectors: Sequence[Vector], place: Place) -> int:
        """How many were stored: left out are those whose records are gone."""
        night, round_number, _ = place
        return self._database.executemany(
            """
            INSERT INTO vectors (record, model, dimension, vector, night, round)
            SELECT id, :model, :dimension, :data, :night, :round FROM records WHERE id = :record
            ON CONFLICT (record, model) DO UPDATE SET
                dimension = excluded.dimension, vector = excluded.vector,
                night = excluded.night, round = excluded.round
            """,
            [
                {
                    "night": night,
                    "round": round_number,
                    "record": vector.record,
                    "model": vector.model,
                    "dimension": vector.dimension,
                    "data": vector.data,
                }
                for vector in vectors
            ],
        )

    # The store as a whole.

    def counts(self, model: str | None = None) -> dict[str, int]:
        rows = self._all(
            """
            SELECT
                COUNT(*) AS total,
                COUNT(*) FILTER (
                    WHERE valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                    AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                ) AS current,
                COUNT(superseded_by) AS superseded,
                COUNT(merged_into) AS merged,
                COUNT(expired_at) AS expired,
                COUNT(archived_at) AS archived,
                COUNT(forgotten_at) AS forgotten,
                (SELECT COUNT(*) FROM vectors WHERE model = :model) AS embedded
            FROM records
            """,
            {"model": model},
        )
        return dict(rows[0])

    def first_started_at(self, now: int) -> int:
        known = "SELECT value FROM facts WHERE name = 'first_started_at'"
        row = self._first(known, {})
        if row is None:
            with self._writing():
                self._database.execute(
                    "INSERT INTO facts (name, value) VALUES ('first_started_at', :now) ON CONFLICT DO NOTHING",
                    {"now": str(now)},
                )
            row = self._first(known, {})
        return now if row is None else int(row["value"])

    def newest_change(self) -> int:
        (row,) = self._all("SELECT change - 1 AS newest FROM next_change", {})
        return int(row["newest"])

    def maintained_at(self) -> int | None:
        row = self._first("SELECT value FROM facts WHERE name = 'maintained_at'", {})
        return None if row is None else int(row["value"])

    def _records(self, sql: str, parameters: Mapping[str, object]) -> list[Record]:
        return [from_row(dict(row)) for row in self._all(sql, parameters)]


def _of_different_records(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """The same changes in their order, in portions none of which changes a record twice."""
    portion: dict[int, Change] = {}
    for change in changes:
        if change.record in portion:
            yield list(portion.values())
            portion = {}
        portion[change.record] = change
    if portion:
        yield list(portion.values())
