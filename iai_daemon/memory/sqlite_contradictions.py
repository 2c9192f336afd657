"""How the embedded store finds what a record may contradict, and keeps what it does. Both its sides use it."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path

from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sqlite_part import SqlitePart
from iai_daemon.memory.store import Contradiction
from iai_daemon.storage.sqlite import translated

# A word that so many records have tells what it is about; one that more have, only together with another.
_TELLING = 64
# What so many have is in every other record: reading where would take longer than all the rest.
_COMMON = 2000
# So many records with a word in common are enough to choose from; below, words are asked for in pairs.
_ENOUGH = 8
_PAIRED = 3
# Of what shares words so many are looked at, before it is known which of them are current; of what shares but one, so many.
_LOOKED_AT, _WITH_ONE = 64, 12
# Of its rare words every third makes much.
_A_PART = 3
# What is longer, in characters, is no note that a sentence ends.
_LONGEST = 4000


class SqliteContradictions(SqlitePart):
    """The part of the store that is about what one record says against another."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, may_wait: Callable[[], bool] | None = None
    ) -> None:
        super().__init__(connection, path, may_wait)
        # Words that more than _TELLING, and more than _COMMON, records have: since records never go, they keep being it.
        self._frequent: set[str] = set()
        self._everywhere: set[str] = set()
        # The id up to which a word cannot be everywhere yet, were it in every record from now on.
        self._rarer_until: dict[str, int] = {}

    def sharing(self, record: Record, limit: int, *, much: bool = False) -> list[Record]:
        if len(record.content) > _LONGEST:
            return []
        with translated(self._path):
            nearest = self._nearest(record, much=much)
        rows = self._all(
            """
            SELECT records.* FROM json_each(:nearest) AS near JOIN records ON records.id = near.value
            WHERE scope = :scope AND made_by IS NULL
            AND merged_into IS NULL AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND LENGTH(content) <= :longest
            AND (change < :change OR (valid_from, records.id) < (:valid_from, :id))
            ORDER BY near.key LIMIT :limit
            """,
            {
                "nearest": json.dumps(nearest),
                "scope": record.scope,
                "change": record.change,
                "valid_from": record.valid_from,
                "id": record.id,
                "limit": limit,
                "longest": _LONGEST,
            },
        )
        return [from_row(dict(row)) for row in rows]

    def newest_age(self, after: int, until: int) -> tuple[int, int]:
        row = self._first(
            """
            SELECT valid_from, id FROM records WHERE change > :after AND change <= :until
            ORDER BY valid_from DESC, id DESC LIMIT 1
            """,
            {"after": after, "until": until},
        )
        return (0, 0) if row is None else (row["valid_from"], row["id"])

    def _nearest(self, record: Record, *, much: bool) -> list[int]:
        """The ids of what shares words with a record, by how telling all of them are that it shares."""
        shared: dict[int, list[float]] = {}
        frequent: list[str] = []
        for word in words_of(record.content):
            if word in self._frequent or not self._weigh(f'"{word}"', shared):
                self._frequent.add(word)
                frequent.append(word)
        if len(shared) <= _ENOUGH:
            newest = self._newest()
            paired = sorted(
                (word for word in frequent if not self._is_everywhere(word, newest)), key=_by_length
            )
            for one, other in combinations(paired[:_PAIRED], 2):
                self._weigh(f'"{one}" AND "{other}"', shared, newest=True)
        own = shared.pop(record.id, [])
        enough = math.ceil(len(own) / _A_PART) if much else 1
        by_weight = sorted((-sum(words), -other) for other, words in shared.items() if len(words) >= enough)
        one_word = [other for _, other in by_weight if len(shared[-other]) == 1][_WITH_ONE:]
        left_out = set(one_word)
        return [-other for _, other in by_weight if other not in left_out][:_LOOKED_AT]

    def _weigh(self, match: str, shared: dict[int, list[float]], *, newest: bool = False) -> bool:
        """Add to each record that matches how telling that is; False where there are too many. Of two words the newest
        records that have both count in any case: what is told again and again ends what was told last."""
        found = self._matches(match, _TELLING + 1)
        if len(found) > _TELLING and not newest:
            return False
        telling = math.log(2 * _TELLING / max(1, len(found)))
        for other in found:
            shared.setdefault(other, []).append(telling)
        return True

    def _is_everywhere(self, word: str, newest: int) -> bool:
        """Whether more than _COMMON records have a word; `newest` is the highest id of all."""
        if word not in self._everywhere and newest > self._rarer_until.get(word, 0):
            having = len(self._matches(f'"{word}"', _COMMON + 1))
            if having > _COMMON:
                self._everywhere.add(word)
            self._rarer_until[word] = newest + _COMMON - having
        return word in self._everywhere

    def _matches(self, match: str, limit: int) -> list[int]:
        rows = self._connection.execute(
            "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?", (match, limit)
        )
        return [row[0] for row in rows]

    def _contradict(self, found: Iterable[Contradiction], now: int) -> None:
        """Keep what is said against older records; within a transaction."""
        self._connection.executemany(
            """
            INSERT INTO contradictions (older, newer, rule, words, certain, outranked, at)
            SELECT older.id, newer.id, ?, ?, ?, ?, ? FROM records AS older, records AS newer
            WHERE older.id = ? AND newer.id = ?
            ON CONFLICT (older, newer) DO UPDATE SET
                rule = excluded.rule, words = excluded.words, certain = excluded.certain,
                outranked = excluded.outranked
            """,
            [
                (each.rule, each.words, each.certain, each.outranked, now, each.older, each.newer)
                for each in found
            ],
        )


def _by_length(word: str) -> tuple[int, str]:
    """Long words first: they are rarer than short ones."""
    return -len(word), word
