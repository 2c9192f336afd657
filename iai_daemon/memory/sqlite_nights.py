"""The night's side of the embedded store. The protocol, with the meaning of every method, is in nights.py."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from iai_daemon.errors import NoBackup
from iai_daemon.memory.nights import Applied, Batch, Change, Outlook, Vector, Wanted
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sqlite_diary import SqliteDiary
from iai_daemon.storage.sqlite import translated

_Row = dict[str, object]

# What a night may set. A text is never among them: what a user said stays as it was said.
_SETTABLE = frozenset({"valid_to", "superseded_by", "merged_into", "expired_at", "archived_at"})
_PAGES_A_STEP = 512


class SqliteNights(SqliteDiary):
    """A NightStore on one connection."""

    # What there is to do.

    def outlook(self, wanted: Wanted, now: int) -> Outlook:
        row, *_ = self._all(
            """
            SELECT
                (:expiry AND EXISTS (
                    SELECT 1 FROM records
                    WHERE expires_at IS NOT NULL AND expires_at <= :now
                    AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                    AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                    AND (:taken_back OR NOT EXISTS (
                        SELECT 1 FROM taken_back
                        WHERE pass = 'expire' AND record = records.id AND revision = records.revision
                    ))
                ))
                OR EXISTS (
                    SELECT 1 FROM records
                    WHERE change > (
                        SELECT MIN(COALESCE(position, 0)) FROM json_each(:cursors)
                        LEFT JOIN cursors ON pass = value
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
                    WHERE pass IN (SELECT value FROM json_each(:cursors))
                ))
                OR EXISTS (SELECT 1 FROM nights WHERE ended_at IS NULL) AS work,
                (SELECT COUNT(*) FROM records) AS total,
                IIF(:model IS NULL, 0, (SELECT COUNT(*) FROM vectors WHERE model = :model)) AS embedded
            """,
            {
                "expiry": wanted.expiry,
                "now": now,
                "taken_back": wanted.taken_back,
                "cursors": json.dumps(list(wanted.cursors)),
                "model": wanted.model,
            },
        )
        return Outlook(bool(row["work"]), row["total"], row["embedded"])

    def cursor(self, name: str) -> int:
        row = self._first("SELECT position FROM cursors WHERE pass = :name", {"name": name})
        return row["position"] if row else 0

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
        self, keys: Sequence[tuple[str, str, str]], limit: int, *, pass_name: str, taken_back: bool
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
                AND (:taken_back OR NOT EXISTS (
                    SELECT 1 FROM taken_back
                    WHERE pass = :pass AND record = records.id AND revision = records.revision
                ))
                ORDER BY valid_from, id LIMIT :limit
                """,
                {
                    "subject": subject,
                    "attribute": attribute,
                    "scope": scope,
                    "taken_back": taken_back,
                    "pass": pass_name,
                    "limit": limit - len(found),
                },
            )
        return found

    def without_vector(self, records: Sequence[int], model: str) -> frozenset[int]:
        rows = self._all(
            """
            SELECT value AS id FROM json_each(:records)
            WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE record = value AND model = :model)
            """,
            {"records": json.dumps(list(records)), "model": model},
        )
        return frozenset(row["id"] for row in rows)

    # What is done.

    def apply(self, night: int, round_number: int, pass_name: str, batch: Batch, now: int) -> Applied:
        with self._writing():
            fitting = [(change, row) for change in batch.changes if (row := self._fits(change)) is not None]
            for change, before in fitting:
                self._carry_out(change, before, (night, round_number, pass_name), now)
            done = [change.record for change, _ in fitting]
            self._connection.executemany(
                "DELETE FROM taken_back WHERE pass = ? AND record = ?",
                [(pass_name, record) for record in {*done, *batch.lifted}],
            )
            embedded = sum(self._store(vector) for vector in batch.vectors)
            if batch.cursor is not None and batch.position is not None:
                self._connection.execute(
                    """
                    INSERT INTO cursors (pass, position) VALUES (?, ?)
                    ON CONFLICT (pass) DO UPDATE SET position = excluded.position
                    """,
                    (batch.cursor, batch.position),
                )
        return Applied(len(fitting), embedded, len(batch.changes) - len(fitting))

    def _fits(self, change: Change) -> _Row | None:
        """The row that the change was planned on; None when it, or one that the change rests on, has moved on."""
        for record, revision in change.rests_on.items():
            other = self._row(record)
            if other is None or other["revision"] != revision:
                return None
        row = self._row(change.record)
        return row if row is not None and row["revision"] == change.revision else None

    def _carry_out(self, change: Change, before: _Row, place: tuple[int, int, str], now: int) -> None:
        if not _SETTABLE.issuperset(change.sets):
            raise ValueError(f"a night may not set {', '.join(set(change.sets) - _SETTABLE)}")
        after = {**before, **change.sets, "revision": change.revision + 1}
        self._connection.execute(
            """
            UPDATE records
            SET valid_to = :valid_to, superseded_by = :superseded_by, merged_into = :merged_into,
                expired_at = :expired_at, archived_at = :archived_at, revision = :revision
            WHERE id = :id
            """,
            after,
        )
        self._connection.execute(
            """
            INSERT INTO journal (night, round, pass, change_id, effect, record, reason, before, after, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                *place,
                change.change_id,
                change.effect,
                change.record,
                change.reason,
                _to_json(before),
                _to_json(after),
                now,
            ),
        )

    def _store(self, vector: Vector) -> int:
        """1 when it was stored, 0 when its record is gone."""
        return self._connection.execute(
            """
            INSERT INTO vectors (record, model, dimension, vector)
            SELECT id, :model, :dimension, :data FROM records WHERE id = :record
            ON CONFLICT (record, model) DO UPDATE SET dimension = excluded.dimension, vector = excluded.vector
            """,
            {
                "record": vector.record,
                "model": vector.model,
                "dimension": vector.dimension,
                "data": vector.data,
            },
        ).rowcount

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
                self._connection.execute(
                    "INSERT INTO facts (name, value) VALUES ('first_started_at', :now) ON CONFLICT DO NOTHING",
                    {"now": str(now)},
                )
            row = self._first(known, {})
        return now if row is None else int(row["value"])

    def back_up(self, path: Path, may_go_on: Callable[[], bool]) -> bool:
        def ask(_status: int, _remaining: int, _total: int) -> None:
            if not may_go_on():
                raise _Interrupted

        try:
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as copy:
                # Inside a transaction the copy is one moment's; outside, every write by a user would start it anew.
                with self._reading():
                    self._connection.backup(copy, pages=_PAGES_A_STEP, progress=ask)
                # A backup is one file: it says in its header that it has no write-ahead log.
                copy.execute("PRAGMA journal_mode = DELETE")
        except _Interrupted:
            return False
        except sqlite3.Error as cause:
            raise NoBackup(path=path.parent, cause=cause) from cause
        return True

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[SqliteNights]:
        # An empty name makes a database that is this connection's own, on disk only as far as it does not fit into memory.
        with contextlib.closing(sqlite3.connect("", isolation_level=None)) as copy:
            copy.row_factory = sqlite3.Row
            with translated(self._path):
                self._connection.backup(copy)
            yield SqliteNights(copy, self._path)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        """One transaction that sees one moment."""
        self._connection.execute("BEGIN")
        try:
            self._connection.execute("SELECT 1 FROM facts").fetchone()
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _records(self, sql: str, parameters: Mapping[str, object]) -> list[Record]:
        return [from_row(dict(row)) for row in self._all(sql, parameters)]


class _Interrupted(Exception):
    """The only way out of sqlite3's backup is an exception."""


def _to_json(row: _Row) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))
