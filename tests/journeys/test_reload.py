"""Other settings while the daemon goes on: by signal, by `config set`, by `config reload`; a night and an agent go on meanwhile."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iai_daemon.clock import pause
from iai_daemon.control import client
from iai_daemon.errors import NotReloaded
from iai_daemon.flock import is_held
from iai_daemon.paths import Home
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, call, call_json, command, until
from tests.journeys.test_nights import NO_NIGHTS, embedding, fill, nights

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]

# Under this one nothing happens by itself, tick or no tick.
PATIENT = NO_NIGHTS.replace('"2s"', '"1h"').replace('"600ms"', '"1h"').replace('"400ms"', '"1h"')
BAD = PATIENT + "[log]\nlevel = loud\n"
AGENT = '[agents.scribe]\ncommand = ["{script}"]\n'


def told(home: Home, event: str) -> list[dict[str, object]]:
    entries = [json.loads(line) for line in home.log.read_text().splitlines()]
    return [entry for entry in entries if entry["event"] == event]


def hang_up(daemon: RunningDaemon) -> None:
    """SIGHUP, and wait until it was heard."""
    events = ("settings taken over", "settings not taken over")
    before = sum(len(told(daemon.home, event)) for event in events)
    daemon.process.send_signal(signal.SIGHUP)
    until(lambda: sum(len(told(daemon.home, event)) for event in events) > before)


def test_a_signal_lets_it_go_by_other_thresholds_at_once(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon(PATIENT)
    daemon.wait_state("IDLE", "nobody")
    home.config.write_text(PATIENT.replace('absent_for = "1h"', 'absent_for = "100ms"'))
    hang_up(daemon)
    daemon.wait_state("BEDTIME", "absent")
    assert told(home, "settings taken over")[-1]["changed"] == ["lifecycle.absent_for"]
    assert daemon.status()["degraded"] == []


def test_bad_settings_leave_those_of_before_and_everybody_hears_which_line(
    home: Home, start_daemon: Daemons
) -> None:
    daemon = start_daemon(PATIENT)
    home.config.write_text(BAD)
    line = f"line {len(BAD.splitlines())}"
    hang_up(daemon)
    (entry,) = told(home, "settings not taken over")
    assert line in str(entry["why"])
    (found,) = daemon.status()["degraded"]
    assert found["what"] == "config"
    assert line in found["why"]
    assert "config reload" in found["fix"]
    with pytest.raises(NotReloaded, match=line):
        client.ask(home, "reload")
    done = call(home, "config", "reload")
    assert (done.returncode, done.stdout) == (78, "")
    assert line in done.stderr
    assert daemon.state() == ("IDLE", "nobody")
    home.config.write_text(PATIENT)
    assert call_json(home, "config", "reload")["changed"] == []
    assert daemon.status()["degraded"] == []


def test_what_is_set_holds_at_once_and_it_says_what_does_not(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon(PATIENT)
    answer = call_json(home, "config", "set", "lifecycle.absent_for", "100ms")
    assert (answer["reloaded"], answer["needs_restart"]) == (True, [])
    daemon.wait_state("BEDTIME", "absent")
    answer = call_json(home, "config", "set", "memory.redact_secrets", "false")
    assert (answer["reloaded"], answer["needs_restart"]) == (True, ["memory.redact_secrets"])
    said = call(home, "config", "set", "memory.redact_secrets", "true").stdout
    assert "memory.redact_secrets: " in said
    daemon.stop()
    answer = call_json(home, "config", "set", "lifecycle.absent_for", "1h")
    assert (answer["reloaded"], answer["problem"]) == (False, None)


def test_the_log_goes_by_its_new_level_and_size(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon(PATIENT)
    call_json(home, "config", "set", "log.level", "warning")
    before = home.log.read_text()
    call_json(home, "sleep")
    daemon.wait_state("BEDTIME")
    assert home.log.read_text() == before
    call_json(home, "config", "set", "log.level", "info")
    call_json(home, "config", "set", "log.max_size", "10KB")
    for number in range(100):
        set_by_hand(home, f"{number + 10}m")
    assert list(home.log.parent.glob("daemon.jsonl.*"))


def set_by_hand(home: Home, absent_for: str) -> None:
    """One more change of the settings, without the cost of a command."""
    other = PATIENT.replace('absent_for = "1h"', f'absent_for = "{absent_for}"')
    home.config.write_text(other + '[log]\nmax_size = "10KB"\n')
    assert client.ask(home, "reload")["changed"]


def test_wrappers_are_looked_for_in_another_place_and_no_longer_in_the_one_before(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers, tmp_path: Path
) -> None:
    other = Home(tmp_path / "other")
    other.create()
    daemon = start_daemon(PATIENT)
    start_wrapper()
    until(lambda: daemon.status()["presence"]["fresh"] == 1)
    home.config.write_text(PATIENT.replace("[presence]", f'[presence]\nwrappers_dirs = ["{other.wrappers}"]'))
    assert client.ask(home, "reload") == {"changed": ["presence.wrappers_dirs"], "needs_restart": []}
    assert daemon.status()["presence"]["fresh"] == 0
    wrapper = RunningWrapper(other)
    try:
        until(lambda: daemon.status()["presence"]["fresh"] == 1, 2)
    finally:
        wrapper.leave()
    home.config.write_text(PATIENT)
    client.ask(home, "reload")
    assert daemon.status()["presence"]["fresh"] == 1


def test_a_night_goes_on_while_the_settings_change_again_and_again(home: Home, start_daemon: Daemons) -> None:
    home.create()
    fill(home, 6000)
    daemon = start_daemon()
    until(lambda: embedding(daemon), 30)
    for config in (SHORT, BAD, SHORT.replace('"0s"', '"1h"')):
        home.config.write_text(config)
        for _ in range(5):
            daemon.process.send_signal(signal.SIGHUP)
        hang_up(daemon)
        assert is_held(home.consolidation_lock)
    until(lambda: daemon.status()["consolidation"]["last"], 60)
    assert [each["outcome"] for each in nights(home)] == ["completed"]
    assert daemon.status()["tick"]["failures"] == 0
    assert call_json(home, "tasks", "list")["tasks"][0]["every"] == "1h"


def test_an_agent_goes_on_and_one_that_is_new_can_be_woken(
    home: Home, start_daemon: Daemons, tmp_path: Path
) -> None:
    script, end = tmp_path / "scribe", tmp_path / "end"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nwhile [ ! -e {end} ]; do sleep 0.02; done\n")
    script.chmod(0o700)
    daemon = start_daemon(PATIENT)
    home.config.write_text(PATIENT + AGENT.format(script=script))
    assert "agents.scribe" in client.ask(home, "reload")["changed"]
    call_json(home, "recall", "add", "Look.", "--agent", "scribe", "--session", "s1", "--now")
    until((tmp_path / "begun").exists)
    home.config.write_text(PATIENT)
    hang_up(daemon)
    (running,) = daemon.status()["agenda"]["running"]
    assert running["agent"] == "scribe"
    end.touch()
    until(lambda: not daemon.status()["agenda"]["running"])
    (occurrence,) = call_json(home, "recall", "history")["occurrences"]
    assert occurrence["state"] == "done"


def test_a_signal_during_the_end_does_not_keep_it_from_ending(home: Home, start_daemon: Daemons) -> None:
    home.create()
    fill(home, 5000)
    daemon = start_daemon()
    until(lambda: daemon.status()["consolidation"]["running"], 20)
    daemon.process.terminate()
    while daemon.process.poll() is None:
        os.kill(daemon.process.pid, signal.SIGHUP)
        pause(0.002)  # more than its loop can take in at once would be a fault of another kind
    assert daemon.process.communicate() == ("", "")
    assert daemon.process.returncode == 0
    assert json.loads(home.log.read_text().splitlines()[-1])["event"] == "stopped"


# Who starts it in a terminal of his own, and tells its pid.
_IN_A_TERMINAL = """
import os, sys, fcntl, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    yield master, slave
    for descriptor in (master, slave):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_the_end_of_its_terminal_ends_it_and_a_signal_before_that_does_not(
    home: Home, terminal: tuple[int, int]
) -> None:
    master, slave = terminal
    home.create()
    home.config.write_text(PATIENT)
    words = [sys.executable, "-c", _IN_A_TERMINAL, *command(home, "run")]
    process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        until(lambda: home.socket.exists() and client.status(home)["pid"] == process.pid)
        process.send_signal(signal.SIGHUP)
        until(lambda: told(home, "settings taken over"))
        os.close(master)
        assert process.wait(timeout=20) == 0
        assert told(home, "stopped")
    finally:
        process.kill()
        process.wait()
