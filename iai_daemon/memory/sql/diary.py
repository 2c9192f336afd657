"""The diary of a store: nights, what each of them changed, and how that is taken back.

The protocol, with the meaning of every method, is in memory/nights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from iai_daemon.errors import NoSuchNight
from iai_daemon.memory.nights import ASKED, JournalEntry, NightRow, Undone
from iai_daemon.memory.sql.part import SqlPart, all_or
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Row

_Row = dict[str, object]
_TOLD_BY = ("change", "made_by", "client", "origin")
# An undo takes tenths of a millisecond for each record.
_TOLD_EVERY = 200


class SqlDiary(SqlPart):
    """The part of a NightStore that is about nights."""

    def begin_night(self, kind: str, rule: str, now: int) -> int:
        with self._writing():
            added = self._database.execute(
                "INSERT INTO nights (kind, rule, started_at) VALUES (?, ?, ?) RETURNING id", (kind, rule, now)
            ).fetchone()
        return int(added["id"])

    def end_night(
        self, night: int, outcome: str, reason: str | None, report: Mapping[str, object], now: int
    ) -> None:
        with self._writing():
            self._database.execute(
                "UPDATE nights SET ended_at = ?, outcome = ?, reason = ?, report = ? WHERE id = ?",
                (now, outcome, reason, json.dumps(report, ensure_ascii=False), night),
            )

    def nights(self, limit: int | None = None) -> list[NightRow]:
        rows = self._all(
            "SELECT * FROM (SELECT * FROM nights ORDER BY id DESC LIMIT :limit) AS newest ORDER BY id",
            {"limit": all_or(limit)},
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

    def journal(
        self, *, night: int | None = None, record: int | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        if record is not None:
            rows = self._all(
                """
                SELECT * FROM journal WHERE record = :record AND (:night IS NULL OR night = :night)
                ORDER BY id LIMIT :limit
                """,
                {"night": night, "record": record, "limit": all_or(limit)},
            )
        else:
            rows = self._all(
                "SELECT * FROM journal WHERE night = :night ORDER BY id LIMIT :limit",
                {"night": night, "limit": all_or(limit)},
            )
        return [_entry(row) for row in rows]

    def first_of(self, night: int, effect: str, limit: int) -> list[JournalEntry]:
        rows = self._all(
            """
            SELECT * FROM journal WHERE night = :night AND effect = :effect AND undone_at IS NULL
            ORDER BY id LIMIT :limit
            """,
            {"night": night, "effect": effect, "limit": limit},
        )
        return [_entry(row) for row in rows]

    def successions(self, record: int) -> list[JournalEntry]:
        rows = self._all(
            """
            SELECT * FROM journal
            WHERE COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into')) = :record
            ORDER BY id
            """,
            {"record": record},
        )
        return [entry for entry in map(_entry, rows) if _took_its_place(entry, record)]

    def embedded(self, night: int) -> dict[int, int]:
        rows = self._all(
            "SELECT round, COUNT(*) AS n FROM vectors WHERE night = :night GROUP BY round", {"night": night}
        )
        return {row["round"]: row["n"] for row in rows}

    def linked(self, night: int) -> dict[int, int]:
        rows = self._all(
            """
            SELECT round, COUNT(*) AS n FROM links WHERE night = :night AND kind = 'related' GROUP BY round
            """,
            {"night": night},
        )
        return {row["round"]: row["n"] for row in rows}

    def losses(self, night: int) -> int:
        (row,) = self._all(
            "SELECT COUNT(*) AS n FROM journal WHERE night = :night AND inferred = 1 AND undone_at IS NULL",
            {"night": night},
        )
        return int(row["n"])

    def last_entry(self, night: int) -> JournalEntry | None:
        row = self._first(
            "SELECT * FROM journal WHERE night = :night ORDER BY id DESC LIMIT 1", {"night": night}
        )
        return None if row is None else _entry(row)

    def undo(self, night: int, now: int, *, force: bool, tell: Tell = unheard) -> Undone:
        with self._writing():
            self.night(night)
            back, added, changed, gone = [], [], [], []
            spans = self._spans(night)
            for number, span in enumerate(spans, start=1):
                if number % _TOLD_EVERY == 0:
                    tell("comparing", number, len(spans))
                row = self._row(span["record"])
                if row is None:
                    gone.append(span["record"])
                    continue
                if span["added"]:
                    added.append(span["record"])
                elif _lasting(row) == _lasting(self._before(span["first"])):
                    continue  # with an earlier night it went back farther already
                else:
                    back.append(span["first"])
                if _lasting(row) != _lasting(self._image(span["last"], "after")):
                    changed.append(span["record"])
            leaning = self._leaning_on(added, night)
            if (changed or leaning) and not force:
                return Undone(0, [*changed, *leaning], gone)
            self._put_back(back, frozenset(added), tell)
            self._remember(night, now)
            self._hold_again(leaning)
            self._database.executemany("DELETE FROM records WHERE id = ?", [(each,) for each in added])
        return Undone(len(back) + len(added), [*changed, *leaning], gone)

    def _leaning_on(self, added: list[int], night: int) -> list[int]:
        """Records that something later has had replaced by what this night added."""
        rows = self._all(
            """
            SELECT id FROM records
            WHERE (superseded_by IN (SELECT CAST(value AS BIGINT) FROM json_each(:added))
                OR merged_into IN (SELECT CAST(value AS BIGINT) FROM json_each(:added)))
            AND id NOT IN (SELECT record FROM journal WHERE night = :night)
            ORDER BY id
            """,
            {"added": json.dumps(added), "night": night},
        )
        return [row["id"] for row in rows]

    def _spans(self, night: int) -> list[Row]:
        """Each record that the night changed or `added`, with its first and its last journal row."""
        return self._all(
            """
            SELECT record, MIN(id) AS first, MAX(id) AS last, MAX(CASE WHEN before IS NULL THEN 1 ELSE 0 END) AS added FROM journal
            WHERE night = :night AND undone_at IS NULL GROUP BY record
            """,
            {"night": night},
        )

    def _image(self, entry: int, which: str) -> _Row:
        """The record's row `before` or `after` one journal row. One at a time: a night may hold more than memory does."""
        row = self._all("SELECT before, after FROM journal WHERE id = :id", {"id": entry})[0]
        image: _Row = json.loads(row[which])
        return image

    def _before(self, entry: int) -> _Row:
        """The record's row before one change, and before those that led to it and were taken back meanwhile."""
        image = self._image(entry, "before")
        while True:
            earlier = self._first(
                """
                SELECT id, after, before, undone_at FROM journal
                WHERE record = (SELECT record FROM journal WHERE id = :entry) AND id < :entry
                ORDER BY id DESC LIMIT 1
                """,
                {"entry": entry},
            )
            if earlier is None or earlier["undone_at"] is None or earlier["before"] is None:
                return image
            if _lasting(json.loads(earlier["after"])) != _lasting(image):
                return image
            entry, image = earlier["id"], json.loads(earlier["before"])

    def _standing(self, image: _Row, going: frozenset[int]) -> _Row:
        """The row as it can be put back: what had replaced it may be gone, or `going`, and then it holds again."""
        successors = [
            each for each in (image["superseded_by"], image["merged_into"]) if isinstance(each, int)
        ]
        if all(each not in going and self._row(each) is not None for each in successors):
            return image
        return {**image, "superseded_by": None, "merged_into": None, "valid_to": None}

    def _put_back(self, entries: list[int], going: frozenset[int], tell: Tell) -> None:
        """Whole rows, each as a write of its own by the user: the next passes look at it again."""
        first = self._all("SELECT change FROM next_change", {})[0]["change"]

        def rows() -> Iterator[_Row]:
            for place, entry in enumerate(entries):
                if place % _TOLD_EVERY == 0:
                    tell("putting back", place, len(entries))
                yield {**self._standing(self._before(entry), going), "change": first + place}

        self._database.executemany(
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
            rows(),
        )

    def _remember(self, night: int, now: int) -> None:
        """What was taken back, or only proposed and so refused, so that nights leave it alone; and that this night is
        undone."""
        self._database.execute(
            """
            INSERT INTO taken_back (pass, record, revision)
            SELECT changed.pass, changed.record, records.revision
            FROM (
                SELECT pass, record FROM journal
                WHERE night = :night AND undone_at IS NULL AND before IS NOT NULL
                UNION SELECT pass, record FROM held WHERE night = :night AND record IS NOT NULL
            ) AS changed
            JOIN records ON records.id = changed.record
            WHERE true
            ON CONFLICT (record, pass) DO UPDATE SET revision = excluded.revision
            """,
            {"night": night},
        )
        self._database.execute(
            """
            INSERT INTO refused (change_id)
            SELECT change_id FROM journal WHERE night = :night AND undone_at IS NULL AND before IS NULL
            UNION SELECT change_id FROM held WHERE night = :night AND record IS NULL
            ON CONFLICT DO NOTHING
            """,
            {"night": night},
        )
        self._database.execute("DELETE FROM held WHERE night = :night", {"night": night})
        self._database.execute(
            "UPDATE links SET undone_at = :now WHERE night = :night AND undone_at IS NULL",
            {"night": night, "now": now},
        )
        self._database.execute(
            "UPDATE journal SET undone_at = :now WHERE night = :night AND undone_at IS NULL",
            {"night": night, "now": now},
        )
        self._database.execute(
            "UPDATE nights SET undone_at = :now WHERE id = :night", {"night": night, "now": now}
        )


def _lasting(row: _Row) -> _Row:
    """All of a row but its place in the sequence of users' writes, which an undo moves on, and who told it, which old images
    do not tell."""
    return {name: value for name, value in row.items() if name not in _TOLD_BY}


def _took_its_place(entry: JournalEntry, record: int) -> bool:
    """Whether it was this change that let `record` take the place of the entry's, and no earlier one."""
    before = entry.before or {}
    return record not in (before.get("superseded_by"), before.get("merged_into"))


def _night(row: Row) -> NightRow:
    values = dict(row)
    values["report"] = None if row["report"] is None else json.loads(row["report"])
    return NightRow(**values)


def _entry(row: Row) -> JournalEntry:
    values = dict(row)
    values["pass_name"] = values.pop("pass")
    values["before"] = None if row["before"] is None else json.loads(row["before"])
    values["after"] = json.loads(row["after"])
    values["inferred"] = bool(row["inferred"])
    return JournalEntry(**values)
