"""With the settings as they come, nothing of ours makes a socket but those of this machine's own kind: AF_UNIX."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home
from tests.introduction import HELLO
from tests.journeys.real import SHORT, call_json, command, until, wrapper_file
from tests.privacy.traced import Asked, traced

_PORT = ["--subject", "staging", "--attribute", "port"]


def of_this_machine_only(asked: Asked) -> bool:
    """Netlink is how a program asks its own kernel."""
    assert asked.lines == []
    return "AF_UNIX" in asked.families


@pytest.fixture
def filled(home: Home) -> Home:
    call_json(home, "memory", "add", "Staging is on 8081.", *_PORT)
    call_json(home, "memory", "add", "Staging is on 9000.", *_PORT)
    return home


def test_a_daemon_and_its_night_ask_nobody(filled: Home, tmp_path: Path) -> None:
    filled.config.write_text(SHORT)
    with traced(tmp_path) as (before, asked):
        daemon = subprocess.Popen([*before, *command(filled, "run")], stdout=PIPE, stderr=PIPE)
        try:
            pid = until(lambda: _pid(filled) or daemon.poll() is not None, 60.0)
            until(lambda: call_json(filled, "nights", "list")["nights"], 60.0)
            until(lambda: not client.status(filled)["consolidation"]["running"], 60.0)
        finally:
            if daemon.poll() is None:
                os.kill(pid, signal.SIGTERM)
            _, said = daemon.communicate(timeout=30)
    assert (daemon.returncode, said) == (0, b"")
    assert call_json(filled, "nights", "list")["nights"][0]["superseded_gc"] == 1
    assert of_this_machine_only(asked)


def _pid(home: Home) -> int:
    try:
        return int(client.status(home)["pid"])
    except (DaemonAway, DaemonMute):
        return 0


def test_a_memory_server_behind_its_wrapper_asks_nobody(filled: Home, tmp_path: Path) -> None:
    calls = [
        ("initialize", HELLO),
        ("tools/call", {"name": "remember", "arguments": {"content": "Lunch is at noon."}}),
        ("tools/call", {"name": "search_memory", "arguments": {"query": "staging"}}),
        ("tools/call", {"name": "daemon_status", "arguments": {}}),
        ("resources/read", {"uri": "memory://recent"}),
    ]
    wrapped = [sys.executable, "-I", "-S", wrapper_file(), "--home", str(filled.root), "--"]
    with (
        traced(tmp_path) as (before, asked),
        subprocess.Popen(
            [*before, *wrapped, *command(filled, "mcp")], stdin=PIPE, stdout=PIPE, text=True
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        for number, (method, params) in enumerate(calls):
            sent = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            server.stdin.write(json.dumps(sent) + "\n")
            server.stdin.flush()
            assert "result" in json.loads(server.stdout.readline())
        server.stdin.close()
        server.wait(timeout=60)
    assert of_this_machine_only(asked)


@pytest.mark.parametrize(
    "words",
    [
        ["memory", "search", "staging"],
        ["consolidate"],
        ["status"],
        ["report"],
        ["metrics"],
        ["memory", "export", "--full"],
        ["clients", "list"],
        ["doctor"],
    ],
    ids=" ".join,
)
def test_a_command_asks_nobody(words: list[str], filled: Home, tmp_path: Path) -> None:
    with traced(tmp_path) as (before, asked):
        subprocess.run([*before, *command(filled, *words)], capture_output=True, check=False, timeout=120)
    assert asked.lines == []


def test_who_asks_somebody_would_be_seen(tmp_path: Path) -> None:
    program = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    with traced(tmp_path) as (before, asked):
        subprocess.run([*before, sys.executable, "-c", program], check=True, timeout=60)
    assert "AF_INET" in asked.families
    assert asked.lines
