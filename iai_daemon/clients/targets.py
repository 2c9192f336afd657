"""Where in which file a server of a client stands, or is to be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.clients.documents import value_at
from iai_daemon.clients.file import File
from iai_daemon.clients.jsonc import NotRead
from iai_daemon.clients.registry import Client, Place, Syntax
from iai_daemon.errors import Refused

# The file of a project, below its directory; Claude Desktop knows no projects.
_PROJECT_FILES = {
    "claude-code": ".mcp.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "vscode": ".vscode/mcp.json",
    "opencode": "opencode.json",
    "gemini": ".gemini/settings.json",
}
# Which file a client makes where it has none, by its name; of the others the first.
_USUAL = {"claude-code": ".claude.json", "opencode": "opencode.jsonc"}
# What an agent reads before it begins: below the user's own directory of that client, and below a project.
_INSTRUCTIONS = {
    "claude-code": "CLAUDE.md",
    "codex": "AGENTS.md",
    "cursor": "AGENTS.md",
    "vscode": "AGENTS.md",
    "opencode": "AGENTS.md",
    "gemini": "GEMINI.md",
}
_OF_USER = {"claude-code", "codex", "opencode", "gemini"}


@dataclass(frozen=True, slots=True)
class Target:
    """One server in one file: `path` leads to it, whether it is there or not."""

    file: File
    syntax: Syntax
    path: tuple[str, ...]

    @property
    def value(self) -> object:
        return value_at(self.file.text, self.syntax, self.path)

    @property
    def missing(self) -> int:
        """How many of the tables around it are not there."""
        depth = len(self.path) - 1
        found = [value_at(self.file.text, self.syntax, self.path[:at]) for at in range(1, depth + 1)]
        return sum(each is None for each in found)


def target(client: Client, place: Place, project: Path | None, server: str, *, adds: bool = False) -> Target:
    """Where a server is, or would be added. `adds`: one that only some project has is added for all. Raises Refused."""
    there = [each for each in _all(client, place, project, server) if each.value is not None]
    of_all = [each for each in there if each.path[0] != "projects"]
    if project is None and (of_all or adds):
        there = of_all
    if len(there) > 1 and there[-1].path[0] == "projects":
        folders = ", ".join(each.path[1] for each in there)
        problem = f"{client.title} has {server} in several projects ({folders}): give one with --project."
        raise Refused(problem=problem)
    return there[-1] if there else next(_all(client, place, project, server, new=True))


def instructions(client: Client, place: Place, project: Path | None) -> File:
    """The file whose lines the client's agents read. Raises Refused."""
    name = _INSTRUCTIONS.get(client.name)
    if name is None or (project is None and client.name not in _OF_USER):
        where = " for one user: give a project with --project DIR" if name else ""
        raise Refused(problem=f"{client.title} reads no file of instructions{where}.")
    folder = client.where(place).signs[0] if project is None else project
    return File.read(folder / name)


def _all(
    client: Client, place: Place, project: Path | None, server: str, *, new: bool = False
) -> Iterator[Target]:
    """Every place where it may stand, the one that counts last; `new`: the one place where it is added."""
    for path in [_file(client, place, project)] if new else _files(client, place, project):
        file = File.read(path)
        syntax = client.syntax
        try:
            if new or project is None or path not in client.files(place):
                yield Target(file, syntax, (*_table(file, client), server))
            if not new and client.name == "claude-code":
                projects = value_at(file.text, syntax, ["projects"])
                for folder in projects if isinstance(projects, Mapping) else ():
                    if project is None or folder == str(project):
                        yield Target(file, syntax, ("projects", folder, client.key, server))
        except NotRead as why:
            raise Refused(problem=f"{path} cannot be read: {why}.") from why


def _table(file: File, client: Client) -> tuple[str, ...]:
    """OpenCode 2 has one table more."""
    inner = value_at(file.text, client.syntax, [client.key, "servers"])
    nested = isinstance(inner, Mapping) and not {"command", "url", "type"} & set(inner)
    return (client.key, "servers") if nested else (client.key,)


def _files(client: Client, place: Place, project: Path | None) -> list[Path]:
    found = [*client.files(place)]
    if project is not None:
        found = [each for each in found if client.name == "claude-code"] + [_file(client, place, project)]
    return found


def _file(client: Client, place: Place, project: Path | None) -> Path:
    if project is not None:
        if client.name not in _PROJECT_FILES:
            raise Refused(problem=f"{client.title} has no configuration of a project: leave --project out.")
        return project / _PROJECT_FILES[client.name]
    there = client.files(place)
    if there:
        return there[-1]
    files = client.where(place).files
    return next((each for each in files if each.name == _USUAL.get(client.name)), files[0])
