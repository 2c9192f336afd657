"""config.example.toml holds every setting, its default and an explanation; its strict block is the strict rule."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from iai_daemon import config
from iai_daemon.units import NEVER
from tests.project.source import ROOT

EXAMPLE = ROOT / "config.example.toml"


@pytest.fixture(scope="module")
def text() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


def _keys(text: str) -> list[str]:
    return [f"{section}.{key}" for section, table in tomllib.loads(text).items() for key in table]


def test_every_setting_stands_in_the_example_in_order(text: str) -> None:
    assert _keys(text) == list(config.keys())


def test_the_example_holds_the_defaults(text: str) -> None:
    assert config.parse(text, EXAMPLE) == config.Settings()


def test_the_example_writes_values_as_iai_daemon_does(text: str) -> None:
    assert tomllib.loads(text) == config.plain(config.Settings())


def test_every_setting_is_explained(text: str) -> None:
    """By the comment above it, or above the settings that it belongs to."""
    explained = False
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            assert explained, f"nothing explains {line!r}"
        else:
            explained = line.startswith("# ")


def _uncommented(text: str, block: str) -> config.Settings:
    """What the file would mean with this block of comments in force."""
    inside = text.partition(f"# >>> {block}\n")[2].partition(f"# <<< {block}")[0]
    assert inside
    assert all(line.startswith("#") for line in inside.splitlines())
    return config.parse("\n".join(line[2:] for line in inside.splitlines()), Path(f"{block}.toml"))


def test_the_command_in_the_example_holds_every_setting_of_one_and_the_defaults(text: str) -> None:
    (shown,) = _uncommented(text, "commands").consolidation.commands
    assert shown == config.Command(shown.name, shown.argv)
    block = text.partition("# >>> commands\n")[2].partition("# <<< commands")[0]
    assert set(re.findall(r"^# ([a-z]+) =", block, re.MULTILINE)) == set(config.kinds(config.Command))


def test_the_agent_in_the_example_holds_every_setting_of_one_and_the_defaults(text: str) -> None:
    (shown,) = _uncommented(text, "agents").agents.values()
    assert shown == config.Agent(shown.command, name="claude")
    block = text.partition("# >>> agents\n")[2].partition("# <<< agents")[0]
    assert set(re.findall(r"^# ([a-z_]+) =", block, re.MULTILINE)) == set(config.kinds(config.Agent))


def test_the_strict_block_is_the_rule_only_when_every_wrapper_is_stale_or_orphaned(text: str) -> None:
    settings = _uncommented(text, "strict")
    assert settings == config.Settings(
        lifecycle=config.Lifecycle(inactive_for=NEVER, overdue_after=NEVER, absent_for=0.0),
        consolidation=config.Consolidation(naps=False),
    )
