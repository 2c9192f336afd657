"""How a memory is erased from a store, so that its bytes are in no file any more. The protocol is in purge.py.

Engines keep what is deleted until it is written over; their files are therefore made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any

from iai_daemon.memory.purge import PURGED, Purged
from iai_daemon.memory.record import Record, from_row
from iai_daemon.memory.secrets import redact
from iai_daemon.memory.sql.part import SqlPart, to_json
from iai_daemon.progress import Tell, unheard
from iai_daemon.storage.database import Database, Row

_Row = dict[str, Any]
# What of a record is text that somebody gave; the others tell when, where and what became of it.
_TEXTS = ("content", "subject", "attribute", "source")
_NAMES = ("external_id", "kind", "session", "client")
# Looking at one record takes some hundredths of a millisecond.
_TOLD_EVERY = 500


class SqlPurge(SqlPart):
    """A Purge. `make_anew`: what sees to it that no word of what was deleted is left in the engine's files; False where it could not."""

    def __init__(self, database: Database, make_anew: Callable[[], bool]) -> None:
        super().__init__(database)
        self._make_anew = make_anew

    def marks(self, records: Sequence[int]) -> Mapping[int, int]:
        for record in records:
            self._record(record)
        return self._with_gists(records)

    def holds(self, marks: Mapping[int, int]) -> bool:
        images = (json.loads(row["after"]) for row in self._journal(marks))
        return bool(self._present(marks)) or any(image["content"] != PURGED for image in images)

    def purge(self, marks: Mapping[int, int], now: int) -> Purged:
        with self._writing():
            present = self._present(marks)
            every = {**marks, **self._with_gists(present)}
            going = self._present(every)
            gists = self._of_passes(going)
            scopes = self._scopes(going)
            self._look_again_at_sources(gists)
            again = self._let_go(going, now)
            for row in [*self._journal(every), *self._taken_out(scopes)]:
                self._rewrite(row, _without_words)
            for row in self._successions(every):
                self._set_reason(row["id"], PURGED)
            self._drop_plans(going)
            self._database.executemany("DELETE FROM records WHERE id = ?", [(each,) for each in going])
        told = tuple(each for each in going if each not in gists)
        return Purged(told, tuple(sorted(gists)), tuple(again), self._make_anew())

    def redact(self, record: int) -> tuple[tuple[str, ...], bool]:
        self._record(record)
        kinds: dict[str, None] = {}

        def without_secrets(row: _Row) -> _Row:
            return _redacted(row, kinds)

        with self._writing():
            marks = self._with_gists([record])
            scopes = self._scopes(list(marks))
            for each in marks:
                said = self._row(each) or {}
                if (safe := without_secrets(said)) != said:
                    self._set_texts(each, safe)
            for row in [*self._journal(marks), *self._taken_out(scopes)]:
                self._rewrite(row, without_secrets)
            for row in self._successions(marks):
                self._set_reason(row["id"], redact(row["reason"]).text)
            if kinds:
                self._drop_plans(list(marks))
                self._drop_derived(list(marks))
        return tuple(kinds), not kinds or self._make_anew()

    def secrets(self, tell: Tell = unheard) -> Iterator[tuple[Record, tuple[str, ...]]]:
        with self._database.translated():
            ((total,),) = self._all("SELECT COUNT(*) FROM records", {})
            rows = self._database.stream("SELECT * FROM records ORDER BY id")
            for number, row in enumerate(rows, start=1):
                if number % _TOLD_EVERY == 0:
                    tell("looking for secrets", number, total)
                kinds: dict[str, None] = {}
                _redacted(dict(row), kinds)
                if kinds:
                    yield from_row(dict(row)), tuple(kinds)

    # Which.

    def _present(self, marks: Mapping[int, int]) -> list[int]:
        rows = self._all(
            "SELECT id, created_at FROM records WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) ORDER BY id",
            {"records": json.dumps(list(marks))},
        )
        return [row["id"] for row in rows if row["created_at"] == marks[row["id"]]]

    def _with_gists(self, records: Sequence[int]) -> dict[int, int]:
        """These and the gists made of them, and when each was created."""
        rows = self._all(
            """
            WITH RECURSIVE gone (id) AS (
                SELECT CAST(value AS BIGINT) FROM json_each(:records)
                UNION SELECT one FROM gone JOIN links ON links.other = gone.id AND links.kind = 'source'
            )
            SELECT records.id, created_at FROM gone JOIN records ON records.id = gone.id ORDER BY records.id
            """,
            {"records": json.dumps(list(records))},
        )
        return {row["id"]: row["created_at"] for row in rows}

    def _of_passes(self, records: Sequence[int]) -> set[int]:
        rows = self._all(
            "SELECT id FROM records WHERE made_by IS NOT NULL AND id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))",
            {"records": json.dumps(records)},
        )
        return {row["id"] for row in rows}

    def _scopes(self, records: Sequence[int]) -> list[str]:
        rows = self._all(
            "SELECT DISTINCT scope FROM records WHERE id IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))",
            {"records": json.dumps(records)},
        )
        return [row["scope"] for row in rows]

    def _journal(self, marks: Mapping[int, int]) -> list[Row]:
        """The journal rows of these records."""
        rows = self._all(
            "SELECT * FROM journal WHERE record IN (SELECT CAST(value AS BIGINT) FROM json_each(:records)) ORDER BY id",
            {"records": json.dumps(list(marks))},
        )
        return [row for row in rows if json.loads(row["after"])["created_at"] == marks[row["record"]]]

    def _taken_out(self, scopes: Sequence[str]) -> list[Row]:
        """The journal rows of what nights had added there and users took out: what it was made of is not known any more."""
        rows = self._all(
            """
            SELECT * FROM journal
            WHERE record IN (SELECT record FROM journal WHERE before IS NULL)
            AND NOT EXISTS (SELECT 1 FROM records WHERE records.id = journal.record)
            """,
            {},
        )
        return [row for row in rows if json.loads(row["after"])["scope"] in scopes]

    def _successions(self, marks: Mapping[int, int]) -> list[Row]:
        """The journal rows of what these records replaced: their reasons quote them."""
        return self._all(
            """
            SELECT id, reason FROM journal
            WHERE COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into'))
                IN (SELECT CAST(value AS BIGINT) FROM json_each(:records))
            """,
            {"records": json.dumps(list(marks))},
        )

    # What becomes of what is beside them.

    def _look_again_at_sources(self, gists: Set[int]) -> None:
        """What else they were made of may be summed up without what goes."""
        self._database.execute(
            """
            UPDATE records SET change = (SELECT change FROM next_change)
            WHERE id IN (
                SELECT other FROM links WHERE kind = 'source' AND one IN (SELECT CAST(value AS BIGINT) FROM json_each(:gists))
            )
            """,
            {"gists": json.dumps(sorted(gists))},
        )

    def _let_go(self, going: Sequence[int], now: int) -> list[int]:
        """What these had replaced holds again, as if that had been taken back."""
        rows = self._all(
            """
            SELECT id FROM records
            WHERE (superseded_by IN (SELECT CAST(value AS BIGINT) FROM json_each(:going))
                OR merged_into IN (SELECT CAST(value AS BIGINT) FROM json_each(:going)))
            AND id NOT IN (SELECT CAST(value AS BIGINT) FROM json_each(:going))
            ORDER BY id
            """,
            {"going": json.dumps(going)},
        )
        again = [row["id"] for row in rows]
        self._database.execute(
            """
            UPDATE journal SET undone_at = :now
            WHERE undone_at IS NULL AND record IN (SELECT CAST(value AS BIGINT) FROM json_each(:again))
            AND COALESCE(json_extract(after, '$.superseded_by'), json_extract(after, '$.merged_into'))
                IN (SELECT CAST(value AS BIGINT) FROM json_each(:going))
            """,
            {"again": json.dumps(again), "going": json.dumps(going), "now": now},
        )
        self._hold_again(again)
        # Of those that go, none may point at one that has gone before it.
        self._database.executemany(
            "UPDATE records SET superseded_by = NULL, merged_into = NULL WHERE id = ?",
            [(record,) for record in going],
        )
        return again

    def _drop_plans(self, records: Sequence[int]) -> None:
        """What waits and rests on these records, or would add what was made of them, is planned anew by the next night."""
        named = set(records)
        for row in self._all("SELECT change_id, record, plan FROM held", {}):
            plan = json.loads(row["plan"])
            pairs = [*plan["rests_on"], *plan.get("replaces", ())]
            about = {row["record"], *(pair[0] for pair in pairs), *plan.get("sources", ())}
            if about & named:
                self._database.execute("DELETE FROM held WHERE change_id = ?", (row["change_id"],))

    def _rewrite(self, row: Row, change: Callable[[_Row], _Row]) -> None:
        """The images and the reason of one journal row, each as `change` makes it."""
        before, after = (
            None if row[name] is None else to_json(change(json.loads(row[name])))
            for name in ("before", "after")
        )
        self._database.execute(
            "UPDATE journal SET before = ?, after = ? WHERE id = ?", (before, after, row["id"])
        )
        self._set_reason(row["id"], change({"content": row["reason"]})["content"])

    def _set_reason(self, entry: int, reason: str) -> None:
        self._database.execute("UPDATE journal SET reason = ? WHERE id = ?", (reason, entry))

    def _set_texts(self, record: int, row: _Row) -> None:
        """Nights look at it anew. Its revision stays, as that of its images, so that they can be taken back."""
        self._database.execute(
            """
            UPDATE records
            SET content = :content, subject = :subject, attribute = :attribute, source = :source, tags = :tags,
                change = (SELECT change FROM next_change)
            WHERE id = :id
            """,
            {**row, "id": record},
        )

    def _drop_derived(self, records: Sequence[int]) -> None:
        """Nights find again, by the words that are left, what belongs to these and what is said against them."""
        pairs = [(record, record) for record in records]
        self._database.executemany(
            "DELETE FROM links WHERE kind = 'related' AND (one = ? OR other = ?)", pairs
        )
        self._database.executemany("DELETE FROM contradictions WHERE older = ? OR newer = ?", pairs)
        self._database.executemany("DELETE FROM vectors WHERE record = ?", [(record,) for record in records])


def _without_words(row: _Row) -> _Row:
    """The image of a record without what anybody said."""
    gone: _Row = {name: None for name in (*_TEXTS, *_NAMES) if name in row}
    tags = {"tags": "[]"} if "tags" in row else {}
    return {**row, **gone, **tags, "content": PURGED}


def _redacted(row: _Row, kinds: dict[str, None]) -> _Row:
    """The same without its secrets, whose kinds are added to `kinds`."""
    done = dict(row)
    for name in _TEXTS:
        if isinstance(row.get(name), str):
            made = redact(row[name])
            done[name] = made.text
            kinds |= dict.fromkeys(made.kinds)
    if "tags" in row:
        tags = [redact(tag) for tag in json.loads(row["tags"])]
        done["tags"] = json.dumps([tag.text for tag in tags], ensure_ascii=False)
        for tag in tags:
            kinds |= dict.fromkeys(tag.kinds)
    return done
