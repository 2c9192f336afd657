"""Real clients, each in a home of its own: its program, its environment, and its own commands for MCP servers.

Nothing is sent anywhere: updates and telemetry are off by each client's own settings, and models are scripted ones on loopback.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

# A client that has not ended by then never will.
SECONDS = 60

Done = subprocess.CompletedProcess[str]


class Client:
    """One client: what its own command line is like, how it names itself to a server, and what it has written."""

    # What the client is called here, what its program is called, and which file holds its servers.
    name: ClassVar[str]
    program_name: ClassVar[str]
    file: ClassVar[str]
    # Who it says it is when it only looks whether a server answers, and when it works.
    probes_as: ClassVar[str]
    works_as: ClassVar[str]
    # What it calls a tool of the server `memory`, where `{}` stands for the tool's own name.
    tool: ClassVar[str]
    # Whether a server is told which conversation it serves.
    tells_session: ClassVar = False
    switched_off: ClassVar[Mapping[str, str]] = {}

    def __init__(self, program: Path, root: Path) -> None:
        self.program = program
        self.home = root / self.name
        self.project = self.home / "project"
        self.project.mkdir(parents=True)

    @property
    def written(self) -> str:
        """What the file with the servers holds."""
        return (self.home / self.file).read_text()

    def environment(self) -> dict[str, str]:
        """As small as can be: nothing of whoever runs the tests reaches a client."""
        path = os.environ.get("PATH", os.defpath)
        return {"HOME": str(self.home), "PATH": path, "TERM": "dumb", **self.switched_off}

    def start(self, *words: str, **more: str) -> subprocess.Popen[str]:
        """The client in its project; `more` goes into its environment. Its output comes at its end, which is short."""
        return subprocess.Popen(
            [str(self.program), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.project,
            env=self.environment() | more,
        )

    def run(self, *words: str) -> str:
        """One command, which has to go well; what it says."""
        process = self.start(*words)
        said = end_of(process)
        assert process.returncode == 0, said
        return said

    def add(self, server: Sequence[str]) -> None:
        """Tell the client of the server `memory` by its own command."""
        raise NotImplementedError

    def remove(self) -> None:
        """Let the client forget it by its own command."""
        raise NotImplementedError

    def probe(self, model: str) -> subprocess.Popen[str]:  # noqa: ARG002 -- a client that has no other way works with it
        """Let the client see whether the server answers. `model` is where a scripted one is, should it take that."""
        return self.start("mcp", "list")

    def has_seen_it_answer(self, said: str) -> bool:
        """Whether the client's own words say so."""
        return "onnected" in said and "memory" in said

    def work(self, model: str, prompt: str) -> subprocess.Popen[str]:
        """One session without a user, with the scripted model at that address."""
        raise NotImplementedError


def end_of(process: subprocess.Popen[str]) -> str:
    """What the client says until it ends; one that does not end is killed, and fails the test."""
    try:
        return process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise


class ClaudeCode(Client):
    name = "claude-code"
    program_name = "claude"
    file = ".claude.json"
    probes_as = works_as = "claude-code"
    tool = "mcp__memory__{}"
    tells_session = True
    switched_off: ClassVar = {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}

    def add(self, server: Sequence[str]) -> None:
        self.run("mcp", "add", "--scope", "user", "memory", "--", *server)

    def remove(self) -> None:
        self.run("mcp", "remove", "--scope", "user", "memory")

    def work(self, model: str, prompt: str) -> subprocess.Popen[str]:
        allowed = ",".join(map(self.tool.format, ("remember", "search_memory")))
        # It waits five seconds for its servers, and then does without them: on a busy machine that is not enough.
        patience = {"MCP_CONNECTION_NONBLOCKING": "0", "MCP_CONNECT_TIMEOUT_MS": f"{SECONDS}000"}
        away = {"ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "none"}
        return self.start("-p", "--allowedTools", allowed, "--", prompt, **patience, **away)


class Codex(Client):
    """Its `mcp list` only reads its file, so that it is asked in a session whether the server answers."""

    name = "codex"
    program_name = "codex"
    file = ".codex/config.toml"
    probes_as = works_as = "codex-mcp-client"
    tool = "mcp__memory/{}"
    tells_session = True
    # By itself it does not, and a model that answers at once never sees their tools.
    waits_for_servers = True

    def add(self, server: Sequence[str]) -> None:
        (self.home / ".codex").mkdir(exist_ok=True)
        self.run("mcp", "add", "memory", "--", *server)

    def remove(self) -> None:
        self.run("mcp", "remove", "memory")

    def probe(self, model: str) -> subprocess.Popen[str]:
        return self.work(model, "Say hello.")

    def has_seen_it_answer(self, said: str) -> bool:
        return "Seen to it." in said  # else it ends before it asks: the server is required

    def work(self, model: str, prompt: str) -> subprocess.Popen[str]:
        settings = {
            "model": "scripted",
            "model_provider": "local",
            "model_providers.local.name": "local",
            "model_providers.local.base_url": f"{model}/v1",
            "model_providers.local.wire_api": "responses",
            "check_for_update_on_startup": False,
            "analytics.enabled": False,
            "mcp_servers.memory.required": self.waits_for_servers,
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={json.dumps(value)}")]
        return self.start("exec", "--skip-git-repo-check", *options, prompt)


class OpenCode(Client):
    name = "opencode"
    program_name = "opencode"
    file = ".config/opencode/opencode.jsonc"
    probes_as = works_as = "opencode"
    tool = "memory_{}"
    switched_off: ClassVar = {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    }

    def add(self, server: Sequence[str]) -> None:
        self.run("mcp", "add", "memory", "--", *server)

    def work(self, model: str, prompt: str) -> subprocess.Popen[str]:
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{model}/v1", "apiKey": "none"},
            "models": {"scripted": {}},
        }
        settings = {"model": "local/scripted", "share": "disabled", "provider": {"local": provider}}
        return self.start("run", prompt, OPENCODE_CONFIG_CONTENT=json.dumps(settings))


class Gemini(Client):
    """In a folder that is not trusted it starts no server at all."""

    name = "gemini"
    program_name = "gemini"
    file = ".gemini/settings.json"
    probes_as, works_as = "mcp-test-client", "gemini-cli-mcp-client"
    tool = "mcp_memory_{}"
    switched_off: ClassVar = {"GEMINI_CLI_TRUST_WORKSPACE": "true"}
    _settings: ClassVar = {
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "privacy": {"usageStatisticsEnabled": False},
        "security": {"auth": {"selectedType": "gemini-api-key"}},
    }

    def add(self, server: Sequence[str]) -> None:
        # Its first -- is its own, wherever it stands: without one, the server's command would lose the wrapper's.
        self.run("mcp", "add", "--scope", "user", "memory", server[0], "--", *server[1:])

    def remove(self) -> None:
        self.run("mcp", "remove", "--scope", "user", "memory")

    def work(self, model: str, prompt: str) -> subprocess.Popen[str]:
        own = self.home / self.file
        own.write_text(json.dumps(json.loads(own.read_text()) | self._settings))
        words = ("--model", "gemini-2.5-flash", "--approval-mode", "yolo", "--prompt", prompt)
        return self.start(*words, GOOGLE_GEMINI_BASE_URL=model, GEMINI_API_KEY="none")


CLIENTS: tuple[type[Client], ...] = (ClaudeCode, Codex, OpenCode, Gemini)
