"""The database of an agenda that several daemons change at once: nobody waits for whoever changes something else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from iai_daemon.storage.database import MayWait, Parameters
from iai_daemon.storage.postgres.database import Outcome, PostgresDatabase


class AgendaDatabase(PostgresDatabase):
    """Its transactions take no lock of their own: they hold the sessions that they change (`part.py`), and wait for those."""

    def execute(self, sql: str, parameters: Parameters = ()) -> Outcome:
        return super().execute(sql, _storable(parameters))

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        return super().executemany(sql, [_storable(row) for row in rows])

    @contextlib.contextmanager
    def writing(self, may_wait: MayWait | None = None, *, at_once: bool = False) -> Iterator[None]:  # noqa: ARG002 -- of the protocol
        patience = 1 if at_once else max(1, round(self._waits_for * 1000))
        with self._transaction() as connection:
            connection.execute(f"SET LOCAL lock_timeout TO {patience}")
            yield


def _storable(parameters: Parameters) -> Parameters:
    """A text on the server has no NUL, and agents write what they like."""
    if isinstance(parameters, Mapping):
        return {name: _without_nul(value) for name, value in parameters.items()}
    return [_without_nul(value) for value in parameters]


def _without_nul(value: object) -> object:
    return (
        value.replace("\0", "\N{REPLACEMENT CHARACTER}")
        if isinstance(value, str) and "\0" in value
        else value
    )
