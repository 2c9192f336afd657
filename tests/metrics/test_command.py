"""`iai-daemon metrics` as it is typed: with a daemon and without, with its memory and without."""

from __future__ import annotations

import os
import signal

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, call, call_json
from tests.metrics.test_families import samples, value


def test_with_a_daemon_everything_is_told_in_either_format_and_as_objects(home: Home) -> None:
    call_json(home, "memory", "add", "Staging is on 8081.")
    daemon = RunningDaemon(home)
    try:
        done = call(home, "metrics")
        found = samples(read_openmetrics(done.stdout))
        old = samples(read_prometheus(call(home, "metrics", "--format", "prometheus").stdout))
        objects = call_json(home, "metrics")["families"]
    finally:
        daemon.stop()
    assert (done.returncode, done.stderr) == (0, "")
    assert value(found, "up") == value(found, "store_up") == value(found, "memories", status="current") == 1
    assert found.keys() == old.keys()
    assert {each["name"]: each["type"] for each in objects}["iai_daemon_nights"] == "counter"
    (up,) = [each for each in objects if each["name"] == "iai_daemon_up"]
    assert up["samples"] == [{"labels": {}, "value": 1.0}]


def test_without_a_daemon_the_memory_is_told_and_the_exit_status_is_0(home: Home) -> None:
    call_json(home, "memory", "add", "Staging is on 8081.")
    done = call(home, "metrics")
    found = samples(read_openmetrics(done.stdout))
    assert (done.returncode, done.stderr) == (0, "")
    assert (value(found, "up"), value(found, "store_up")) == (0, 1)
    assert value(found, "memories", status="current") == 1


def test_a_memory_that_does_not_exist_yet_is_not_made(home: Home) -> None:
    done = call(home, "metrics")
    assert (done.returncode, done.stderr) == (0, "")
    assert value(samples(read_openmetrics(done.stdout)), "store_up") == 0
    assert not home.memory.exists()


def test_a_memory_that_cannot_be_asked_leaves_what_remains_and_1(home: Home) -> None:
    home.memory.write_bytes(b"this is no database, whatever its name says" * 100)
    done = call(home, "metrics")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    found = samples(read_openmetrics(done.stdout))
    assert (value(found, "up"), value(found, "store_up")) == (0, 0)


def test_a_daemon_that_does_not_answer_is_not_up_and_said_to_be_mute(home: Home) -> None:
    daemon = RunningDaemon(home)
    try:
        os.kill(daemon.process.pid, signal.SIGSTOP)
        done = call(home, "metrics")
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
        daemon.stop()
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert value(samples(read_openmetrics(done.stdout)), "up") == 0


def test_settings_that_are_wrong_are_78(home: Home) -> None:
    home.config.write_text("[metrics]\ntextfiel = 1\n")
    done = call(home, "metrics")
    assert (done.returncode, done.stdout) == (78, "")
