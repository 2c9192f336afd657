"""What stands in the log after an evening, and after a crash: events and not a line a tick, nothing of what was remembered."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, call, call_json, until

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]

# Words that nobody but a memory, a message, an agent or a setting has.
MEMORIES = ("quokka", "numbat", "wombat")
MESSAGE, ANSWER, KEY, TOKEN = "bandicoot", "potoroo", "dunnart-4711", "ghp_" + "a1B2" * 9
SECRET_WORDS = (*MEMORIES, MESSAGE, ANSWER, KEY, TOKEN)
EVENTS_OF_AN_EVENING = 40


@pytest.fixture
def config() -> str:
    command = json.dumps([sys.executable, "-c", f"print('{ANSWER}')", "{message}"])
    return (
        SHORT.replace('tick = "2s"', 'tick = "50ms"')
        + f"[agents.scribe]\ncommand = {command}\n"
        + f'[calendar]\nidentifier = "{KEY}"\n'
    )


def entries(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in home.log.read_text().splitlines()]


def remember(home: Home) -> None:
    for number, word in enumerate(MEMORIES):
        words = [
            "memory",
            "add",
            f"The {word} is {number}. {TOKEN}",
            "--subject",
            "pet",
            "--attribute",
            "name",
        ]
        assert call(home, *words).returncode == 0


def test_an_evening_leaves_events_and_nothing_of_what_was_remembered(
    home: Home, config: str, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    daemon = start_daemon(config)
    remember(home)
    wrapper = start_wrapper()
    wrapper.send("tools/call")
    wrapper.answer()
    daemon.wait_state("WAKE")
    call_json(home, "recall", "add", MESSAGE, "--agent", "scribe", "--session", "s1", "--now")
    until(lambda: call_json(home, "recall", "history")["occurrences"][0]["state"] == "done")
    home.config.write_text(config + '[log]\nlevel = "loud"\n')
    call(home, "config", "reload")
    home.config.write_text(config)
    call(home, "config", "reload")
    wrapper.leave()
    until(lambda: daemon.status()["consolidation"]["last"], 30)
    before = daemon.status()["tick"]["at"]
    until(lambda: daemon.status()["tick"]["at"] > before)
    daemon.stop()
    told = home.log.read_text()
    assert not [word for word in SECRET_WORDS if word in told]
    events = [entry["event"] for entry in entries(home)]
    assert {"started", "night starts", "night ended", "agent woken", "agent ended", "stopped"} <= set(events)
    assert len(events) < EVENTS_OF_AN_EVENING
    assert all({"event", "level", "timestamp"} <= entry.keys() for entry in entries(home))


def test_nothing_is_told_while_nothing_happens(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon(SHORT.replace('tick = "2s"', 'tick = "50ms"'))
    daemon.wait_state("BEDTIME")
    until(lambda: daemon.status()["consolidation"]["last"] is None)
    before = home.log.read_text()
    seen = {daemon.status()["tick"]["at"]}
    until(lambda: seen.add(daemon.status()["tick"]["at"]) or len(seen) > 20)  # type: ignore[func-returns-value]
    assert home.log.read_text() == before


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV])
def test_a_crash_leaves_where_it_was_at_work_and_the_next_daemon_puts_it_into_the_log(
    home: Home, start_daemon: Daemons, number: signal.Signals
) -> None:
    """SIGABRT is what a manager sends that has heard nothing any more."""
    crashed = start_daemon()
    crashed.process.send_signal(number)
    crashed.process.communicate(timeout=20)
    assert "cli/run.py" in home.crash.read_text()
    daemon = start_daemon()
    (entry,) = [each for each in entries(home) if each["event"] == "the daemon before this one crashed"]
    assert "cli/run.py" in entry["traceback"]
    assert home.crash.read_text() == ""
    daemon.stop()
    start_daemon()
    assert home.log.read_text().count("the daemon before this one crashed") == 1


def test_what_stands_in_the_way_of_that_keeps_no_daemon_from_its_work(
    home: Home, start_daemon: Daemons
) -> None:
    home.create()
    home.crash.mkdir()
    assert start_daemon().status()["degraded"] == []
    assert any(each["event"] == "a crash would leave no trace" for each in entries(home))


# A clock that stops: the loop cannot go on.
_WITHOUT_TIME = """
import asyncio, sys
from pathlib import Path
from iai_daemon.claim import claim
from iai_daemon.cli.run import serve
from iai_daemon.clock import SystemClock
from iai_daemon.config import Settings
from iai_daemon.paths import Home
class Stopped(SystemClock):
    async def wait(self, changed, seconds):
        raise RuntimeError("time stands still")
with claim(Home(Path(sys.argv[1]))) as claimed:
    serve(claimed, Settings(), Stopped())
"""


def test_an_error_that_ends_the_daemon_leaves_its_traceback_in_the_log(home: Home) -> None:
    home.create()
    words = [sys.executable, "-c", _WITHOUT_TIME, str(home.root)]
    assert subprocess.run(words, check=False, stderr=subprocess.DEVNULL, timeout=30).returncode == 1
    last = entries(home)[-1]
    assert (last["event"], last["level"]) == ("crashed", "error")
    assert "daemon.py" in last["exception"]
    assert "RuntimeError: time stands still" in last["exception"]
