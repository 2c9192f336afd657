"""The wheel in a clean environment, without anything that tests need, on the oldest and the newest Python of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

import iai_daemon
from iai_daemon.clock import Stopwatch, pause
from tests.introduction import introduction
from tests.packaging import pythons
from tests.packaging.conftest import Built
from tests.packaging.pythons import Environment, NoIndex

# What is imported for an extra, and for nothing else.
EXTRAS = {"psycopg", "pgvector", "icalendar", "recurring_ical_events", "dateutil", "sentence_transformers"}
# Imports every module, each in its turn, and prints those that need what is not there.
IMPORT_ALL = """
import importlib, pkgutil, iai_daemon
from iai_daemon.errors import DriverMissing
for module in pkgutil.walk_packages(iai_daemon.__path__, "iai_daemon.", onerror=str):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as missing:
        print(module.name, missing.name)
    except DriverMissing:
        print(module.name, "psycopg")
for name in ("iai_wrapper", "iai_relay", "iai_heartbeat", "iai_outcomes"):
    importlib.import_module(name)
"""
_WITHIN = 30.0


@pytest.fixture(scope="module", params=["oldest", "newest"])
def installed(
    request: pytest.FixtureRequest, built: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    there = pythons.found()
    if request.param == "newest" and len(there) == 1:
        pytest.skip(f"there is but one Python here, 3.{min(there)}")
    minor = max(there) if request.param == "newest" else min(there)
    folder = tmp_path_factory.mktemp(f"python3.{minor}")
    try:
        yield pythons.install(there[minor], built.wheel, folder / "venv")
    except NoIndex as why:
        pytest.skip(f"packages cannot be had: {why}")
    finally:
        # Some hundred megabytes, and pytest keeps what lies there.
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """The variables of somebody who has nothing yet."""
    return {"HOME": str(tmp_path)}


def call(installed: Environment, home: dict[str, str], *words: str) -> str:
    done = installed.run("iai-daemon", *words, **home)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def call_json(installed: Environment, home: dict[str, str], *words: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(call(installed, home, *words, "--json"))
    return answer


def test_both_programs_say_their_version(installed: Environment, home: dict[str, str]) -> None:
    assert call(installed, home, "--version") == f"iai-daemon, version {iai_daemon.__version__}\n"
    assert installed.run("iai-wrapper", "--version").stdout == f"iai-wrapper {iai_daemon.__version__}\n"


def test_every_module_can_be_imported_without_a_warning_but_for_what_an_extra_needs(
    installed: Environment,
) -> None:
    done = installed.run("python", "-W", "error", "-c", IMPORT_ALL)
    assert (done.returncode, done.stderr) == (0, "")
    missing = dict(line.split() for line in done.stdout.splitlines())
    assert {name.split(".")[0] for name in missing.values()} <= EXTRAS
    assert len(missing) < 40


def test_an_evening_in_short(installed: Environment, home: dict[str, str]) -> None:
    """Two facts, a night that replaces one, and its undoing."""
    port = ["--subject", "staging", "--attribute", "port"]
    call(installed, home, "memory", "add", "Staging is on 8081.", *port)
    call(installed, home, "memory", "add", "Staging is on 9000.", *port)
    before = call(installed, home, "memory", "export")
    night = call_json(installed, home, "consolidate")
    assert (night["outcome"], night["superseded_gc"]) == ("completed", 1)
    assert night["nodes_embedded"] > 0
    found = call_json(installed, home, "memory", "search", "staging")["results"]
    assert [each["content"] for each in found] == ["Staging is on 9000."]
    call(installed, home, "nights", "undo", "1")
    assert call(installed, home, "memory", "export") == before


def test_the_doctor_looks_at_everything_and_finds_only_that_no_daemon_runs(
    installed: Environment, home: dict[str, str]
) -> None:
    call(installed, home, "memory", "add", "Lunch is at noon.")
    done = installed.run("iai-daemon", "doctor", "--json", **home)
    checks = {each["name"]: each["status"] for each in json.loads(done.stdout)["checks"]}
    assert (done.returncode, done.stderr) == (1, "")
    # What takes its time on a busy machine is told as such: that it works at all is told above and below.
    assert {name for name, status in checks.items() if status == "fail"} - {"embedder"} == {"daemon"}
    assert {checks[name] for name in ("config", "home", "store", "log")} == {"ok"}
    assert {"wrapper", "nights", "embedder", "agenda", "clock"} <= set(checks)


def test_a_client_gets_a_memory_server_through_the_wrapper(
    installed: Environment, home: dict[str, str]
) -> None:
    argv = [installed.program("iai-wrapper"), "--", installed.program("iai-daemon"), "mcp"]
    with subprocess.Popen(
        argv, env={"PATH": os.defpath, **home}, stdin=PIPE, stdout=PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(introduction()) + "\n")
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        server.stdin.close()
        # How fast it leaves is told elsewhere: on a busy machine the wrapper ends it.
        server.wait(timeout=_WITHIN)
    assert answer["result"]["serverInfo"]["version"] == iai_daemon.__version__


def test_the_daemon_runs_answers_and_ends_when_it_is_asked_to(
    installed: Environment, home: dict[str, str]
) -> None:
    daemon = subprocess.Popen(
        [installed.program("iai-daemon"), "run"],
        env={"PATH": os.defpath, **home},
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
    try:
        watch = Stopwatch()
        while (asked := installed.run("iai-daemon", "status", "--json", **home)).returncode != 0:
            assert daemon.poll() is None, daemon.communicate()
            assert watch.seconds() < _WITHIN, asked
            pause(0.05)
        assert json.loads(asked.stdout)["pid"] == daemon.pid
    finally:
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=_WITHIN)
    assert (daemon.returncode, said) == (0, "")


def test_what_goes_along_is_found(installed: Environment, home: dict[str, str], tmp_path: Path) -> None:
    """The example of the settings, the service's definition, the templates of the page, the manual."""
    call(installed, home, "config", "init")
    assert "[lifecycle]" in (tmp_path / ".iai-daemon" / "config.toml").read_text()
    call(installed, home, "config", "check")
    # Where it would go is said beside it.
    assert "ExecStart=" in installed.run("iai-daemon", "install", "--dry-run", **home).stdout
    call(installed, home, "memory", "add", "Lunch is at noon.")
    call(installed, home, "report")
    assert (tmp_path / ".iai-daemon" / "report.html").read_text().startswith("<!doctype html>")
    assert (installed.root / "share" / "man" / "man1" / "iai-daemon.1").is_file()


def test_what_an_extra_is_needed_for_says_how_to_get_it(installed: Environment, home: dict[str, str]) -> None:
    call(installed, home, "config", "set", "memory.store", "postgresql://somebody@localhost/nothing")
    done = installed.run("iai-daemon", "memory", "search", "x", **home)
    assert done.returncode == 78
    assert 'pip install "iai-daemon[postgres]"' in done.stderr
