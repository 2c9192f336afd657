"""What docs/how-to/calendar.md says is so: its settings load, its states, commands and tools are those that there are."""

from __future__ import annotations

import re
import shlex

import pytest

from iai_daemon.agenda.slot import SlotState
from iai_daemon.cli.slots import slots
from iai_daemon.config import Agenda, Calendar, parse
from iai_daemon.mcp_server.calendar_tools import CalendarTools
from iai_daemon.paths import Home
from iai_daemon.units import say_duration
from tests.project.source import ROOT


@pytest.fixture(scope="module")
def guide() -> str:
    return (ROOT / "docs" / "how-to" / "calendar.md").read_text(encoding="utf-8")


def _section(guide: str, title: str) -> str:
    return guide.split(f"## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def test_its_settings_load(guide: str, home: Home) -> None:
    loaded = [parse(text, home.config) for text in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)]
    assert len(loaded) == 4
    assert all(each.calendar.is_set for each in loaded)
    assert {each.calendar.backend for each in loaded} == {"http", "icalendar"}
    agents = [agent for each in loaded for agent in each.agents.values()]
    assert not [each for each in agents if "{context}" not in each.command]
    assert [each.calendar.api_key_env for each in loaded if each.calendar.api_key_env] == ["CALENDAR_KEY"]


def test_it_tells_every_state(guide: str) -> None:
    states = _section(guide, "What becomes of a slot").split("What the agent does decides")[0]
    assert re.findall(r"^\| `([a-z_]+)`", states, re.MULTILINE) == list(SlotState)


def test_its_defaults_are_those_that_hold(guide: str) -> None:
    assert f"`agenda.max_defer` ({say_duration(Agenda().max_defer)})" in guide
    assert f"`calendar.history` ({Calendar().history})" in guide
    assert f"every {Calendar().interval:g} seconds" in guide


def test_its_commands_and_their_options_are_there(guide: str) -> None:
    by_hand = re.findall(r"^iai-daemon slots (.*)$", _section(guide, "By hand"), re.MULTILINE)
    assert {line.split()[0] for line in by_hand} == set(slots.commands)
    for line in by_hand:
        name, *words = shlex.split(line)
        slots.commands[name].make_context(name, words)


def test_it_tells_every_tool(guide: str) -> None:
    told = re.findall(r"^\| `([a-z_]+)`", _section(guide, "What an agent can do"), re.MULTILINE)
    assert told == [name for name in vars(CalendarTools) if name.startswith("calendar_")]


def test_what_it_points_to_is_there(guide: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", guide):
        assert (ROOT / "docs" / "how-to" / target).is_file()
