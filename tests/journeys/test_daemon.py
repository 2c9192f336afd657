"""The daemon as its users meet it: real processes, thresholds in seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from iai_daemon.paths import Home

from .real import SHORT, RunningDaemon, RunningWrapper, call, call_json, command, until

Daemons = Callable[..., RunningDaemon]
Wrappers = Callable[..., RunningWrapper]


def rules(home: Home) -> list[tuple[str | None, str, str]]:
    return [(each["from"], each["to"], each["rule"]) for each in call_json(home, "history")["transitions"]]


def test_an_evening_goes_from_wake_over_idle_to_bedtime(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    daemon = start_daemon()
    daemon.wait_state("BEDTIME", "absent")
    wrapper = start_wrapper()
    daemon.wait_state("WAKE", "settled")
    daemon.wait_state("IDLE", "idle")
    wrapper.send("tools/call")
    wrapper.answer()
    daemon.wait_state("WAKE", "active")
    wrapper.leave()
    daemon.wait_state("BEDTIME", "absent")
    assert rules(home) == [
        (None, "WAKE", "started"),
        ("WAKE", "IDLE", "nobody"),
        ("IDLE", "BEDTIME", "absent"),
        ("BEDTIME", "WAKE", "settled"),
        ("WAKE", "IDLE", "idle"),
        ("IDLE", "WAKE", "active"),
        ("WAKE", "IDLE", "nobody"),
        ("IDLE", "BEDTIME", "absent"),
    ]


def test_a_wrapper_that_is_killed_is_an_orphan_at_the_next_look(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    daemon = start_daemon()
    wrapper = start_wrapper()
    daemon.wait_state("WAKE", "settled")
    wrapper.kill()
    until(lambda: daemon.status()["presence"]["orphan"] == 1)
    seen = call_json(home, "presence")
    assert [each["status"] for each in seen["wrappers"]] == ["ORPHAN"]
    assert "lock is free" in seen["wrappers"][0]["reason"]
    until(lambda: not list(home.wrappers.iterdir()), 15)


def test_there_is_one_daemon_for_a_home(home: Home, start_daemon: Daemons) -> None:
    first = start_daemon()
    others = [
        subprocess.Popen(command(home, "run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for other in others:
        said, errors = other.communicate(timeout=20)
        assert (other.returncode, said, errors) == (0, f"already running (pid {first.process.pid})\n", "")
    assert first.status()["pid"] == first.process.pid


def test_a_lock_file_that_was_deleted_underneath_lets_no_second_daemon_in(
    home: Home, start_daemon: Daemons
) -> None:
    first = start_daemon()
    home.daemon_lock.unlink()
    other = call(home, "run")
    assert (other.returncode, other.stdout) == (0, f"already running (pid {first.process.pid})\n")
    assert first.status()["pid"] == first.process.pid


def test_a_killed_daemon_leaves_nothing_that_a_person_must_clear(home: Home, start_daemon: Daemons) -> None:
    killed = start_daemon()
    killed.process.kill()
    killed.process.communicate()
    daemon = start_daemon()
    assert daemon.status()["state"] in ("WAKE", "IDLE", "BEDTIME")
    assert daemon.status()["degraded"] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(home: Home, start_daemon: Daemons, number: signal.Signals) -> None:
    daemon = start_daemon()
    os.kill(daemon.process.pid, number)
    said, errors = daemon.process.communicate(timeout=20)
    assert (daemon.process.returncode, said, errors) == (0, "", "")
    assert not home.socket.exists()
    assert json.loads(home.log.read_text().splitlines()[-1])["event"] == "stopped"


def test_a_restart_goes_on_from_where_it_stood(home: Home, start_daemon: Daemons) -> None:
    daemon = start_daemon()
    daemon.wait_state("BEDTIME", "absent")
    since = daemon.status()["since"]
    daemon.stop()
    again = start_daemon()
    assert again.state() == ("BEDTIME", "absent")
    assert again.status()["since"][:21] == since[:21]


def test_sleep_and_wake_are_obeyed_and_explained(
    home: Home, start_daemon: Daemons, start_wrapper: Wrappers
) -> None:
    daemon = start_daemon(SHORT.replace('idle_after = "600ms"', 'idle_after = "1h"'))
    wrapper = start_wrapper()
    daemon.wait_state("WAKE", "settled")
    wrapper.send("tools/call")
    until(lambda: json.loads(next(home.wrappers.glob("*.json")).read_text()).get("in_flight") == 1)
    refused = call(home, "sleep")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "in flight" in refused.stderr
    wrapper.answer()
    until(lambda: call(home, "sleep").returncode == 0)
    assert daemon.state() == ("BEDTIME", "asked")
    woken = call_json(home, "wake", "--for", "1h")
    assert (woken["state"], woken["rule"]) == ("WAKE", "asked")
    assert "stay awake" in woken["reason"]
    assert call(home, "wake", "--for", "soon").returncode == 1


def test_without_a_daemon_status_says_so(home: Home) -> None:
    seen = call(home, "status", "--json")
    assert seen.returncode == 1
    assert json.loads(seen.stdout)["state"] is None
    assert "iai-daemon run" in call(home, "status").stderr


def test_a_bad_configuration_is_one_sentence_and_78(home: Home) -> None:
    home.create()
    home.config.write_text('[lifecycle]\n\ntik = "30s"\n')
    for words in (["run"], ["mcp"], ["config", "show"]):
        done = call(home, *words)
        assert done.returncode == 78
        assert done.stderr.count("\n") == 1
        assert 'line 3: lifecycle.tik is no setting: did you mean "tick"?' in done.stderr


def test_a_damaged_state_means_a_fresh_start_that_says_so(home: Home, start_daemon: Daemons) -> None:
    home.create()
    home.state.write_text("{")
    daemon = start_daemon()
    assert "damaged" in home.log.read_text()
    daemon.wait_state("BEDTIME")
    assert json.loads(home.state.read_text())["state"] == "BEDTIME"


def test_a_store_that_cannot_be_used_leaves_the_daemon_up(home: Home, start_daemon: Daemons) -> None:
    home.create()
    home.memory.write_bytes(b"this is somebody else's file")
    daemon = start_daemon()
    found = until(lambda: daemon.status()["degraded"])
    assert found[0]["what"] == "store"
    assert str(home.memory) in found[0]["why"]
    assert home.memory.read_bytes() == b"this is somebody else's file"
    assert sorted(path.name for path in home.root.glob("memory*")) == ["memory.db"]
