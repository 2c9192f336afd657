"""The agenda in the embedded store: all its parts on one connection."""

from __future__ import annotations

from iai_daemon.agenda.store.sqlite_occurrences import SqliteOccurrences
from iai_daemon.agenda.store.sqlite_recalls import SqliteRecalls
from iai_daemon.agenda.store.sqlite_runs import SqliteRuns


class SqliteAgenda(SqliteRecalls, SqliteOccurrences, SqliteRuns):
    """An AgendaStore on one connection."""
