"""The pages of the reference are what the code says of itself now, and nothing is missing in them."""

from __future__ import annotations

import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import cast

import pytest

from iai_daemon import config, handlers, paths
from iai_daemon.agenda import recall, slot
from iai_daemon.cli.reference import control, errors, words
from iai_daemon.cli.reference.markdown import anchor, prose, table
from iai_daemon.cli.reference.pages import pages
from iai_daemon.consolidation import report
from iai_daemon.control import messages
from iai_daemon.lifecycle import states
from iai_daemon.presence import classify
from tests.cli.commands import every
from tests.project.source import ROOT

FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_the_pages_say_what_the_code_says_now(made: dict[str, str]) -> None:
    old = [name for name, text in made.items() if (FOLDER / name).read_text(encoding="utf-8") != text]
    assert not old, f"docs/reference: {old} are not up to date: `make reference` renews them"


def test_the_module_writes_them_wherever_and_however_narrow_the_terminal_is(
    made: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "iai_daemon.cli.reference", str(tmp_path)],
        env={"HOME": str(tmp_path), "PATH": "", "COLUMNS": "20", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == made


def test_every_command_argument_option_and_example_stands_in_it(made: dict[str, str]) -> None:
    text = made["commands.md"]
    for listed in every()[1:]:
        assert re.search(rf"^#+ iai-daemon {listed}$", text, re.MULTILINE)
        assert all(line in text for line in listed.examples)
        assert all(
            max(each.opts, key=len) in text for each in listed.command.params if each.opts[0][0] == "-"
        )
    assert "usage: iai-wrapper" in text


def test_every_setting_stands_in_it_with_its_default_and_what_it_can_be(made: dict[str, str]) -> None:
    sections = re.split(r"^##+ ", made["settings.md"], flags=re.MULTILINE)
    told = {head: said for head, _, said in (each.partition("\n") for each in sections)}
    for key in list(config.keys()):
        assert re.search(r"^- default: `.+`$", told[key], re.MULTILINE)
        assert re.search(r"^- it must be \S+", told[key], re.MULTILINE)
        # What it means: more than a word.
        assert len(told[key].strip().splitlines()[-1].split()) > 3
    assert {"[[consolidation.commands]]", "[agents.NAME]"} <= set(told)


def test_the_line_of_each_setting_is_the_one_in_the_example(made: dict[str, str]) -> None:
    lines = (ROOT / "config.example.toml").read_text(encoding="utf-8").splitlines()
    found = re.findall(r"^### \w+\.(\w+)$.*?, line (\d+)$", made["settings.md"], re.MULTILINE | re.DOTALL)
    assert len(found) == len(list(config.keys()))
    assert all(lines[int(number) - 1].startswith(f"{key} = ") for key, number in found)


def test_every_method_and_error_of_the_control_socket_is_explained(made: dict[str, str]) -> None:
    # They are only named here: no daemon is asked.
    assert set(control.METHODS) == set(handlers.handlers(cast("handlers.Daemon", None)))
    codes = {str(value) for value in vars(messages).values() if isinstance(value, int) and value < 0}
    assert codes == set(re.findall(r"`(-\d+)`", made["control.md"]))


@pytest.mark.parametrize(
    "kind",
    [
        states.State,
        classify.Status,
        recall.CallType,
        recall.Status,
        recall.State,
        recall.CatchUp,
        slot.SlotState,
    ],
)
def test_every_word_for_how_something_stands_is_in_it(kind: type[StrEnum], made: dict[str, str]) -> None:
    assert all(re.search(rf"\b{word}\b", made["states.md"]) for word in kind)


def test_every_rule_heartbeat_and_outcome_is_explained(made: dict[str, str]) -> None:
    assert all(f"| `{event.rule}` | " in made["states.md"] for event in states.Event)
    assert set(words.HEARTBEATS) == set(classify.Status)
    outcomes = {report.COMPLETED, report.YIELDED, report.NOTHING_TO_DO, report.FAILED, report.CANCELLED}
    assert set(words.OUTCOMES) == outcomes


def test_every_error_that_says_something_stands_in_it_with_its_exit_status(made: dict[str, str]) -> None:
    for each in errors.every():
        assert f"| {each.__name__} | {each.exit_status} | " in made["errors.md"]


def test_every_file_of_a_home_stands_in_it(made: dict[str, str]) -> None:
    home = paths.Home(Path())
    names = [name for name, each in vars(paths.Home).items() if isinstance(each, property)]
    assert all(f"| `{getattr(home, name)}` | " in made["files.md"] for name in names)


def test_a_link_leads_to_a_heading_of_its_page(made: dict[str, str]) -> None:
    for name, text in made.items():
        heads = {anchor(head) for head in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        links = set(re.findall(r"\]\(#([^)]+)\)", text))
        assert links <= heads, name


def test_no_name_of_this_machine_stands_in_a_page(made: dict[str, str]) -> None:
    home = str(Path.home())
    assert not [name for name, text in made.items() if home in text or str(ROOT) in text]


def test_what_would_begin_something_in_markdown_is_shown_as_it_is() -> None:
    assert (
        prose("2 * 3 < 7, see `a*b<c`,\n or [x](y) or [z]") == r"2 \* 3 \< 7, see `a*b<c`, or [x\](y) or [z]"
    )
    assert table(["a"], [["x | y"]]).splitlines()[-1] == r"| x \| y |"
    assert anchor("[[consolidation.commands]]") == "consolidationcommands"
