"""Every block of the documents is what it says it is: settings load, JSON and Python parse, statements are those that tests run, and
what is not run says why."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from iai_daemon import config
from iai_daemon.clients import reading
from tests.cli import commands as cli
from tests.docs.pages import Block, blocks, pages
from tests.docs.shell import OURS, Command, commands
from tests.project.source import ROOT
from tests.storage import team

# Nothing of a block in these languages can be wrong: what a program printed, a text of somebody's, a drawing.
_SAMPLES = ("", "text", "markdown", "mermaid")
_LANGUAGES = ("sh", "console", "toml", "json", "python", "sql", "yaml")
# Whose blocks of Python are run by tests of their own.
_RUN_ELSEWHERE = {"docs/how-to/passes.md": "tests/examples", "docs/how-to/naps.md": "tests/dreaming"}
_ALL = [command for block in blocks("sh") for command in commands(block)]


def _ids(block: Block) -> str:
    return block.place


def test_every_block_has_a_language_that_somebody_checks() -> None:
    assert not [each.place for each in blocks() if each.language not in (*_SAMPLES, *_LANGUAGES)]
    hidden = re.compile(rf"^(\$ )?({'|'.join(OURS)}) [a-z]", re.MULTILINE)
    assert not [each.place for each in blocks(*_SAMPLES) if hidden.search(each.text)], (
        "commands belong into ```sh"
    )


@pytest.mark.parametrize("block", blocks("toml"), ids=_ids)
def test_settings_load(block: Block) -> None:
    read = tomllib.loads(block.text)
    if "project" in read:
        assert read["project"]["entry-points"].keys() == {config.PLUG_INS}
        return
    config.parse(block.text, Path("/home/ada/.iai-daemon/config.toml"))


@pytest.mark.parametrize("block", blocks("json"), ids=_ids)
def test_json_parses_and_what_a_client_would_read_is_a_server_to_it(block: Block) -> None:
    read = _json(block.text)
    servers = [each for one in read for each in _servers(one)]
    named = {"mcpServers", "servers", "command"} & {
        key for one in read if isinstance(one, dict) for key in one
    }
    assert bool(servers) == bool(named)
    for server in servers:
        assert server.command, block.place


def _json(text: str) -> list[object]:
    """One text, or one a line."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines()]


def _servers(read: object) -> list[reading.Server]:
    """As the clients' configurations are read; an entry on its own counts, too."""
    if isinstance(read, dict) and "command" in read:
        read = {"mcpServers": {"alone": read}}
    if isinstance(read, dict) and "mcpServers" in read:
        return list(reading.in_content(read, "mcpServers"))
    return []


@pytest.mark.parametrize("block", blocks("python"), ids=_ids)
def test_python_compiles_and_is_run_by_its_own_test(block: Block) -> None:
    compile(block.text, block.place, "exec")
    where = ROOT / _RUN_ELSEWHERE[block.page]
    assert any(Path(block.page).name in path.read_text("utf-8") for path in where.glob("test_*.py"))


@pytest.mark.parametrize("block", blocks("sql"), ids=_ids)
def test_statements_are_those_with_which_the_tests_set_a_team_up(block: Block) -> None:
    title = block.text.partition("\n")[0].removeprefix("-- ")
    assert f'documented("{title}")' in Path(team.__file__).read_text("utf-8")
    assert team.documented(title)


@pytest.mark.parametrize("block", blocks("yaml"), ids=_ids)
def test_yaml_parses(block: Block) -> None:
    assert yaml.safe_load(block.text)


def test_what_is_not_run_says_why_and_is_the_lesser_part(record_property: pytest.RecordProperty) -> None:
    left_out = [each for each in _ALL if each.why_not is not None]
    for each in left_out:
        record_property(each.place, f"{each.line}: {each.why_not}")
    ours = [each for each in _ALL if each.is_ours]
    assert not [each.place for each in left_out if not each.why_not]
    assert len([each for each in ours if each.why_not]) <= len(ours) / 3, [each.line for each in left_out]


def test_a_comment_about_lines_is_about_lines_that_are_there() -> None:
    for block in blocks("sh"):
        names = [each.name for each in commands(block)]
        for comment in block.not_run:
            assert all(any(name.startswith(prefix) for name in names) for prefix in comment.lines), (
                block.place
            )
    comments = [text for each in pages() for text in re.findall(r"<!-- (not run.*?) -->\n(.*)", each.text)]
    assert all(following.startswith(("```", "<!-- ")) for _, following in comments)


@pytest.mark.parametrize("command", [each for each in _ALL if each.why_not], ids=lambda each: each.place)
def test_what_is_not_run_is_understood(command: Command) -> None:
    """`iai-daemon` reads it as click does before it runs anything."""
    if not command.is_ours and "$(iai-daemon" not in command.line:
        return
    if command.program == "iai-wrapper":
        return
    try:
        cli.parse(cli.words_of(command.line.partition(" #")[0]))
    except click.UsageError as wrong:
        pytest.fail(f"{command.place}: {wrong.format_message()}")


def test_every_target_of_make_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for each in pages():
        named = re.findall(
            r"`(?:[A-Z]+=\S+ )?make ([a-z-]+)|^(?:[A-Z]+=\S+ )?make ([a-z-]+)", each.text, re.MULTILINE
        )
        assert {first or second for first, second in named} <= targets, each.name
