"""A recall from the command line to the agent that it wakes: real daemon, real wrapper, a script in the place of the agent."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, RunningWrapper, call, call_json, until, wrapper_file

# An agent as clients are: it starts a wrapper in front of its server, makes a call, works, and ends.
AGENT = """#!{python}
import json, os, pathlib, subprocess, sys, time
told, session = pathlib.Path(sys.argv[1]), sys.argv[3]
told.with_suffix(".args").write_text(json.dumps(sys.argv[2:]))
wrapper = subprocess.Popen(
    [sys.executable, "-I", "-S", {wrapper!r}, "--home", os.environ["IAI_DAEMON_HOME"], "--session", session, "--", "cat"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
)
wrapper.stdin.write(b'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x"}}}}\\n')
wrapper.stdin.flush()
wrapper.stdout.readline()
told.with_suffix(".begun").touch()
while not told.with_suffix(".end").exists():
    time.sleep(0.02)
wrapper.stdin.close()
wrapper.wait()
print("seen to it")
"""
CONFIG = """
[presence]
settle_after = "300ms"
[lifecycle]
tick = "30s"
idle_after = "1s"
absent_for = "100ms"
[consolidation]
enabled = false
[agenda]
defer_when_busy = "300ms"
[agents.scribe]
command = ["{script}", "{told}", "{{context}}", "{{session_id}}"]
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """Beside this the agent leaves what it was told."""
    return tmp_path / "told"


@pytest.fixture
def config(tmp_path: Path, told: Path) -> str:
    script = tmp_path / "scribe"
    script.write_text(AGENT.format(python=sys.executable, wrapper=wrapper_file()))
    script.chmod(0o700)
    return CONFIG.format(script=script, told=told)


def wrappers(home: Home) -> list[dict[str, Any]]:
    return [each for each in call_json(home, "presence")["wrappers"] if each["status"] == "FRESH"]


def history(home: Home) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call_json(home, "recall", "history")["occurrences"]
    return found


def test_a_recall_wakes_its_agent_long_before_the_next_tick_and_nobody_takes_it_for_the_user(
    home: Home, config: str, told: Path
) -> None:
    daemon = RunningDaemon(home, config)
    try:
        daemon.wait_state("BEDTIME")
        added = call_json(home, "recall", "add", "Look at the tests.", "--session", "s1", "--in", "1s")
        until(told.with_suffix(".begun").exists)
        assert json.loads(told.with_suffix(".args").read_text()) == [
            "[Scheduled recall] Look at the tests.",
            "s1",
        ]
        until(lambda: [each["headless"] for each in wrappers(home)] == [True])
        status = daemon.status()
        assert (status["state"], status["agenda"]["running"][0]["session_id"]) == ("BEDTIME", "s1")
        told.with_suffix(".end").touch()
        until(lambda: history(home)[0]["state"] == "done")
        (done,) = history(home)
        assert (done["recall"], done["exit_status"], done["deferrals"]) == (added["id"], 0, 0)
        assert "seen to it" in call(home, "recall", "show", str(done["recall"])).stdout
    finally:
        daemon.stop()


def test_a_session_at_work_is_left_alone_until_it_is_quiet(home: Home, config: str, told: Path) -> None:
    told.with_suffix(".end").touch()
    daemon = RunningDaemon(home, config)
    wrapper = RunningWrapper(home, before=("env", "CLAUDE_CODE_SESSION_ID=s2"))
    try:
        wrapper.send("tools/call")
        until(lambda: [each["session_id"] for each in wrappers(home)] == ["s2"])
        call_json(home, "recall", "add", "Now.", "--session", "s2", "--now")
        until(lambda: history(home) and history(home)[0]["deferrals"] >= 2)
        assert not told.with_suffix(".args").exists()
        wrapper.answer()
        until(lambda: history(home)[0]["state"] == "done")
    finally:
        wrapper.leave()
        daemon.stop()
    assert "its session is at work" in call(home, "recall", "show", "1").stdout
