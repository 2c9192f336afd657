"""What a client's configuration says of its MCP servers: read whatever is in the file, and never a secret of it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iai_daemon.clients.jsonc import NotRead, parse
from iai_daemon.clients.registry import Client, Place, Syntax
from iai_daemon.foreign import printable
from iai_daemon.paths import HOME_VARIABLE

MAX_BYTES = 10_000_000
# Files are merged as far down as a setting of one server stands: mcp.servers.NAME.enabled.
_MERGED = 4
# An entry of nothing else only says more of a server that is defined where we do not look.
_ASIDE = {"enabled", "disabled", "timeout"}


@dataclass(frozen=True, slots=True)
class Server:
    """One server as a client is told to reach it.

    `command` is the program and its arguments, empty where it is `remote`. Of the variables that it is given only the
    names are kept, and of IAI_DAEMON_HOME its value: the others may be secrets, as an address may hold one.
    `project` is the directory in which alone it is started (Claude Code), `odd` why nobody can start it.
    """

    name: str
    command: tuple[str, ...] = ()
    remote: bool = False
    variables: tuple[str, ...] = ()
    home: str | None = None
    enabled: bool = True
    project: str | None = None
    odd: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be read, and why: "line 3: …"."""

    path: Path
    why: str


def servers(client: Client, place: Place) -> list[Server | Refused]:
    """What the configuration of this client says; files that cannot be read are named first, and the others count."""
    contents = [_load(path, client.syntax) for path in client.files(place)]
    merged: object = {}
    for each in contents:
        merged = merged if isinstance(each, Refused) else _over(merged, each, _MERGED)
    return [*(each for each in contents if isinstance(each, Refused)), *in_content(merged, client.key)]


def _over(under: object, over: object, levels: int) -> object:
    """What holds where a later file says something else of the same keys, so many levels down."""
    if not (levels and isinstance(under, Mapping) and isinstance(over, Mapping)):
        return over
    return {**under, **{key: _over(under.get(key), each, levels - 1) for key, each in over.items()}}


def _load(path: Path, syntax: Syntax) -> object:
    """The content of a file, or Refused."""
    try:
        return content_of(read_file(path)[0], syntax)
    except OSError as error:
        return Refused(path, f"it cannot be opened ({error.strerror})")
    except NotRead as why:
        return Refused(path, str(why))


def read_file(path: Path) -> tuple[bytes, int]:
    """What is in a file, and its mode. Nothing that stands in its place can hang us. Raises OSError, NotRead."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise NotRead("it is no regular file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise NotRead(f"it is larger than {MAX_BYTES // 1_000_000} MB")
    return data, stat.S_IMODE(mode)


def content_of(data: bytes, syntax: Syntax) -> object:
    """The value that these bytes hold; an empty file holds an empty table, as clients take it. Raises NotRead."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotRead(f"line {line}: it is not UTF-8") from error
    if not text.strip():
        return {}
    return _toml(text) if syntax is Syntax.TOML else parse(text, comments=syntax is Syntax.JSONC)


def _toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise NotRead("it is nested too deeply") from error
    except ValueError as error:
        # tomllib puts the place behind the sentence: "… (at line 3, column 5)".
        said, _, where = str(error).partition(" (at ")
        line, _, _ = where.partition(",")
        raise NotRead(f"{line}: {said}" if line.startswith("line") else said) from error


def in_content(content: object, key: str) -> Iterator[Server]:
    """The servers in the value of a whole file. Total: what is no table holds none."""
    table = _table(content)
    yield from _all_in(table.get(key))
    for project, each in _table(table.get("projects")).items():
        for server in _all_in(_table(each).get(key)):
            yield replace(server, project=project)


def _all_in(content: object) -> Iterator[Server]:
    table = _table(content)
    # OpenCode 2 has one table more, beside settings that concern them all.
    inner = table.get("servers")
    if isinstance(inner, Mapping) and not {"command", "url", "type"} & set(inner):
        table = inner
    for name, entry in table.items():
        if not (isinstance(entry, Mapping) and entry and set(entry) <= _ASIDE):
            yield _server(shown(name), entry)


def _server(name: str, entry: object) -> Server:
    if not isinstance(entry, Mapping):
        return Server(name, odd="it is no table")
    enabled = entry.get("enabled") is not False and entry.get("disabled") is not True
    command = _command(entry)
    if command is None:
        return Server(
            name, enabled=enabled, odd="its command is no text, or its arguments are no list of texts"
        )
    if not command:
        remote = any(isinstance(entry.get(each), str) for each in ("url", "httpUrl", "serverUrl"))
        odd = None if remote else "it has neither a command nor an address"
        return Server(name, remote=remote, enabled=enabled, odd=odd)
    variables = {**_table(entry.get("env")), **_table(entry.get("environment"))}
    home = variables.get(HOME_VARIABLE)
    return Server(
        name,
        command,
        variables=tuple(map(shown, variables)),
        home=home if isinstance(home, str) and home else None,
        enabled=enabled,
    )


def _command(entry: Mapping[str, object]) -> tuple[str, ...] | None:
    """Program and arguments, empty where there is no program; None where they are something else than texts."""
    program, arguments = entry.get("command"), entry.get("args")
    words: list[object] = program if isinstance(program, list) else [program] if program is not None else []
    if not words or words == [""]:
        return ()
    words = [*words, *(arguments if isinstance(arguments, list) else [] if arguments is None else [None])]
    texts = tuple(each for each in words if isinstance(each, str))
    return texts if len(texts) == len(words) else None


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def shown(text: str) -> str:
    """Half a surrogate pair, which nobody could print, becomes a question mark, and so does what is no character."""
    return printable(text, "?", keep="")
