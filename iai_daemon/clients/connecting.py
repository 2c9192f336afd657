"""Connecting a client: what would be changed is planned, shown or carried out, noted, and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.clients import documents, instructions, own_command
from iai_daemon.clients.entries import MEMORY, Commands, NotWrapped, entry, wrapped
from iai_daemon.clients.file import File, digest
from iai_daemon.clients.jsonc import NotRead
from iai_daemon.clients.ledger import Edit, Entry, Ledger
from iai_daemon.clients.reading import in_content
from iai_daemon.clients.registry import Client, Place, Syntax
from iai_daemon.clients.targets import Target, target
from iai_daemon.clients.targets import instructions as instructions_of
from iai_daemon.clients.through import Through, understand
from iai_daemon.errors import Refused


@dataclass(frozen=True, slots=True)
class Plan:
    """One change of one file: the new `text`, the `edit` that it is, and the client's `own` command that would do it."""

    client: Client
    file: File
    syntax: Syntax | None
    text: str
    edit: Edit
    own: tuple[str, ...] | None = None

    @property
    def changes(self) -> bool:
        return self.file.data is None or self.file.text != self.text


def memory(client: Client, place: Place, project: Path | None, commands: Commands) -> Plan:
    """The built-in memory as a server of this client. Raises Refused."""
    where = target(client, place, project, MEMORY, adds=True)
    wanted = entry(client.name, commands.memory)
    there = where.value
    if there is not None and not _is_ours(where, there):
        raise Refused(
            problem=f"{client.title} has another server {MEMORY} ({where.file.path}): rename that one first."
        )
    if isinstance(there, Mapping):
        wanted = {**there, **{name: wanted[name] for name in ("command", "args") if name in wanted}}
    edit = Edit("added", where.path, 0 if there is not None else where.missing)
    text = _put(where, {(): wanted})
    own = None
    if there is None and project is None:
        own = own_command.add(client.name, MEMORY, commands.memory, where.file.text)
    return Plan(client, where.file, where.syntax, text, edit, tuple(own) if own else None)


def wrap(client: Client, place: Place, project: Path | None, server: str, commands: Commands) -> Plan:
    """The wrapper in front of a server that is there. Raises Refused."""
    where = target(client, place, project, server)
    there = where.value
    if not isinstance(there, Mapping):
        raise Refused(problem=f"{client.title} has no server {server}: `iai-daemon clients list` shows them.")
    through = _understood(where)
    try:
        if through is not None and through.wrapper:
            # Through ours already, perhaps one that has gone with an upgrade: only what stands before the server is new.
            there = {**there, **_unwrapped(there, through)}
        members = wrapped(there, commands.wrapper)
    except NotWrapped as why:
        raise Refused(problem=f"{server} of {client.title} {why}.") from why
    written = {name: documents.raw(where.file.text, where.syntax, (*where.path, name)) for name in members}
    text = _put(where, {(name,): value for name, value in members.items()})
    return Plan(client, where.file, where.syntax, text, Edit("wrapped", where.path, written=written))


def instruct(client: Client, place: Place, project: Path | None) -> Plan:
    """The lines that make its agents search and remember. Raises Refused."""
    file = instructions_of(client, place, project)
    return Plan(client, file, None, instructions.put(_text(file)), Edit("instructions"))


def carry_out(plan: Plan, ledger: Ledger) -> str | None:
    """Do it, and note it first: what is half done can be taken back, too. What the client's own command says where it failed
    and the file was written instead. Raises Refused."""
    file, failed = plan.file, None
    file.keep()
    data = file.encoded(plan.text)

    def noted(content: bytes) -> None:
        existed = file.data is not None
        syntax = plan.syntax.name if plan.syntax else None
        ledger.note(Entry(plan.client.name, file.path, syntax, existed, digest(content), (plan.edit,)))

    noted(data)
    if plan.own is not None:
        failed = own_command.run(plan.own)
        now = File.read(file.path)
        if failed is None and plan.syntax is not None and _same(now, plan.syntax, plan.edit.path, plan.text):
            noted(now.data or b"")
            return None
        failed, file = failed or "it did not write what was asked", now
    file.replace(data if file is plan.file else file.encoded(_again(plan, file)))
    return failed


def take_back(found: Entry, ledger: Ledger | None) -> tuple[File, str | None]:
    """One file as it was: byte for byte where nobody has changed it since, else without what was written into it. The file as it
    stood, and its text then (None: there is none). Without a ledger nothing is done. Raises Refused."""
    file = File.read(found.path)
    if file.data is not None and file.digest == found.digest:
        data = File.read(file.backup).data if found.existed else None
        if found.existed and data is None:
            data = file.encoded(_reversed(found, file))
    else:
        data = None if file.data is None else file.encoded(_reversed(found, file))
    if ledger is not None:
        file.replace(data)
        if found.existed:
            file.backup.unlink(missing_ok=True)
        ledger.strike(found)
    return file, None if data is None else data.decode("utf-8-sig")


def _reversed(found: Entry, file: File) -> str:
    text = _text(file)
    for edit in reversed(found.edits):
        try:
            text = _without(edit, Syntax[found.syntax] if found.syntax else None, text)
        except NotRead as why:
            raise Refused(
                problem=f"{file.path} cannot be changed: {why}. Its copy is {file.backup}."
            ) from why
    return text


def _without(edit: Edit, syntax: Syntax | None, text: str) -> str:
    """Where somebody has put something else there meanwhile, that stays."""
    if syntax is None:
        return instructions.take(text)
    there = documents.value_at(text, syntax, edit.path)
    through = _command_of(edit.path, there)
    if through is None or not through.wrapper:
        return text
    if edit.kind == "added":
        return documents.take(text, syntax, edit.path, emptied=edit.emptied) if through.memory else text
    for name, written in (edit.written or {}).items():
        path = (*edit.path, name)
        if written is None:
            text = documents.take(text, syntax, path, emptied=0)
        else:
            text = documents.put_raw(text, syntax, path, written)
    return text


def _put(where: Target, members: Mapping[tuple[str, ...], object]) -> str:
    try:
        text = where.file.text
        for inner, value in members.items():
            path = (*where.path, *inner)
            if documents.value_at(text, where.syntax, path) != value:
                text = documents.put(text, where.syntax, path, value)
    except NotRead as why:
        raise Refused(problem=f"{where.file.path} cannot be changed: {why}.") from why
    return text


def _again(plan: Plan, file: File) -> str:
    """The same change of a file that the client's own command has touched."""
    wanted = documents.value_at(plan.text, plan.syntax or Syntax.JSON, plan.edit.path)
    return _put(Target(file, plan.syntax or Syntax.JSON, plan.edit.path), {(): wanted})


def _same(file: File, syntax: Syntax, path: tuple[str, ...], text: str) -> bool:
    """Whether the same command stands there as in that text."""
    try:
        found, wanted = (documents.value_at(each, syntax, path) for each in (file.text, text))
    except NotRead:
        return False
    return isinstance(found, Mapping) and isinstance(wanted, Mapping) and _words(found) == _words(wanted)


def _is_ours(where: Target, there: object) -> bool:
    through = _command_of(where.path, there)
    return through is not None and through.memory


def _understood(where: Target) -> Through | None:
    return _command_of(where.path, where.value)


def _command_of(path: tuple[str, ...], there: object) -> Through | None:
    """What its command means; None where there is no such server."""
    if not isinstance(there, Mapping):
        return None
    (server,) = in_content({"servers": {path[-1]: there}}, "servers")
    return understand(server.command)


def _words(server: Mapping[str, object]) -> list[object]:
    program, arguments = server.get("command"), server.get("args", [])
    words = program if isinstance(program, list) else [program]
    return [*words, *(arguments if isinstance(arguments, list) else [])]


def _unwrapped(server: Mapping[str, object], through: Through) -> dict[str, object]:
    """The members of a wrapped entry as they would be without the wrapper."""
    if isinstance(server.get("command"), list):
        return {"command": [*through.inner]}
    return {"command": through.inner[0], "args": [*through.inner[1:]]} if through.inner else {}


def _text(file: File) -> str:
    try:
        return file.text
    except NotRead as why:
        raise Refused(problem=f"{file.path} cannot be read: {why}.") from why


def ours(client: Client, ledger: Ledger) -> Iterator[Entry]:
    """What was written for this client, the last first."""
    yield from reversed(ledger.of(client.name))
