"""What the documents say is so: the diagram, the rules, the commands, the targets of make. `tests/docs/` runs what they show."""

from __future__ import annotations

import re

import pytest

from iai_daemon import config
from iai_daemon.cli import group
from iai_daemon.lifecycle import states
from tests.project.source import ROOT


def _read(name: str) -> str:
    path = ROOT / name
    assert path.is_file(), f"{name} is missing"
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "docs/explanation/lifecycle.md"])
def test_the_diagram_is_the_table(document: str) -> None:
    diagrams = re.findall(r"```mermaid\n(stateDiagram-v2\n.*?)\n```", _read(document), re.DOTALL)
    assert diagrams == [states.diagram()]


def test_every_rule_is_explained_with_the_state_that_it_leads_to() -> None:
    rows = re.findall(
        r"^\| `([a-z]+)` \| .* \| (WAKE|IDLE|BEDTIME)\b", _read("docs/explanation/lifecycle.md"), re.MULTILINE
    )
    told = {event: states.TRANSITIONS[states.State.WAKE][event] for event in states.Event}
    assert sorted(rows) == sorted(
        [("started", "WAKE"), *((event.rule, str(state)) for event, state in told.items())]
    )


def test_every_pass_is_explained_in_the_order_in_which_nights_run_them() -> None:
    table = _read("docs/explanation/nights.md").partition("| pass | does |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([a-z]+)`", table, re.MULTILINE) == list(config.PASSES)


def test_the_readme_names_commands_that_exist_and_the_reference_all_of_them() -> None:
    listed = set(group._COMMANDS)
    assert set(re.findall(r"iai-daemon ([a-z]+)\b", _code("README.md"))) <= listed
    assert listed <= set(
        re.findall(r"^## iai-daemon ([a-z]+)", _read("docs/reference/commands.md"), re.MULTILINE)
    )


def test_the_readme_shows_a_newcomer_the_first_steps() -> None:
    for name in group.SECTIONS["First steps"]:
        assert re.search(rf"\b{name}\b", _code("README.md")), name


def _code(name: str) -> str:
    return "\n".join(re.findall(r"```sh\n.*?```|`[^`\n]+`", _read(name), re.DOTALL))


def test_continuous_integration_runs_what_the_readme_says() -> None:
    assert {"make test", "make demo"} <= set(re.findall(r"^make [a-z]+", _read("README.md"), re.MULTILINE))
    assert re.search(r"^make test$", _read(".ci/run"), re.MULTILINE)
