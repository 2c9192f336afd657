"""`iai-daemon agents`, and what `config check` says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_daemon.paths import Home
from tests.cli import calling
from tests.cli.inside import call, call_json, refused, said
from tests.cli.planning import CLAUDE, TO_CLAUDE, carry_out, with_agents


def script(path: Path, *lines: str) -> Path:
    """A program that does this."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def test_agents_are_listed_with_their_program_and_what_they_have_used(home: Home) -> None:
    with_agents(home)
    call_json(home, "recall", "add", "Look.", *TO_CLAUDE, "--now")
    carry_out(home, "ok\n")
    call_json(home, "recall", "add", "Look.", *TO_CLAUDE, "--in", "1h")
    answer = call_json(home, "agents", "list")
    claude, note = answer["agents"]
    assert (claude["name"], claude["argv"][0], claude["problem"]) == ("claude", "/bin/echo", None)
    assert (claude["runs"], claude["max_runs_per_day"], claude["pending"]) == (1, 24, 1)
    assert (note["runs"], note["pending"], note["timeout"], note["confirm"]) == (0, 0, "15m", False)
    assert answer["how"].startswith("as ")
    told = said(home, "agents", "list")
    assert "in the last 24 h 1 of 24 runs" in told
    assert f"agents run {answer['how']}" in told


def test_an_agent_s_program_is_told_by_its_whole_path_or_what_is_wrong_with_it(home: Home) -> None:
    with_agents(
        home,
        '[agents.found]\ncommand = ["sh", "-c", "{message}"]\n',
        '[agents.lost]\ncommand = ["no-such-agent", "{message}"]\n',
        '[agents.homeless]\ncommand = ["/bin/sh"]\ncwd = "/no/such/place"\n',
    )
    found, lost, homeless = call_json(home, "agents", "list")["agents"]
    assert Path(found["argv"][0]).is_absolute()
    assert found["argv"][1:] == ["-c", "{message}"]
    assert "there is no program no-such-agent" in lost["problem"]
    assert "/no/such/place" in homeless["problem"]
    assert "no-such-agent" in said(home, "agents", "list")


def test_a_home_without_agents_says_where_they_are_defined(home: Home) -> None:
    assert call_json(home, "agents", "list")["agents"] == []
    assert f"no agents: {home.config} defines none" in said(home, "agents", "list")


def test_a_trial_starts_the_agent_as_a_recall_would(home: Home) -> None:
    with_agents(home, CLAUDE)
    answer = calling.call_json(home, "agents", "test", "claude", "--session", "s1", "--message", "Hi $HOME")
    assert answer["output"] == "-p --resume s1 [Scheduled recall] Hi $HOME\n"
    assert (answer["exit_status"], answer["problem"]) == (0, None)
    assert answer["seconds"] < 20
    told = said(home, "agents", "test", "claude")
    assert told.startswith("claude worked, exit status 0, ")
    assert "Say hello: this is a test" in told
    assert not home.memory.exists()


def test_a_trial_that_fails_ends_with_1_and_says_why(home: Home, tmp_path: Path) -> None:
    failing = script(tmp_path / "agent", "echo no such session >&2", "exit 3")
    with_agents(home, f'[agents.failing]\ncommand = ["{failing}", "{{session_id}}", "{{message}}"]\n')
    answer = call_json(home, "agents", "test", "failing", status=1)
    assert (answer["exit_status"], answer["problem"]) == (3, "exit status 3")
    done = call(home, "agents", "test", "failing")
    assert done.returncode == 1
    assert "failing failed: exit status 3" in done.stdout
    assert "--session ID names one that there is" in done.stdout
    assert "  no such session" in done.stdout
    assert "--session ID" not in call(home, "agents", "test", "failing", "--session", "s").stdout


def test_a_trial_of_what_cannot_be_started_is_refused(home: Home) -> None:
    with_agents(home, '[agents.lost]\ncommand = ["no-such-agent", "{message}"]\n')
    assert "The agent lost cannot be woken: there is no program" in refused(home, "agents", "test", "lost")
    assert "There is no agent lots" in refused(home, "agents", "test", "lots")
    assert "named by its id" in refused(home, "agents", "test", "lost", "--session=-x", status=2)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('command = ["no-such-agent"]', "there is no program no-such-agent"),
        ('command = ["/etc/passwd"]', "/etc/passwd is not executable"),
        ('command = ["/bin/sh"]\ncwd = "/no/such/place"', "there is no directory /no/such/place"),
        ('command = ["/bin/sh", "{message}"]\nconfirm = true', "nothing tells the agent its token"),
    ],
)
def test_config_check_looks_at_agents_too(home: Home, table: str, problem: str) -> None:
    with_agents(home, f"[agents.mine]\n{table}\n")
    answer = call_json(home, "config", "check", status=78)
    assert answer["problem"].startswith(f"{home.config}, [agents.mine]: ")
    assert problem in answer["problem"]


def test_config_check_is_content_with_an_agent_that_is_told_its_token(home: Home) -> None:
    for told in ("{token}", "{context} {confirm}"):
        with_agents(home, f'[agents.mine]\ncommand = ["/bin/sh", "{told}"]\nconfirm = true\n')
        assert call_json(home, "config", "check")["ok"] is True
