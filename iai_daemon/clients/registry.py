"""The clients that are known: what they are called, where their configuration lies, and how servers stand in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Syntax(StrEnum):
    """How a client reads its configuration."""

    JSON = "JSON"
    JSONC = "JSON with comments"
    TOML = "TOML"


@dataclass(frozen=True, slots=True)
class Place:
    """One user on one machine. Paths are made of the variables that clients honour themselves."""

    user: Path
    environment: Mapping[str, str]
    mac: bool = False

    @classmethod
    def here(cls) -> Place:
        """Raises RuntimeError where nobody knows the user's directory."""
        return cls(Path.home(), os.environ, sys.platform == "darwin")

    def named(self, variable: str) -> Path | None:
        """The directory that this variable names; None where it is not set, or depends on where one is."""
        value = self.environment.get(variable, "")
        return Path(value) if value.startswith("/") else None

    @property
    def settings(self) -> Path:
        """Where command-line programs keep their settings (XDG, which those of this kind follow on macOS, too)."""
        return self.named("XDG_CONFIG_HOME") or self.user / ".config"

    @property
    def applications(self) -> Path:
        """Where programs with windows keep their data."""
        return self.user / "Library" / "Application Support" if self.mac else self.settings


@dataclass(frozen=True, slots=True)
class Where:
    """What a client has of its own for this user: one of `signs` says that it is installed.

    Of `files` those that exist count; all of them together where `merged`, else the first alone.
    """

    signs: tuple[Path, ...]
    files: tuple[Path, ...]
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """One client: `name` for commands, `title` for people. Its servers stand under `key`."""

    name: str
    title: str
    syntax: Syntax
    key: str
    where: Callable[[Place], Where]

    def is_installed(self, place: Place) -> bool:
        """As far as its files tell."""
        where = self.where(place)
        return any(map(is_there, (*where.signs, *where.files)))

    def files(self, place: Place) -> tuple[Path, ...]:
        """The files that exist and count, in the order in which a later one overrides what an earlier one says."""
        where = self.where(place)
        found = tuple(filter(is_there, where.files))
        return found if where.merged else found[:1]


def is_there(path: Path) -> bool:
    """Whether something stands there; where nobody lets us look, and at what can be no path, nothing does."""
    try:
        return path.exists()
    except OSError:
        return False


def _claude_code(place: Place) -> Where:
    """`.config.json` is what old versions wrote: where it is left, it counts alone."""
    folder = place.named("CLAUDE_CONFIG_DIR")
    own = folder or place.user / ".claude"
    return Where((own,), (own / ".config.json", (folder or place.user) / ".claude.json"))


def _claude_desktop(place: Place) -> Where:
    folder = place.applications / "Claude"
    return Where((folder,), (folder / "claude_desktop_config.json",))


def _codex(place: Place) -> Where:
    folder = place.named("CODEX_HOME") or place.user / ".codex"
    return Where((folder,), (folder / "config.toml",))


def _cursor(place: Place) -> Where:
    folder = place.user / ".cursor"
    return Where((folder,), (folder / "mcp.json",))


def _vscode(place: Place) -> Where:
    folder = (place.named("VSCODE_APPDATA") or place.applications) / "Code" / "User"
    return Where((folder,), (folder / "mcp.json",))


def _opencode(place: Place) -> Where:
    folder, other, extra = (
        place.settings / "opencode",
        place.named("OPENCODE_CONFIG_DIR"),
        place.named("OPENCODE_CONFIG"),
    )
    names = ("config.json", "opencode.json", "opencode.jsonc")
    files = [folder / name for name in names]
    files += [extra] if extra else []
    files += [other / name for name in names[1:]] if other else []
    return Where((folder,), tuple(files), merged=True)


def _gemini(place: Place) -> Where:
    folder = (place.named("GEMINI_CLI_HOME") or place.user) / ".gemini"
    return Where((folder,), (folder / "settings.json",))


CLIENTS = (
    Client("claude-code", "Claude Code", Syntax.JSON, "mcpServers", _claude_code),
    Client("claude-desktop", "Claude Desktop", Syntax.JSON, "mcpServers", _claude_desktop),
    Client("codex", "Codex", Syntax.TOML, "mcp_servers", _codex),
    Client("cursor", "Cursor", Syntax.JSONC, "mcpServers", _cursor),
    Client("vscode", "VS Code", Syntax.JSONC, "servers", _vscode),
    Client("opencode", "OpenCode", Syntax.JSONC, "mcp", _opencode),
    Client("gemini", "Gemini CLI", Syntax.JSONC, "mcpServers", _gemini),
)
