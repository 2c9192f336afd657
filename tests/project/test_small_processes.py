"""`run`, `mcp`'s start and `status` stay small and quick: what they must not import, seen in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

UNWANTED = {
    "iai_daemon.daemon": (
        "click",
        "greenlet",
        "jinja2",
        "starlette",
        "rich",
        "numpy",
        "mcp",
        "pydantic",
        "hypothesis",
        "httpx2",
        "icalendar",
        "dateutil",
        "psycopg",
        "iai_daemon.agenda.slots.courier",
    ),
    "iai_daemon.cli.run": ("click", "rich", "numpy", "mcp", "pydantic", "psycopg"),
    "iai_daemon.cli.status": (
        "asyncio",
        "click",
        "rich",
        "numpy",
        "structlog",
        "psutil",
        "watchdog",
        "mcp",
        "sqlite3",
        "psycopg",
    ),
    "iai_daemon.control.client": (
        "asyncio",
        "click",
        "rich",
        "numpy",
        "structlog",
        "psutil",
        "watchdog",
        "mcp",
    ),
    # Who has no server does not pay for its driver.
    "iai_daemon.cli.memory": ("psycopg",),
    "iai_daemon.consolidation.worker": ("psycopg",),
    "iai_daemon.mcp_server.server": ("psycopg",),
    # The courier reads calendars in a process of its own.
    "iai_daemon.agenda.slots.courier.__main__": (
        "click",
        "rich",
        "numpy",
        "mcp",
        "pydantic",
        "sqlite3",
        "icalendar",
        "dateutil",
        "recurring_ical_events",
    ),
    "iai_daemon.agenda.slots.courier.reading": ("httpx2", "sqlite3", "psutil"),
    "iai_daemon.__main__": ("asyncio", "click", "rich", "numpy", "structlog", "psutil", "watchdog", "mcp"),
}


@pytest.mark.parametrize("module", UNWANTED)
def test_a_small_process_does_not_import(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(set({UNWANTED[module]!r}) & set(sys.modules)))"
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == []
