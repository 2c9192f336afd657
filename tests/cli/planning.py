"""Homes with agents in them, and occurrences that were carried out: for the tests of the agenda's commands."""

from __future__ import annotations

from iai_daemon.agenda.recall import NewRun, State
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.agenda.store.recalls import Outcome
from iai_daemon.clock import read
from iai_daemon.paths import Home

CLAUDE = """
[agents.claude]
command = ["/bin/echo", "-p", "--resume", "{session_id}", "{context}"]
"""
NOTE = """
[agents.note]
command = ["/bin/echo", "{message}"]
"""
# What `recall add` needs beside a message and a time, where there is an agent of this name.
TO_CLAUDE = ("--agent", "claude", "--session", "s1")


def with_agents(home: Home, *tables: str) -> None:
    """Settings with these agents, or with both above."""
    home.config.write_text("".join(tables or (CLAUDE, NOTE)))


def carry_out(home: Home, output: str, *, state: State = State.DONE, status: int = 0) -> None:
    """Do what a daemon does with the first occurrence that is due: its agent wrote this and ended so."""
    opened, now = open_agenda(home), read().milliseconds
    try:
        (due, *_) = opened.store.due(now, 1)
        occurrence = due.occurrence.id
        assert opened.store.claim(occurrence, "test", now + 60_000, None, now)
        new = NewRun(due.recall.agent, due.recall.session_id)
        run = opened.store.begin(occurrence, "test", new, now)
        assert run is not None
        reason = None if state is State.DONE else f"exit status {status}"
        opened.store.end(run, Outcome(state, status, output, reason), now)
    finally:
        opened.close()
