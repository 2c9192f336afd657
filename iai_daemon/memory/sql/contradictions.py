"""How a store finds what a record may contradict, and keeps what it does. Both its sides use it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import combinations, islice

from iai_daemon.memory.nights import Sharing
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.memory.sql.words import WordIndex
from iai_daemon.memory.store import Contradiction
from iai_daemon.storage.database import Database, MayWait, Row

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


class SqlContradictions(SqlPart):
    """The part of the store that is about what one record says against another."""

    def __init__(self, database: Database, words: WordIndex, may_wait: MayWait | None = None) -> None:
        super().__init__(database, may_wait)
        self._words = words
        # Words that more than _TELLING, and more than _COMMON, records have: since records never go, they keep being it.
        self._frequent: set[str] = set()
        self._everywhere: set[str] = set()
        # The id up to which a word cannot be everywhere yet, were it in every record from now on.
        self._rarer_until: dict[str, int] = {}

    def sharing(self, record: Record, limit: int, *, much: bool = False) -> list[Record]:
        return self.sharing_each([Sharing(record, limit, much=much)])[record.id]

    def sharing_each(self, asked: Sequence[Sharing]) -> dict[int, list[Record]]:
        found = self._comparable([each for each in asked if len(each.record.content) <= _LONGEST])
        rows = self._rows(dict.fromkeys(other for others in found.values() for other in others))
        records = {other: from_row(row) for other, row in rows.items()}
        return {each.record.id: [records[other] for other in found.get(each.record.id, ())] for each in asked}

    def _comparable(self, asked: Sequence[Sharing]) -> dict[int, list[int]]:
        """For each the ids of what shares words with it, and may be compared with it."""
        with self._database.translated():
            nearest = self._nearest(asked)
        rows = self._all(
            """
            SELECT id, scope, change, valid_from FROM records
            WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) AND made_by IS NULL
            AND merged_into IS NULL AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
            AND LENGTH(content) <= :longest
            """,
            {
                "records": json.dumps(sorted({other for others in nearest for other in others})),
                "longest": _LONGEST,
            },
        )
        known = {row["id"]: row for row in rows}
        found = {}
        for each, others in zip(asked, nearest, strict=True):
            may = (other for other in others if other in known and _is_earlier(known[other], each.record))
            found[each.record.id] = list(islice(may, each.limit))
        return found

    def newest_age(self, after: int, until: int) -> tuple[int, int]:
        row = self._first(
            """
            SELECT valid_from, id FROM records WHERE change > :after AND change <= :until
            ORDER BY valid_from DESC, id DESC LIMIT 1
            """,
            {"after": after, "until": until},
        )
        return (0, 0) if row is None else (row["valid_from"], row["id"])

    def _nearest(self, asked: Sequence[Sharing]) -> list[list[int]]:
        """For each the ids of what shares words with it, by how telling all of them are that it shares."""
        words = [words_of(each.record.content) for each in asked]
        every = dict.fromkeys(word for of_one in words for word in of_one if word not in self._frequent)
        rare = self._words.rare(list(every), _TELLING)
        self._frequent.update(word for word in every if word not in rare)
        shared: list[dict[int, list[float]]] = []
        for of_one in words:
            shared.append({})
            for word in of_one:
                if word in rare:
                    _weigh(rare[word], shared[-1])
        few = [place for place, found in enumerate(shared) if len(found) <= _ENOUGH]
        self._pair([(words[place], shared[place]) for place in few])
        return [_by_weight(each, found) for each, found in zip(asked, shared, strict=True)]

    def _pair(self, few: Sequence[tuple[Sequence[str], dict[int, list[float]]]]) -> None:
        """What is told again and again ends what was told last: of two words that many have the newest that have both count in
        any case. `few`: what was asked about, and what shares rare words with it so far."""
        if not few:
            return
        newest = self._newest()
        asked: list[tuple[dict[int, list[float]], tuple[str, str]]] = []
        for words, shared in few:
            frequent = (word for word in words if word in self._frequent)
            paired = sorted(
                (word for word in frequent if not self._is_everywhere(word, newest)), key=_by_length
            )
            asked += [(shared, pair) for pair in combinations(paired[:_PAIRED], 2)]
        every = list(dict.fromkeys(pair for _, pair in asked))
        if not every:
            return
        found = dict(zip(every, self._words.having(every, _TELLING + 1), strict=True))
        for shared, pair in asked:
            _weigh(found[pair], shared)

    def _is_everywhere(self, word: str, newest: int) -> bool:
        """Whether more than _COMMON records have a word; `newest` is the highest id of all."""
        if word not in self._everywhere and newest > self._rarer_until.get(word, 0):
            having = len(self._words.having([(word,)], _COMMON + 1)[0])
            if having > _COMMON:
                self._everywhere.add(word)
            self._rarer_until[word] = newest + _COMMON - having
        return word in self._everywhere

    def _contradict(self, found: Iterable[Contradiction], now: int) -> None:
        """Keep what is said against older records; within a transaction."""
        self._database.executemany(
            """
            INSERT INTO contradictions (older, newer, rule, words, certain, outranked, at)
            SELECT older.id, newer.id, ?, ?, ?, ?, ? FROM records AS older, records AS newer
            WHERE older.id = ? AND newer.id = ?
            ON CONFLICT (older, newer) DO UPDATE SET
                rule = excluded.rule, words = excluded.words, certain = excluded.certain,
                outranked = excluded.outranked
            """,
            [
                (each.rule, each.words, int(each.certain), int(each.outranked), now, each.older, each.newer)
                for each in found
            ],
        )


def _is_earlier(row: Row, record: Record) -> bool:
    """Whether it is of the same scope, and older or written before: what is newer and came later asks for itself."""
    return bool(
        row["scope"] == record.scope
        and (row["change"] < record.change or (row["valid_from"], row["id"]) < record.age)
    )


def _by_weight(asked: Sharing, shared: dict[int, list[float]]) -> list[int]:
    own = shared.pop(asked.record.id, [])
    enough = math.ceil(len(own) / _A_PART) if asked.much else 1
    by_weight = sorted((-sum(words), -other) for other, words in shared.items() if len(words) >= enough)
    one_word = [other for _, other in by_weight if len(shared[-other]) == 1][_WITH_ONE:]
    left_out = set(one_word)
    return [-other for _, other in by_weight if other not in left_out][:_LOOKED_AT]


def _weigh(found: Sequence[int], shared: dict[int, list[float]]) -> None:
    """Add to each record how telling it is to be among these, which have a word or two in common."""
    telling = math.log(2 * _TELLING / max(1, len(found)))
    for other in found:
        shared.setdefault(other, []).append(telling)


def _by_length(word: str) -> tuple[int, str]:
    """Long words first: they are rarer than short ones."""
    return -len(word), word
