"""docs/how-to/passes.md: its plug-in and its tests run, its settings load, and it names all that a command gets and may end with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from iai_daemon import config, passes
from iai_daemon.consolidation import program
from iai_daemon.consolidation.passes import commands
from iai_daemon.errors import PlugInFailed
from iai_daemon.passes.trial import Trial, check
from iai_daemon.programs import starting
from tests.consolidation.foreign_passes import Archiving, Looking, WithoutCursor
from tests.project.source import ROOT

GUIDE = (ROOT / "docs" / "how-to" / "passes.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in _blocks("python"):
        exec(compile(block, "passes.md", "exec"), names)  # noqa: S102 -- our own
    return names


def test_the_plug_in_of_the_guide_passes_its_tests(sample: dict[str, Any]) -> None:
    tests = [name for name in sample if name.startswith("test_")]
    assert len(tests) == 2
    for name in tests:
        sample[name]()


def test_the_command_of_the_guide_loads() -> None:
    settings, entry_point = _blocks("toml")
    (command,) = config.parse(settings, Path("passes.md")).consolidation.commands
    assert f"command:{command.name}" in GUIDE
    assert set(re.findall(r"^([a-z]+) =", settings, re.MULTILINE)) == set(config.kinds(config.Command))
    assert f'"{config.PLUG_INS}"' in entry_point


def test_the_guide_names_what_a_program_gets_and_how_it_may_end() -> None:
    assert f"`{' '.join(starting.USUAL)}`" in GUIDE
    assert f"`{program.YIELD_VARIABLE}=TERM`" in GUIDE
    for status in (commands.DONE, commands.HALF_WAY, commands.NOTHING_TO_DO):
        assert f"\n| {status} | " in GUIDE
    for name in passes.SETTABLE:
        assert f"`{name}`" in GUIDE
    assert f"version {passes.PROTOCOL} of the protocol" in GUIDE


class _Busy(Looking):
    """Never says that it has seen enough."""

    def input(self, store: passes.NightStore, now: int) -> str:  # noqa: ARG002 -- of the protocol
        return "always"


class _Chancy(Archiving):
    """Gives a change another id each time."""

    made = 0

    def change(self, record: passes.Record) -> Any:
        type(self).made += 1
        planned = super().change(record)
        return passes.Change(str(self.made), "x", record.id, record.revision, "because", planned.sets, {})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_Busy, "a second night over unchanged memories finds something to do"),
        (_Chancy, "the same memories do not get the same changes with the same ids"),
    ],
)
def test_the_check_says_which_promise_is_broken(made: Any, said: str) -> None:
    drafts = [passes.Draft("one"), passes.Draft("two")]
    with pytest.raises(AssertionError, match=said):
        check(made.name, made, drafts)


def test_the_check_accepts_good_passes_and_a_trial_refuses_what_is_none() -> None:
    drafts = [passes.Draft("one"), passes.Draft("two")]
    assert check("archiving", Archiving, drafts)["outcome"] == "completed"
    assert check("without-cursor", WithoutCursor, drafts)["outcome"] == "nothing_to_do"
    with pytest.raises(PlugInFailed, match="its `name` cannot be 'archiving'"):
        Trial("another", Archiving)


def test_every_exported_name_of_the_protocol_exists() -> None:
    assert all(hasattr(passes, name) for name in passes.__all__)
