"""How what a pass has planned is written, batch by batch, with the journal.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from iai_daemon.memory.nights import (
    RENEWED,
    SETTABLE,
    Addition,
    Applied,
    Batch,
    Change,
    Held,
    Link,
    LinkKind,
    SelfCheck,
    Vector,
    Why,
)
from iai_daemon.memory.sql.contradictions import SqlContradictions
from iai_daemon.memory.sql.held import Place, SqlHeld
from iai_daemon.memory.sql.part import to_json

_Row = dict[str, object]


class SqlBatches(SqlHeld, SqlContradictions):
    """The part of a NightStore that carries out."""

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
            self._move_cursor(batch)
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

    def _move_cursor(self, batch: Batch) -> None:
        if batch.cursor is not None and batch.position is not None:
            self._database.execute(
                """
                INSERT INTO cursors (pass, position) VALUES (?, ?)
                ON CONFLICT (pass) DO UPDATE SET position = excluded.position
                """,
                (batch.cursor, batch.position),
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
