"""What `--help` says: every command has an example that could be typed as it stands, and every option is explained."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from iai_daemon.cli.group import SECTIONS, iai
from iai_daemon.cli.manual import EXAMPLES
from tests.cli.commands import Listed, every, parse, words_of

COMMANDS = every()
LINES = [(each, line) for each in COMMANDS for line in each.examples]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the files that examples name."""
    (tmp_path / "mine.crontab").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("listed", COMMANDS, ids=str)
def test_every_command_has_an_example_of_its_own(listed: Listed, desk: Path) -> None:
    assert listed.examples, f"`{listed}` has no line `Example: iai-daemon …`"
    # That of a group may show a command in it.
    assert any(parse(words_of(line))[: len(listed.words)] == listed.words for line in listed.examples[:1])


@pytest.mark.parametrize(("listed", "line"), LINES, ids=[line for _, line in LINES])
def test_an_example_can_be_typed_as_it_stands(listed: Listed, line: str, desk: Path) -> None:
    assert parse(words_of(line))


@pytest.mark.parametrize("line", [line for _, lines in EXAMPLES for line in lines])
def test_so_can_those_of_the_manual(line: str, desk: Path) -> None:
    assert parse(words_of(line))


@pytest.mark.parametrize(
    "line", ["iai-daemon nights shwo 3", "iai-daemon nights show", "iai-daemon logs --color"]
)
def test_an_example_that_is_wrong_would_be_seen(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(words_of(line))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("iai-daemon memory export --full > everything.jsonl", ["memory", "export", "--full"]),
        ("crontab -l | iai-daemon recall import crontab -", ["recall", "import", "crontab", "-"]),
        ('eval "$(iai-daemon completion bash)"', ["completion", "bash"]),
        ("iai-wrapper -- iai-daemon mcp", ["mcp"]),
    ],
)
def test_what_a_shell_does_around_an_example_is_no_part_of_it(line: str, words: list[str]) -> None:
    assert words_of(line) == words


@pytest.mark.parametrize("listed", COMMANDS, ids=str)
def test_help_shows_examples_on_a_line_of_their_own(listed: Listed) -> None:
    """However narrow the terminal is: a line that is broken cannot be copied."""
    shown = CliRunner().invoke(iai, [*listed.words, "--help"], terminal_width=60)
    assert shown.exit_code == 0, shown.output
    lines = [line.strip() for line in shown.output.splitlines()]
    assert all(f"Example: {line}" in lines for line in listed.examples)
    assert "\b" not in shown.output


@pytest.mark.parametrize(
    "listed", [each for each in COMMANDS if isinstance(each.command, click.Group)], ids=str
)
def test_help_of_a_group_tells_what_each_of_its_commands_does_in_whole_sentences(listed: Listed) -> None:
    shown = CliRunner().invoke(iai, [*listed.words, "--help"], terminal_width=60).output
    inner = [each for each in COMMANDS if each.words[:-1] == listed.words and each.words]
    assert inner
    assert all(re.search(rf"^  {each.words[-1]} ", shown, re.MULTILINE) for each in inner)
    assert "..." not in shown.partition("Options:")[2]


@pytest.mark.parametrize("listed", COMMANDS, ids=str)
def test_every_option_is_explained_in_a_sentence(listed: Listed) -> None:
    options = [each for each in listed.command.params if isinstance(each, click.Option)]
    unexplained = [each.opts for each in options if not (each.help or "").rstrip().endswith((".", "…"))]
    assert not unexplained
    assert (listed.command.help or "").strip()[:1].isupper()


def test_the_first_help_lists_every_command_once_in_an_order_for_newcomers() -> None:
    assert next(iter(SECTIONS)) == "First steps"
    names = [name for section in SECTIONS.values() for name in section]
    assert len(names) == len(set(names))
    assert iai.list_commands(click.Context(iai)) == names
    shown = CliRunner().invoke(iai, ["--help"]).output
    places = [shown.index(f"\n{title}:\n") for title in SECTIONS]
    assert places == sorted(places)


@pytest.mark.parametrize("listed", COMMANDS, ids=str)
def test_what_the_first_help_says_is_about_what_the_command_says(listed: Listed) -> None:
    """Help does not load the commands, so its sentences stand twice: they begin alike."""
    if len(listed.words) != 1:
        return
    said = {name: text for section in SECTIONS.values() for name, (_, _, text) in section.items()}
    first, *_ = said[listed.words[0]].split()
    assert (listed.command.help or "").split()[0] == first
