"""What the embedded store's index makes of words: their stems, and how many records have them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence

from iai_daemon.memory.sql.words import HOLDS
from iai_daemon.memory.store import Query
from iai_daemon.storage.sqlite_database import SqliteDatabase

_KEPT = 20_000
# From what matches to what holds a search goes so many steps at most, to the newest first.
_STEPS = 600


class SqliteWords:
    """A WordIndex. The stems are those of the index's own tokenizer, asked through an index of one word a row that is
    empty again before anybody else looks."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._stems: dict[str, str] = {}

    def stems(self, words: Collection[str]) -> dict[str, str]:
        """The stem of each word that has one."""
        new = [word for word in words if word not in self._stems]
        if new:
            if len(self._stems) > _KEPT:
                self._stems.clear()
                new = list(words)
            self._learn(new)
        return {word: stem for word in words if (stem := self._stems[word])}

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        """How many records have each of these stems; left out are those that none has."""
        self._prepare()
        found = {}
        for stem in stems:
            row = self._database.execute("SELECT doc FROM temp.known WHERE term = ?", (stem,)).fetchone()
            if row is not None:
                found[stem] = int(row[0])
        return found

    def having(self, words: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        return [self._having(each, limit) for each in words]

    def rare(self, words: Sequence[str], most: int) -> dict[str, list[int]]:
        found = {word: self._having((word,), most + 1) for word in words}
        return {word: records for word, records in found.items() if len(records) <= most}

    def _having(self, words: Sequence[str], limit: int) -> list[int]:
        match = " AND ".join(f'"{word}"' for word in words)
        rows = self._database.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (match, limit)
        )
        return [row[0] for row in rows]

    def matching(
        self, words: Sequence[str], query: Query, now: int, limit: int, *, with_past: bool
    ) -> list[sqlite3.Row]:
        # SQLite sorts the matches itself: FTS5's own order by rank is slower, and puts the oldest first where ranks are equal.
        return self._database.execute(
            """
            SELECT records.*, -words.rank AS score
            FROM words JOIN records ON records.id = words.rowid
            WHERE words MATCH :match
            AND made_by IS NOT 'summarize'
            AND (:scopes = '[]' OR scope IN (SELECT value FROM json_each(:scopes)))
            AND forgotten_at IS NULL
            AND CASE
                WHEN :as_of IS NOT NULL THEN
                    valid_from <= :as_of
                    AND (
                        (:with_past AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL))
                        OR (
                            (valid_to IS NULL OR valid_to > :as_of)
                            AND (expires_at IS NULL OR expires_at > :as_of)
                        )
                    )
                ELSE
                    :include_superseded
                    OR (:with_past AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL))
                    OR (
                        valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                        AND expired_at IS NULL AND archived_at IS NULL
                        AND (expires_at IS NULL OR expires_at > :now)
                    )
            END
            ORDER BY words.rank, valid_from DESC, records.id DESC
            LIMIT :limit
            """,
            {
                "match": " OR ".join(f'"{word}"' for word in words),
                "scopes": json.dumps(query.scopes),
                "as_of": query.as_of,
                "include_superseded": query.include_superseded,
                "with_past": with_past,
                "now": now,
                "limit": limit,
            },
        ).fetchall()

    def later(self, records: Sequence[int], as_of: int | None, now: int) -> list[sqlite3.Row]:
        return self._database.execute(
            f"""
            WITH RECURSIVE after (one, later) AS (
                SELECT older, newer FROM contradictions JOIN records ON records.id = older
                WHERE older IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) AND outranked = 0
                AND NOT EXISTS (
                    SELECT 1 FROM taken_back
                    WHERE pass = 'supersede' AND record = older AND taken_back.revision = records.revision
                )
                UNION
                SELECT id, COALESCE(superseded_by, merged_into) FROM records
                WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
                AND (superseded_by IS NOT NULL OR merged_into IS NOT NULL)
                UNION
                SELECT after.one, contradictions.newer
                FROM after JOIN contradictions ON contradictions.older = after.later AND outranked = 0
                UNION
                SELECT after.one, COALESCE(superseded_by, merged_into)
                FROM after JOIN records ON records.id = after.later
                WHERE superseded_by IS NOT NULL OR merged_into IS NOT NULL
                ORDER BY 2 DESC LIMIT :most
            )
            SELECT after.one, records.* FROM after JOIN records ON records.id = after.later
            WHERE {HOLDS}
            """,  # noqa: S608 -- a constant
            {"records": json.dumps(list(records)), "as_of": as_of, "now": now, "most": _STEPS},
        ).fetchall()

    def _learn(self, words: list[str]) -> None:
        self._prepare()
        try:
            self._database.executemany(
                "INSERT INTO temp.stemming (rowid, content) VALUES (?, ?)", enumerate(words)
            )
            rows = self._database.execute("SELECT doc, term FROM temp.stems").fetchall()
        finally:
            self._database.execute("INSERT INTO temp.stemming (stemming) VALUES ('delete-all')")
        of_place = dict(reversed(rows))
        self._stems |= {word: of_place.get(place, "") for place, word in enumerate(words)}

    def _prepare(self) -> None:
        """A transaction that is rolled back takes tables along that were made in it, so they are asked for each time."""
        for statement in (
            """
            CREATE VIRTUAL TABLE IF NOT EXISTS temp.stemming USING fts5 (
                content, content = '', tokenize = 'porter unicode61 remove_diacritics 2'
            )
            """,
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.stems USING fts5vocab (temp, stemming, instance)",
            "CREATE VIRTUAL TABLE IF NOT EXISTS temp.known USING fts5vocab (main, words, row)",
        ):
            self._database.execute(statement)
