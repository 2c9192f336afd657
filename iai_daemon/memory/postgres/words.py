"""PostgreSQL's index of words: which records have which, and how much that tells.

What asks it is in the schema (`words_having`, `words_known`, `words_matching`), since nobody reads its table but these functions.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from iai_daemon.memory.sql.words import HOLDS
from iai_daemon.memory.store import Query
from iai_daemon.storage.postgres.database import PostgresDatabase

_KEPT = 20_000
# From what matches to what holds a search goes so many steps at most, to the newest first.
_STEPS = 600


class PostgresWords:
    """A WordIndex. A word has one stem or, where the server takes it for several words, those of all of them."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._stems: dict[str, list[str]] = {}
        # How common the words of the last question are: it is asked more than once on the way to its answer.
        self._known: dict[str, int] = {}

    def stems(self, words: Collection[str]) -> dict[str, str]:
        of_each = self._of_each(words)
        return {word: of_each[word][0] for word in words if of_each[word]}

    def _of_each(self, words: Collection[str]) -> dict[str, list[str]]:
        new = [word for word in words if word not in self._stems]
        if new:
            if len(self._stems) > _KEPT:
                self._stems.clear()
                new = list(words)
            rows = self._database.execute(
                "SELECT value AS word, tsvector_to_array(stems_of(value)) AS stems FROM json_each(:words)",
                {"words": json.dumps(new)},
            )
            self._stems |= {row["word"]: row["stems"] for row in rows}
        return self._stems

    def _of_all(self, words: Collection[str]) -> list[str]:
        of_each = self._of_each(words)
        return list(dict.fromkeys(stem for word in words for stem in of_each[word]))

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        if self._known.keys() >= set(stems):
            return {stem: known for stem in stems if (known := self._known[stem])}
        return self._counted(stems)

    def _counted(self, stems: Collection[str]) -> dict[str, int]:
        rows = self._database.execute("SELECT stem, known FROM words_known(:stems)", {"stems": list(stems)})
        return {row["stem"]: row["known"] for row in rows}

    def having(self, words: Sequence[Sequence[str]], limit: int) -> list[list[int]]:
        questions = [_all_of(self._of_all(each)) for each in words]
        rows = self._database.execute(
            "SELECT place, record FROM words_having(:questions, :limit)",
            {"questions": questions, "limit": limit},
        )
        found: list[list[int]] = [[] for _ in questions]
        for row in rows:
            found[row["place"] - 1].append(row["record"])
        return found

    def rare(self, words: Sequence[str], most: int) -> dict[str, list[int]]:
        of_each = self._of_each(words)
        one = {word: of_each[word][0] for word in words if len(of_each[word]) == 1}
        rows = self._database.execute(
            "SELECT stem, records FROM words_rare(:stems, :limit)",
            {"stems": list(set(one.values())), "limit": most + 1},
        )
        having = {row["stem"]: row["records"] for row in rows}
        found = {word: having[stem] for word, stem in one.items()}
        several = [word for word in words if word not in one]
        if several:
            found |= dict(zip(several, self.having([(word,) for word in several], most + 1), strict=True))
        return {word: records for word, records in found.items() if len(records) <= most}

    def matching(
        self, words: Sequence[str], query: Query, now: int, limit: int, *, with_past: bool
    ) -> list[Any]:
        stems = self._of_all(words)
        counted = self._counted(stems)
        self._known = dict.fromkeys(stems, 0) | counted
        rows = self._database.execute(
            """
            SELECT records.*, best.score
            FROM words_matching(
                :stems, :counts, :scopes, :as_of, :include_superseded, :with_past, :now, :limit
            ) AS best
            JOIN records ON records.id = best.record
            ORDER BY best.score DESC, valid_from DESC, records.id DESC
            """,
            {
                "stems": list(counted),
                "counts": list(counted.values()),
                "scopes": list(query.scopes),
                "as_of": query.as_of,
                "include_superseded": query.include_superseded,
                "with_past": with_past,
                "now": now,
                "limit": limit,
            },
        )
        return rows.fetchall()

    def later(self, records: Sequence[int], as_of: int | None, now: int) -> list[Any]:
        return self._database.execute(
            f"""
            WITH RECURSIVE after (one, later) AS (
                SELECT id, step.newer FROM records CROSS JOIN LATERAL (
                    SELECT newer FROM contradictions
                    WHERE older = records.id AND outranked = 0 AND NOT EXISTS (
                        SELECT 1 FROM taken_back
                        WHERE pass = 'supersede' AND record = records.id AND taken_back.revision = records.revision
                    )
                    UNION ALL
                    SELECT COALESCE(superseded_by, merged_into)
                ) AS step
                WHERE id = ANY (:records) AND step.newer IS NOT NULL
                UNION
                SELECT after.one, step.newer
                FROM after CROSS JOIN LATERAL (
                    SELECT newer FROM contradictions WHERE older = after.later AND outranked = 0
                    UNION ALL
                    SELECT COALESCE(superseded_by, merged_into) FROM records WHERE id = after.later
                ) AS step
                WHERE step.newer IS NOT NULL
            )
            SELECT after.one, records.*
            FROM (SELECT one, later FROM after LIMIT :most) AS after JOIN records ON records.id = after.later
            WHERE {HOLDS}
            """,  # noqa: S608 -- a constant
            {"records": list(records), "as_of": as_of, "now": now, "most": _STEPS},
        ).fetchall()


def _all_of(stems: Sequence[str]) -> str:
    """The question for what has all of them, as PostgreSQL writes it. No stem has anything but letters and digits."""
    return " & ".join(f"'{stem}'" for stem in stems)
