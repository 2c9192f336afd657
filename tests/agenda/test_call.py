"""What is filled into an agent's command, and what is refused before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.agenda.waking.call import LONGEST_MESSAGE, Call, make_call
from iai_daemon.config import Agent
from iai_daemon.errors import AgentUnusable
from iai_daemon.paths import Home

TOKEN = "t0ken"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the agent works, with a program in it."""
    program = tmp_path / "agent"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


def call(
    folder: Path,
    *command: str,
    message: str = "Look again.",
    ours: Mapping[str, str] | None = None,
    **fields: Any,
) -> Call:
    fields = {"cwd": str(folder), "name": "helper", **fields}
    agent = Agent(command=command or ("./agent",), **fields)
    home = Home(folder / "home")
    return make_call(agent, "s-1", message, TOKEN, home, ours=ours or {"PATH": str(folder)})


def refusal(folder: Path, *command: str, **fields: Any) -> str:
    with pytest.raises(AgentUnusable) as refused:
        call(folder, *command, **fields)
    return str(refused.value)


def test_every_placeholder_is_filled_in_wherever_it_stands(folder: Path) -> None:
    command = (
        "./agent",
        "--resume={session_id}",
        "-p",
        "{context}",
        "{message}",
        "{model}",
        "{token}",
        "{confirm}",
    )
    argv = call(folder, *command, model="small").argv
    assert argv[0] == str(folder / "agent")
    assert argv[1:7] == (
        "--resume=s-1",
        "-p",
        "[Scheduled recall] Look again.",
        "Look again.",
        "small",
        TOKEN,
    )
    assert "call the tool confirm_recall" in argv[7]
    assert TOKEN in argv[7]


@pytest.mark.parametrize(
    "message",
    [
        "{session_id} {token} {context}",
        "{message}",
        "{0} {} {message!r} %s $HOME `id`",
        "\\1 \\g<0>",
        "a\n'b' \"c\"",
        "",
    ],
)
def test_a_message_arrives_as_it_was_told_whatever_stands_in_it(folder: Path, message: str) -> None:
    assert call(folder, "./agent", "<{message}>", "{context}", message=message).argv[1:] == (
        f"<{message}>",
        f"[Scheduled recall] {message}",
    )


def test_a_context_never_looks_like_an_option(folder: Path) -> None:
    assert call(folder, "./agent", "{context}", message="--help").argv[1] == "[Scheduled recall] --help"


def test_braces_that_are_no_placeholder_stay(folder: Path) -> None:
    assert call(folder, "./agent", '{"a": {}}', "{home}", "{Message}").argv[1:] == (
        '{"a": {}}',
        "{home}",
        "{Message}",
    )


def test_it_gets_the_usual_variables_and_the_named_ones_and_nothing_else_of_ours(folder: Path) -> None:
    ours = {
        "PATH": str(folder),
        "HOME": "/home/me",
        "LANG": "de_DE.UTF-8",
        "XDG_RUNTIME_DIR": "/run/user/1000",
        "GIVEN": "yes",
        "SECRET": "of nobody's business",
        "IAI_DAEMON_RECALL_TOKEN": "an older one",
        "IAI_DAEMON_OTHER": "ours",
        "NOTIFY_SOCKET": "/run/systemd/notify",
    }
    found = dict(call(folder, ours=ours, env=("GIVEN", "UNSET")).environment)
    assert found == {
        "PATH": str(folder),
        "HOME": "/home/me",
        "LANG": "de_DE.UTF-8",
        "XDG_RUNTIME_DIR": "/run/user/1000",
        "GIVEN": "yes",
        "IAI_DAEMON_HOME": str(folder / "home"),
        "IAI_DAEMON_RECALL_TOKEN": TOKEN,
    }


def test_a_program_is_looked_for_on_the_path_or_where_the_agent_works(folder: Path) -> None:
    assert call(folder, "agent").argv[0] == str(folder / "agent")
    assert call(folder, "./agent").argv[0] == str(folder / "agent")
    assert call(folder, str(folder / "agent"), cwd="/").argv[0] == str(folder / "agent")


def test_it_knows_its_time_limit_and_the_token_that_it_is_confirmed_by(folder: Path) -> None:
    assert call(folder).timeout == 900.0
    assert call(folder, timeout=7.0).timeout == 7.0
    assert call(folder).token == TOKEN


def test_it_works_in_the_home_when_that_is_where_it_should(folder: Path) -> None:
    (folder / "home").mkdir()
    assert call(folder, "agent", cwd="{home}").cwd == folder / "home"
    assert call(folder, "agent", cwd="~").cwd == Path.home()


def test_what_cannot_be_started_is_refused_in_one_sentence(folder: Path) -> None:
    (folder / "text").write_text("no program")
    assert (
        refusal(folder, "./other") == f"The agent helper cannot be woken: there is no program {folder}/other."
    )
    assert refusal(folder, "other").endswith(f"there is no program other on its PATH ({folder}).")
    assert refusal(folder, "./text").endswith(f"{folder}/text is not executable.")
    assert refusal(folder, str(folder)).endswith(f"there is no program {folder}.")
    assert refusal(folder, cwd=str(folder / "gone")).endswith(
        f"there is no directory {folder}/gone to work in."
    )
    assert refusal(folder, cwd=str(folder / "text")).endswith(
        f"there is no directory {folder}/text to work in."
    )


def test_a_message_that_no_argument_can_hold_is_refused(folder: Path) -> None:
    assert "100,001 bytes" in refusal(folder, message="x" * (LONGEST_MESSAGE + 1))
    assert "100,002 bytes" in refusal(folder, message="ä" * (LONGEST_MESSAGE // 2 + 1))
    assert "a zero byte" in refusal(folder, message="a\0b")
    assert "a zero byte" in refusal(folder, "./agent", "a\0b")
    assert "half a character" in refusal(folder, message="\ud83d")
    assert (
        call(folder, "./agent", "{message}", message="x" * LONGEST_MESSAGE).argv[1] == "x" * LONGEST_MESSAGE
    )
