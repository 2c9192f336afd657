"""How a server stands in a client's configuration, member by member."""

from __future__ import annotations

import pytest

from iai_daemon.clients.entries import MEMORY, Commands, NotWrapped, entry, wrapped

COMMANDS = Commands("/usr/bin/python3", "/opt/iai_wrapper.py", "/home/me/.iai-daemon")
BEFORE = ["/usr/bin/python3", "-I", "-S", "/opt/iai_wrapper.py", "--home", "/home/me/.iai-daemon", "--"]
IN_THE_NETWORK = "is not started by the client but reached in the network: only a command can be wrapped"
NO_TEXT = "has a command that is no text, or arguments that are no list of texts"


def test_the_wrapper_stands_before_a_servers_own_command() -> None:
    assert COMMANDS.wrapper == BEFORE


def test_the_memory_is_started_behind_the_wrapper_in_the_same_home() -> None:
    assert MEMORY == "iai-memory"
    memory = ["/usr/bin/python3", "-P", "-m", "iai_daemon", "--home", "/home/me/.iai-daemon", "mcp"]
    assert COMMANDS.memory == [*BEFORE, *memory]


@pytest.mark.parametrize(
    ("client", "written"),
    [
        ("opencode", {"type": "local", "command": ["npx", "-y", "x"]}),
        ("claude-code", {"type": "stdio", "command": "npx", "args": ["-y", "x"], "env": {}}),
        ("vscode", {"type": "stdio", "command": "npx", "args": ["-y", "x"]}),
        ("cursor", {"command": "npx", "args": ["-y", "x"]}),
        ("codex", {"command": "npx", "args": ["-y", "x"]}),
        ("claude-desktop", {"command": "npx", "args": ["-y", "x"]}),
        ("gemini", {"command": "npx", "args": ["-y", "x"]}),
    ],
)
def test_an_entry_is_written_as_the_client_writes_one_itself(client: str, written: dict[str, object]) -> None:
    made = entry(client, ["npx", "-y", "x"])
    assert made == written
    assert list(made) == list(written)


@pytest.mark.parametrize(
    ("server", "members"),
    [
        (
            {"command": "npx", "args": ["-y", "x"], "env": {"A": "b"}},
            {"command": "w", "args": ["--", "npx", "-y", "x"]},
        ),
        ({"command": "npx"}, {"command": "w", "args": ["--", "npx"]}),
        ({"command": "npx", "args": []}, {"command": "w", "args": ["--", "npx"]}),
        ({"command": ["npx", "x"]}, {"command": ["w", "--", "npx", "x"]}),
        ({"command": ["npx"], "args": ["x"]}, {"command": ["w", "--", "npx"]}),
        ({"command": "npx", "url": "http://x"}, {"command": "w", "args": ["--", "npx"]}),
    ],
)
def test_the_wrapper_is_put_in_front_of_what_is_there(
    server: dict[str, object], members: dict[str, object]
) -> None:
    before = dict(server)
    assert wrapped(server, ["w", "--"]) == members
    assert server == before


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ({}, IN_THE_NETWORK),
        ({"url": "http://x"}, IN_THE_NETWORK),
        ({"command": None, "args": ["x"]}, IN_THE_NETWORK),
        ({"command": []}, IN_THE_NETWORK),
        ({"command": 3}, NO_TEXT),
        ({"command": ["npx", 3]}, NO_TEXT),
        ({"command": "npx", "args": "x"}, NO_TEXT),
        ({"command": "npx", "args": None}, NO_TEXT),
        ({"command": "npx", "args": ["x", 3]}, NO_TEXT),
        ({"command": ["npx"], "args": "x"}, NO_TEXT),
    ],
)
def test_what_has_no_command_cannot_be_wrapped(server: dict[str, object], why: str) -> None:
    with pytest.raises(NotWrapped) as refused:
        wrapped(server, ["w", "--"])
    assert str(refused.value) == why
