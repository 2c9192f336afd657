"""The agenda in a store: all its parts on one connection."""

from __future__ import annotations

from iai_daemon.agenda.store.sql.occurrences import SqlOccurrences
from iai_daemon.agenda.store.sql.recalls import SqlRecalls
from iai_daemon.agenda.store.sql.runs import SqlRuns


class SqlAgenda(SqlRecalls, SqlOccurrences, SqlRuns):
    """An AgendaStore on one connection."""
