"""The whole embedded store as lines, and back. The protocol, with the meaning of every method, is in archive.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

from iai_daemon.errors import BadRecord, StoreNotEmpty
from iai_daemon.memory.archive import (
    JOURNAL_ROWS,
    RECORD,
    Line,
    Restored,
    line_of_journal,
    line_of_record,
    to_row,
)
from iai_daemon.memory.sql.part import SqlPart
from iai_daemon.storage.database import Database

_SELECT = {
    "night": "SELECT * FROM nights ORDER BY id",
    "change": "SELECT * FROM journal ORDER BY id",
    "waiting": "SELECT * FROM held ORDER BY rowid",
    "taken_back": "SELECT * FROM taken_back ORDER BY record, pass",
    "refused": "SELECT * FROM refused ORDER BY change_id",
    # The vectors stay behind, so the pass that computes them begins anew.
    "cursor": "SELECT * FROM cursors WHERE pass NOT LIKE 'embed:%' ORDER BY pass",
    "note": "SELECT * FROM pass_notes ORDER BY pass, name",
    "link": "SELECT * FROM links ORDER BY one, other, kind",
    "contradiction": "SELECT * FROM contradictions ORDER BY older, newer",
    "use": "SELECT * FROM uses ORDER BY record",
    "task": "SELECT * FROM tasks ORDER BY name",
}
_INSERT = {
    RECORD: """
        INSERT INTO records (
            id, external_id, content, kind, subject, attribute, scope, tags, source, session, created_at,
            expires_at, valid_from, valid_to, superseded_by, merged_into, expired_at, archived_at, forgotten_at,
            revision, change, made_by, client, origin
        )
        VALUES (
            :id, :external_id, :content, :kind, :subject, :attribute, :scope, :tags, :source, :session, :created_at,
            :expires_at, :valid_from, :valid_to, :superseded_by, :merged_into, :expired_at, :archived_at,
            :forgotten_at, :revision, :change, :made_by, :client, :origin
        )
        """,
    "night": """
        INSERT INTO nights (id, kind, rule, started_at, ended_at, outcome, reason, report, undone_at)
        VALUES (:id, :kind, :rule, :started_at, :ended_at, :outcome, :reason, :report, :undone_at)
        """,
    "change": """
        INSERT INTO journal (
            id, night, round, pass, change_id, effect, record, reason, before, after, at, undone_at, inferred
        )
        VALUES (
            :id, :night, :round, :pass, :change_id, :effect, :record, :reason, :before, :after, :at, :undone_at,
            :inferred
        )
        """,
    "waiting": """
        INSERT INTO held (change_id, night, round, pass, why, effect, record, revision, reason, plan, at)
        VALUES (:change_id, :night, :round, :pass, :why, :effect, :record, :revision, :reason, :plan, :at)
        """,
    "taken_back": "INSERT INTO taken_back (pass, record, revision) VALUES (:pass, :record, :revision)",
    "refused": "INSERT INTO refused (change_id) VALUES (:change_id)",
    "cursor": "INSERT INTO cursors (pass, position) VALUES (:pass, :position)",
    "note": "INSERT INTO pass_notes (pass, name, value) VALUES (:pass, :name, :value)",
    "link": """
        INSERT INTO links (one, other, kind, weight, reason, change_id, night, round, pass, at, undone_at)
        VALUES (:one, :other, :kind, :weight, :reason, :change_id, :night, :round, :pass, :at, :undone_at)
        """,
    "contradiction": """
        INSERT INTO contradictions (older, newer, rule, words, certain, outranked, at)
        VALUES (:older, :newer, :rule, :words, :certain, :outranked, :at)
        """,
    "use": "INSERT INTO uses (record, times, last_at) VALUES (:record, :times, :last_at)",
    # A daemon may have made its own as soon as it opened the empty memory.
    "task": """
        INSERT INTO tasks (name, action, trigger, every, enabled, created_at, updated_at)
        VALUES (:name, :action, :trigger, :every, :enabled, :created_at, :updated_at)
        ON CONFLICT (name) DO UPDATE SET
            action = excluded.action, trigger = excluded.trigger, every = excluded.every,
            enabled = excluded.enabled, created_at = excluded.created_at, updated_at = excluded.updated_at
        """,
}


class SqlArchive(SqlPart):
    """An Archive. `merged_ids` as in MemoryStore."""

    def __init__(self, database: Database, merged_ids: Callable[[], Mapping[int, tuple[str, ...]]]) -> None:
        super().__init__(database)
        self._merged_ids = merged_ids

    def count(self, *, full: bool) -> int:
        tables = ["SELECT 1 FROM records", *(_SELECT.values() if full else ())]
        rows = (self._first(f"SELECT COUNT(*) AS lines FROM ({each}) AS counted", {}) for each in tables)  # noqa: S608 -- ours
        return sum(row["lines"] for row in rows if row is not None)

    def lines(self) -> Generator[Line]:
        with self._reading():
            merged = self._merged_ids()
            for row in self._database.stream("SELECT * FROM records ORDER BY id"):
                yield line_of_record(dict(row), merged.get(row["id"], ()))
            for what in JOURNAL_ROWS:
                for row in self._database.stream(_SELECT[what]):
                    yield line_of_journal(what, dict(row))

    def restore(self, lines: Iterable[Line]) -> Restored:
        counts = dict.fromkeys(_INSERT, 0)
        with self._refusing(), self._writing():
            self._require_empty()
            # A record may be replaced by one that comes later.
            self._database.put_off_references()
            for line in lines:
                about, row = to_row(line)
                with self._refusing():
                    self._database.execute(_INSERT[about], row)
                counts[about] += 1
            # What nights had added and users took out has a number that is not given away again.
            self._database.count_on_from_what_is_there()
        records = counts.pop(RECORD)
        return Restored(records, sum(counts.values()))

    def _require_empty(self) -> None:
        (found,) = self._all(
            "SELECT (SELECT COUNT(*) FROM records) AS records, (SELECT COUNT(*) FROM nights) AS nights", {}
        )
        if found["records"] or found["nights"]:
            raise StoreNotEmpty(path=self._database.place, records=found["records"], nights=found["nights"])

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """What the store's own rules do not allow is the fault of a line."""
        try:
            yield
        except self._database.unfit as cause:
            raise BadRecord(problem=f"it does not fit what it belongs to ({cause})") from cause
