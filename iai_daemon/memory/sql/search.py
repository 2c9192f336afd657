"""How a store finds what answers a question. The protocol, with the meaning of `search`, is in store.py."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from iai_daemon.memory.ranking import Key, answers, rank, words_of
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.relevance import AROUND, POOL, Text, scores, weights
from iai_daemon.memory.sql.part import SqlPart, with_beside
from iai_daemon.memory.sql.words import WordIndex
from iai_daemon.memory.store import Hit, Query
from iai_daemon.memory.trust import TABLE
from iai_daemon.storage.database import Row

# So many times as many matches are read where the past counts as well: it leads to what holds now.
_WITH_PAST = 3
# What a text is about stands at its beginning.
_READ = 4096
_WORD = re.compile(r"[^\W_]+")
# What matches beyond that still counts for something.
_HARDLY = 1e-6


class SqlSearch(SqlPart):
    """The part of the store that finds."""

    _words: WordIndex

    def search(self, query: Query, now: int) -> Sequence[Hit]:
        words = words_of(query.text)
        if not words:
            return []
        found = self._weighed(self._pool(words, query, now), words, query, now)
        keys = {record.key for record, _ in found if record.key is not None}
        newest = {key: holder for key in keys if (holder := self._holder(key, query.as_of, now))}
        ids = [] if query.own_words else [record.id for record, _ in found]
        against = self._against(ids, query.as_of, now) if ids else []
        past = {record.id for record, _ in found if not answers(record, query, now)}
        return rank(found, newest, against, query.limit, asked=words, past=past)

    def _pool(self, words: Sequence[str], query: Query, now: int) -> list[Row]:
        """The best records for these words that answer the question, and such as have a successor that may answer it. Where
        those crowd out the others, they are left out."""
        if query.include_superseded or query.own_words:
            return self._matching(words, query, now, max(POOL, query.limit), with_past=False)
        most = max(POOL, _WITH_PAST * query.limit)
        found = self._matching(words, query, now, most, with_past=True)
        if len(found) == most and sum(not _is_past(row, query.as_of) for row in found) < query.limit:
            found = self._matching(words, query, now, most, with_past=False)
        return found

    def _matching(
        self, words: Sequence[str], query: Query, now: int, limit: int, *, with_past: bool
    ) -> list[Row]:
        with self._database.translated():
            return self._words.matching(words, query, now, limit, with_past=with_past)

    def _weighed(
        self, pool: Sequence[Row], words: Sequence[str], query: Query, now: int
    ) -> list[tuple[Record, float]]:
        """The best of the pool, and of what was said around it, scored by their words and by those around them."""
        beginnings, around = self._surroundings(pool)
        with self._database.translated():
            stems = self._words.stems(words)
            telling = weights(self._words.frequencies(set(stems.values())), self._newest())
            found = scores(self._texts(beginnings, frozenset(telling), stems), around, telling)
        matched = {row["id"]: row for row in pool}
        for record, row in matched.items():
            found[record] = max(found[record], row["score"] * _HARDLY)
        kept: list[tuple[Record, float]] = []
        for record, score in sorted(found.items(), key=lambda each: (-each[1], -each[0])):
            if len(kept) == _WITH_PAST * query.limit or score <= 0:
                break
            if record in matched:
                kept.append((with_beside(matched[record], "score")[0], score))
            elif answers(read := self._record(record), query, now):
                kept.append((read, score))
        return kept

    def _surroundings(self, pool: Sequence[Row]) -> tuple[dict[int, str], dict[int, list[int]]]:
        """How these and those near them in their sessions begin, by id; and for each of the pool and those AROUND it, who
        stands around it, itself among them."""
        beginnings: dict[int, str] = {row["id"]: row["content"][:_READ] for row in pool}
        around: dict[int, list[int]] = {}
        for row in pool:
            if row["session"] is None:
                around[row["id"]] = [row["id"]]
                continue
            before, after = self._beside(row)
            beginnings |= {each["id"]: each["beginning"] for each in (*before, *after)}
            ids = [*(each["id"] for each in reversed(before)), row["id"], *(each["id"] for each in after)]
            here = ids.index(row["id"])
            for at in range(max(0, here - AROUND), min(len(ids), here + AROUND + 1)):
                around[ids[at]] = ids[max(0, at - AROUND) : at + AROUND + 1]
        return beginnings, around

    def _beside(self, row: Row) -> tuple[list[Row], list[Row]]:
        """What was told in the same session right before and right after, the nearest first; enough for the neighbours'
        neighbours, too."""
        place = {
            "scope": row["scope"],
            "session": row["session"],
            "at": row["valid_from"],
            "id": row["id"],
            "most": 2 * AROUND,
            "read": _READ,
        }
        before = self._all(
            """
            SELECT id, SUBSTR(content, 1, :read) AS beginning FROM records
            WHERE scope = :scope AND session = :session AND session IS NOT NULL
            AND (valid_from, id) < (:at, :id) AND forgotten_at IS NULL AND made_by IS NULL
            ORDER BY valid_from DESC, id DESC LIMIT :most
            """,
            place,
        )
        after = self._all(
            """
            SELECT id, SUBSTR(content, 1, :read) AS beginning FROM records
            WHERE scope = :scope AND session = :session AND session IS NOT NULL
            AND (valid_from, id) > (:at, :id) AND forgotten_at IS NULL AND made_by IS NULL
            ORDER BY valid_from, id LIMIT :most
            """,
            place,
        )
        return before, after

    def _texts(
        self, beginnings: Mapping[int, str], wanted: frozenset[str], asked: Mapping[str, str]
    ) -> dict[int, Text]:
        """How long each text is, and how often it has each of the stems `wanted`. Only words that begin like one that is
        `asked` can have its stem."""
        written = {record: _WORD.findall(text.lower()) for record, text in beginnings.items()}
        begun = tuple({word[:2] for word in (*asked, *wanted)})
        possible = {word for words in written.values() for word in words if _plain(word).startswith(begun)}
        stems = {word: stem for word, stem in self._words.stems(possible).items() if stem in wanted}
        return {
            record: Text(len(words), Counter(stems[word] for word in words if word in stems))
            for record, words in written.items()
        }

    def _against(self, records: Sequence[int], as_of: int | None, now: int) -> list[tuple[int, Record]]:
        """What has come after these records: what took their place, and what is said against them where no user has taken that
        back; and what has come after that. The id of one of these, and the later record, which holds now, or held at the
        moment that is asked about."""
        with self._database.translated():
            rows = self._words.later(records, as_of, now)
        return [(one, later) for later, one in (with_beside(row, "one") for row in rows)]

    def _holder(self, key: Key, as_of: int | None, now: int) -> Record | None:
        """Which record of a key holds now, or held at the moment that is asked about."""
        parameters = dict(zip(("subject", "attribute", "scope"), key, strict=True))
        if as_of is None:
            row = self._first(
                """
                SELECT * FROM records
                WHERE subject = :subject AND attribute = :attribute AND scope = :scope
                AND subject IS NOT NULL AND attribute IS NOT NULL
                AND valid_to IS NULL AND superseded_by IS NULL AND merged_into IS NULL
                AND expired_at IS NULL AND archived_at IS NULL AND forgotten_at IS NULL
                AND (expires_at IS NULL OR expires_at > :now)
                ORDER BY (
                    SELECT CAST(value AS DOUBLE PRECISION) FROM json_each(:trust)
                    WHERE key = COALESCE(origin, CASE WHEN made_by IS NULL THEN 'user' ELSE 'pass' END)
                ) DESC, valid_from DESC, id DESC LIMIT 1
                """,
                {**parameters, "trust": TABLE, "now": now},
            )
        else:
            row = self._first(
                """
                SELECT * FROM records
                WHERE subject = :subject AND attribute = :attribute AND scope = :scope
                AND valid_from <= :as_of
                AND (valid_to IS NULL OR valid_to > :as_of)
                AND (expires_at IS NULL OR expires_at > :as_of)
                AND forgotten_at IS NULL
                ORDER BY (
                    SELECT CAST(value AS DOUBLE PRECISION) FROM json_each(:trust)
                    WHERE key = COALESCE(origin, CASE WHEN made_by IS NULL THEN 'user' ELSE 'pass' END)
                ) DESC, valid_from DESC, id DESC LIMIT 1
                """,
                {**parameters, "trust": TABLE, "as_of": as_of},
            )
        return None if row is None else from_row(dict(row))


def _is_past(row: Row, as_of: int | None) -> bool:
    """Whether another had taken its place, by now or by then."""
    over = row["superseded_by"] is not None or row["merged_into"] is not None
    return over and (as_of is None or row["valid_to"] is None or row["valid_to"] <= as_of)


def _plain(word: str) -> str:
    """Without diacritics, as the index has it."""
    return word if word.isascii() else unicodedata.normalize("NFKD", word)
