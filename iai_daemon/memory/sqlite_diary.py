"""The diary of the embedded store: nights, what each of them changed, and how that is taken back.

The protocol, with the meaning of every method, is in nights.py.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from iai_daemon.errors import NoSuchNight
from iai_daemon.memory.nights import ASKED, JournalEntry, NightRow, Undone
from iai_daemon.memory.sqlite_part import SqlitePart

_Row = dict[str, object]


class SqliteDiary(SqlitePart):
    """The part of a NightStore that is about nights."""

    def begin_night(self, kind: str, rule: str, now: int) -> int:
        with self._writing():
            added = self._connection.execute(
                "INSERT INTO nights (kind, rule, started_at) VALUES (?, ?, ?)", (kind, rule, now)
            )
        return int(added.lastrowid or 0)

    def end_night(
        self, night: int, outcome: str, reason: str | None, report: Mapping[str, object], now: int
    ) -> None:
        with self._writing():
            self._connection.execute(
                "UPDATE nights SET ended_at = ?, outcome = ?, reason = ?, report = ? WHERE id = ?",
                (now, outcome, reason, json.dumps(report, ensure_ascii=False), night),
            )

    def nights(self, limit: int | None = None) -> list[NightRow]:
        rows = self._all(
            "SELECT * FROM (SELECT * FROM nights ORDER BY id DESC LIMIT :limit) ORDER BY id",
            {"limit": -1 if limit is None else limit},
        )
        return [_night(row) for row in rows]

    def unfinished_nights(self) -> list[NightRow]:
        return [
            _night(row) for row in self._all("SELECT * FROM nights WHERE ended_at IS NULL ORDER BY id", {})
        ]

    def night(self, night: int) -> NightRow:
        row = self._first("SELECT * FROM nights WHERE id = :id", {"id": night})
        if row is None:
            raise NoSuchNight(id=night)
        return _night(row)

    def last_completed(self, *, kind: str | None = None, asked: bool | None = None) -> NightRow | None:
        row = self._first(
            """
            SELECT * FROM nights WHERE outcome = 'completed'
            AND (:kind IS NULL OR kind = :kind) AND (:asked IS NULL OR (rule = :rule) = :asked)
            ORDER BY id DESC LIMIT 1
            """,
            {"kind": kind, "asked": asked, "rule": ASKED},
        )
        return None if row is None else _night(row)

    def effects(self, night: int) -> dict[tuple[int, str], int]:
        rows = self._all(
            """
            SELECT round, effect, COUNT(*) AS n FROM journal WHERE night = :night
            GROUP BY round, effect ORDER BY round, effect
            """,
            {"night": night},
        )
        return {(row["round"], row["effect"]): row["n"] for row in rows}

    def journal(self, *, night: int | None = None, record: int | None = None) -> list[JournalEntry]:
        if record is not None:
            rows = self._all(
                "SELECT * FROM journal WHERE record = :record AND (:night IS NULL OR night = :night) ORDER BY id",
                {"night": night, "record": record},
            )
        else:
            rows = self._all("SELECT * FROM journal WHERE night = :night ORDER BY id", {"night": night})
        return [_entry(row) for row in rows]

    def last_entry(self, night: int) -> JournalEntry | None:
        row = self._first(
            "SELECT * FROM journal WHERE night = :night ORDER BY id DESC LIMIT 1", {"night": night}
        )
        return None if row is None else _entry(row)

    def undo(self, night: int, now: int, *, force: bool) -> Undone:
        with self._writing():
            self.night(night)
            back, changed, gone = [], [], []
            for span in self._spans(night):
                row = self._row(span["record"])
                if row is None:
                    gone.append(span["record"])
                    continue
                back.append(span["first"])
                if _lasting(row) != _lasting(self._image(span["last"], "after")):
                    changed.append(span["record"])
            if changed and not force:
                return Undone(0, changed, gone)
            self._put_back(back)
            self._remember(night, now)
        return Undone(len(back), changed, gone)

    def _spans(self, night: int) -> list[sqlite3.Row]:
        """Each record that the night changed, with its first and its last journal row."""
        return self._all(
            """
            SELECT record, MIN(id) AS first, MAX(id) AS last FROM journal
            WHERE night = :night AND undone_at IS NULL GROUP BY record
            """,
            {"night": night},
        )

    def _image(self, entry: int, which: str) -> _Row:
        """The record's row `before` or `after` one journal row. One at a time: a night may hold more than memory does."""
        row = self._all("SELECT before, after FROM journal WHERE id = :id", {"id": entry})[0]
        image: _Row = json.loads(row[which])
        return image

    def _put_back(self, entries: list[int]) -> None:
        """Whole rows, each as a write of its own by the user: the next passes look at it again."""
        last = self._all("SELECT COALESCE(MAX(change), 0) AS change FROM records", {})[0]["change"]
        self._connection.executemany(
            """
            UPDATE records
            SET external_id = :external_id, content = :content, kind = :kind, subject = :subject,
                attribute = :attribute, scope = :scope, tags = :tags, source = :source, session = :session,
                created_at = :created_at, expires_at = :expires_at, valid_from = :valid_from,
                valid_to = :valid_to, superseded_by = :superseded_by, merged_into = :merged_into,
                expired_at = :expired_at, archived_at = :archived_at, forgotten_at = :forgotten_at,
                revision = :revision, change = :change
            WHERE id = :id
            """,
            (
                {**self._image(entry, "before"), "change": last + place}
                for place, entry in enumerate(entries, 1)
            ),
        )

    def _remember(self, night: int, now: int) -> None:
        """What was taken back, so that nights leave it alone, and that this night is undone."""
        self._connection.execute(
            """
            INSERT INTO taken_back (pass, record, revision)
            SELECT DISTINCT journal.pass, journal.record, records.revision
            FROM journal JOIN records ON records.id = journal.record
            WHERE journal.night = :night AND journal.undone_at IS NULL
            ON CONFLICT (record, pass) DO UPDATE SET revision = excluded.revision
            """,
            {"night": night},
        )
        self._connection.execute(
            "UPDATE journal SET undone_at = :now WHERE night = :night AND undone_at IS NULL",
            {"night": night, "now": now},
        )
        self._connection.execute(
            "UPDATE nights SET undone_at = :now WHERE id = :night", {"night": night, "now": now}
        )


def _lasting(row: _Row) -> _Row:
    """All of a row but its place in the sequence of users' writes, which an undo moves on."""
    return {name: value for name, value in row.items() if name != "change"}


def _night(row: sqlite3.Row) -> NightRow:
    values = dict(row)
    values["report"] = None if row["report"] is None else json.loads(row["report"])
    return NightRow(**values)


def _entry(row: sqlite3.Row) -> JournalEntry:
    values = dict(row)
    values["pass_name"] = values.pop("pass")
    values["before"] = None if row["before"] is None else json.loads(row["before"])
    values["after"] = json.loads(row["after"])
    return JournalEntry(**values)
