"""What docs/how-to/agenda.md says is so: its settings load, its options and states are those that there are."""

from __future__ import annotations

import re

import click
import pytest

from iai_daemon.agenda.recall import Policy, State, Status
from iai_daemon.cli.agents import agents
from iai_daemon.cli.recall import add, recall
from iai_daemon.cli.sessions import sessions
from iai_daemon.config import Agenda, Agent, parse
from iai_daemon.paths import Home
from iai_daemon.units import say_duration
from tests.cli.inside import call
from tests.project.source import ROOT


@pytest.fixture(scope="module")
def guide() -> str:
    return (ROOT / "docs" / "how-to" / "agenda.md").read_text(encoding="utf-8")


def _section(guide: str, title: str) -> str:
    return guide.split(f"## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def test_its_settings_load(guide: str, home: Home) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    commands = re.findall(r"\| `(\[\"[^`]*\])` \|", guide)
    assert len(blocks) == 2
    assert len(commands) == 4
    for text in [*blocks, *(f"[agents.x]\ncommand = {command}\n" for command in commands)]:
        (agent,) = parse(text, home.config).agents.values()
        assert "{session_id}" in agent.command
        assert any("{context}" in each for each in agent.command)


def test_it_tells_every_option_of_a_recall(guide: str) -> None:
    told = set(re.findall(r"^\| `(--[a-z-]+)`", guide, re.MULTILINE))
    there = {option for each in add.params for option in each.opts if option.startswith("--")}
    elsewhere = {"--agent", "--session", "--tz", "--comment", "--dry-run", "--home", "--json"}
    assert told == there - elsewhere


def test_it_tells_every_state(guide: str) -> None:
    assert re.findall(r"^\| `([a-z]+)`", _section(guide, "What a time goes through"), re.MULTILINE) == list(
        State
    )
    assert all(f"`{status}`" in guide for status in Status)


def test_its_defaults_are_those_that_hold(guide: str) -> None:
    policies, limits = _section(guide, "Policies"), _section(guide, "Limits")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `--([a-z-]+)` \| ([^|]+) \|", policies, re.MULTILINE)}
    agent, agenda = Agent(("x",)), Agenda()
    assert rows["catch-up"] == f"`agenda.catch_up`, `{agenda.catch_up}`"
    assert rows["catch-up-window"] == f"`agenda.catch_up_window`, {agenda.catch_up_window / 3600:g} h"
    assert rows["max-defer"] == f"`agenda.max_defer`, {agenda.max_defer / 3600:g} h"
    assert rows["overlap"] == f"`{Policy().overlap}`"
    assert rows["backoff"] == f"{Policy().backoff / 60_000:g} min"
    for told in (
        f"`agenda.max_concurrent` ({agenda.max_concurrent})",
        f"`max_runs_per_day` ({agent.max_runs_per_day})",
        f"`max_minutes_per_day` ({agent.max_minutes_per_day:g})",
        f"`timeout` ({say_duration(agent.timeout)})",
    ):
        assert told in limits


def test_its_commands_are_there(guide: str, home: Home) -> None:
    for command in re.findall(r"^iai-daemon ([a-z]+ [a-z]+)", guide, re.MULTILINE):
        assert call(home, *command.split(), "--help").returncode == 0
    named = set(re.findall(r"`recall ([a-z]+)", guide))
    assert named <= set(recall.commands)


@pytest.mark.parametrize("group", [recall, sessions, agents], ids=lambda group: group.name)
def test_every_command_of_the_agenda_has_help_with_an_example(group: click.Group) -> None:
    for name, each in group.commands.items():
        assert f"Example: iai-daemon {group.name} {name}" in (each.help or "")
        assert {"--home", "--json"} <= {option for each in each.params for option in each.opts} | (
            {"--json"} if name == "import" else set()
        )
