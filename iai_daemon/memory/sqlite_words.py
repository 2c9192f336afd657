"""What the embedded store's index makes of words: their stems, and how many records have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

_KEPT = 20_000


class Words:
    """On one connection. The stems are those of the index's own tokenizer, asked through an index of one word a row that is
    empty again before anybody else looks."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
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
            row = self._connection.execute("SELECT doc FROM temp.known WHERE term = ?", (stem,)).fetchone()
            if row is not None:
                found[stem] = int(row[0])
        return found

    def _learn(self, words: list[str]) -> None:
        self._prepare()
        try:
            self._connection.executemany(
                "INSERT INTO temp.stemming (rowid, content) VALUES (?, ?)", enumerate(words)
            )
            rows = self._connection.execute("SELECT doc, term FROM temp.stems").fetchall()
        finally:
            self._connection.execute("INSERT INTO temp.stemming (stemming) VALUES ('delete-all')")
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
            self._connection.execute(statement)
