"""What waking an agent amounts to: its command with everything filled in, and what it is given. Never a shell, never str.format."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.config import Agent
from iai_daemon.errors import AgentUnusable
from iai_daemon.paths import Home
from iai_daemon.programs import starting

# Linux takes 128 KiB in one argument; the rest is for the words around a message.
LONGEST_MESSAGE = 100_000
TOKEN_VARIABLE = "IAI_DAEMON_RECALL_TOKEN"  # noqa: S105 -- the name of one
# The user's own services (keyring, containers, a session's bus) are found by it, as in any login. It is a path and no secret.
_RUNTIME = "XDG_RUNTIME_DIR"
_PLACEHOLDER = re.compile(r"\{(session_id|message|context|token|confirm|model)\}")


@dataclass(frozen=True, slots=True)
class Call:
    """One run of an agent's command; `argv[0]` is an absolute path, `timeout` in seconds; by the `token` the agent confirms it."""

    name: str
    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    timeout: float
    token: str = ""


def make_call(
    agent: Agent,
    session_id: str,
    message: str,
    token: str,
    home: Home,
    *,
    ours: Mapping[str, str] = os.environ,
) -> Call:
    """Fill the agent's command in. Raises AgentUnusable when that cannot be started, or the message cannot be handed over."""
    _require_text(agent, message)
    values = {
        "session_id": session_id,
        "message": message,
        "context": f"[Scheduled recall] {message}",
        "token": token,
        "confirm": f"When it is done, call the tool confirm_recall with the token {token}.",
        "model": agent.model,
    }
    # In one pass: what is filled in is not looked through again.
    argv = [_PLACEHOLDER.sub(lambda found: values[found[1]], each) for each in agent.command]
    if any("\0" in each for each in argv):
        raise AgentUnusable(name=agent.name, problem="a zero byte stands in its command")
    cwd = _directory(agent, home)
    environment = starting.environment((_RUNTIME, *agent.env), home, ours)
    environment[TOKEN_VARIABLE] = token
    argv[0] = _program(agent, argv[0], cwd, environment)
    return Call(agent.name, tuple(argv), cwd, environment, agent.timeout, token)


def _require_text(agent: Agent, message: str) -> None:
    try:
        size = len(message.encode())
    except UnicodeEncodeError as cause:
        raise AgentUnusable(name=agent.name, problem="half a character stands in its message") from cause
    if "\0" in message:
        raise AgentUnusable(name=agent.name, problem="a zero byte stands in its message")
    if size > LONGEST_MESSAGE:
        problem = f"its message has {size:,} bytes, and {LONGEST_MESSAGE:,} are the most"
        raise AgentUnusable(name=agent.name, problem=problem)


def _directory(agent: Agent, home: Home) -> Path:
    cwd = _expand(agent, agent.cwd.replace("{home}", str(home.root)))
    if not cwd.is_dir():
        raise AgentUnusable(name=agent.name, problem=f"there is no directory {cwd} to work in")
    if not os.access(cwd, os.X_OK):
        raise AgentUnusable(name=agent.name, problem=f"the directory {cwd} may not be entered")
    return cwd


def _program(agent: Agent, name: str, cwd: Path, environment: Mapping[str, str]) -> str:
    """Its absolute path, by the agent's own PATH."""
    if "/" not in name:
        path = environment.get("PATH")
        found = shutil.which(name, path=path)
        if found is None:
            raise AgentUnusable(name=agent.name, problem=f"there is no program {name} on its PATH ({path})")
        return os.path.abspath(found)  # noqa: PTH100 -- resolve() would follow a symlink, and programs ask how they were called
    program = cwd / _expand(agent, name)
    if not program.is_file():
        raise AgentUnusable(name=agent.name, problem=f"there is no program {program}")
    if not os.access(program, os.X_OK):
        raise AgentUnusable(name=agent.name, problem=f"{program} is not executable")
    return str(program)


def _expand(agent: Agent, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as cause:
        raise AgentUnusable(name=agent.name, problem=f"there is no home directory for {path}") from cause
