"""What of a store can be named on a command line: asked by a shell while somebody types. Nothing is made, written or brought up
to date for it, and what takes too long is left unasked."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from iai_daemon.storage.patience import patience
from iai_daemon.storage.sqlite import interruptible, reading, translated
from iai_daemon.storage.where import address_of

NIGHTS = """
    SELECT id, kind, started_at, outcome, undone_at FROM nights ORDER BY id DESC LIMIT 50
"""
RECALLS = """
    SELECT id, agent, session_id, message FROM recalls ORDER BY id DESC LIMIT 50
"""
SESSIONS = """
    SELECT id, client FROM sessions WHERE closed_at IS NULL ORDER BY registered_at DESC LIMIT 100
"""
SLOTS = """
    SELECT id, state, title FROM slots WHERE resolved_at IS NULL ORDER BY number LIMIT 100
"""
SCOPES = """
    SELECT scope, COUNT(*) AS memories FROM records GROUP BY scope ORDER BY memories DESC LIMIT 100
"""
TASKS = """
    SELECT name, enabled FROM tasks ORDER BY name LIMIT 100
"""


def ask(home: Home, question: str, within: float) -> list[Any]:
    """The rows that answer one of the questions above, found in so many seconds.

    Raises BadConfig, StoreUnusable, StoreBusy, and Interrupted where a file takes longer.
    """
    address = address_of(home)
    return _ask_file(home, question, within) if address is None else _ask_server(address, question, within)


def _ask_file(home: Home, question: str, within: float) -> list[Any]:
    watch = Stopwatch()
    with translated(home.memory, within), reading(home.memory, within) as connection:
        connection.row_factory = sqlite3.Row
        with interruptible(connection, lambda: watch.seconds() < within):
            return connection.execute(question).fetchall()


def _ask_server(address: str, question: str, within: float) -> list[Any]:
    # Who has no server does not pay for its driver.
    from iai_daemon.storage.postgres import failures, server  # noqa: PLC0415 -- as said above

    there = server.Server(address, within)
    with (
        patience(within),
        failures.translated(there.place, within),
        contextlib.closing(there.connect()) as connection,
    ):
        return connection.execute(question.encode()).fetchall()
