"""`iai-daemon memory import`: lines of JSON, a whole export, and what other programs remember. The group is in memory.py."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

import click

from iai_daemon.cli.common import emit, home_option, json_option, now_ms, settings, stores
from iai_daemon.errors import BadRecord, NotRestored, UsageError
from iai_daemon.memory.archive import is_full
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.record import Draft
from iai_daemon.memory.trust import IMPORT

# Importing every format only to offer their names would make each command on the memory slower; a test holds both together.
FORMATS = ("claude-md", "mcp-memory", "basic-memory", "mem0")
# A line longer than this is no memory; reading it whole would let one bad file take all memory.
_MAX_LINE = 1 << 20
# Passes may keep more than anybody tells. A longer line is cut, and is no JSON then.
_MAX_FULL_LINE = 1 << 26
# How a line of a full export begins.
_OURS = (b'{"type": "record"', b'{"type": "journal"')


@click.command("import")
@click.argument("path")
@click.option(
    "--from", "form", type=click.Choice(FORMATS), help="Whose format it is, where it is not our own."
)
@click.option("--dry-run", is_flag=True, help="With --from: only say what would be told.")
@click.option(
    "--scope",
    help="With --from: the project that it belongs to. Else claude-md asks where the file is, others are global.",
)
@home_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context, path: str, form: str | None, dry_run: bool, scope: str | None, as_json: bool
) -> int:
    """Store the memories in PATH (- is standard input), one JSON object a line; `content` is required.

    A bad line is reported with its number, the good ones are kept, and the command ends with 1. Of what `memory export` has
    written the forgotten stays out, and what nights had added; the next night replaces again what had been replaced. What
    `memory export --full` has written is restored as it was, into an empty memory, all of it or nothing.

    With --from it is what another program remembers. Nothing there is changed. Imported again, what is known stays as it is,
    and what its source says otherwise now takes the place of what it said before.

    \b
    claude-md     CLAUDE.md, AGENTS.md, GEMINI.md, or a directory that has them below it;
                  what Claude Code has noted: ~/.claude/projects/PROJECT/memory
    mcp-memory    the file of @modelcontextprotocol/server-memory
    basic-memory  a note, or the directory of a project
    mem0          a list of memories as JSON

    Example: iai-daemon memory import notes.jsonl

    \b
    Example: iai-daemon memory import --from claude-md ~/src/shop --dry-run
    Example: iai-daemon memory import --from mcp-memory memory.jsonl
    Example: iai-daemon memory import --from basic-memory ~/basic-memory
    Example: iai-daemon memory import --from mem0 mem0.json
    """
    if form is not None:
        from iai_daemon.cli.memory_import_from import import_from  # noqa: PLC0415 -- four formats that few calls need

        return import_from(form, path, scope, dry_run=dry_run, as_json=as_json)
    if dry_run or scope is not None:
        raise UsageError(
            problem="--dry-run and --scope are for --from: lines of our own say to which scope they belong."
        )
    return _import_lines(click.File("rb")(path, ctx=ctx), as_json=as_json)


def _import_lines(file: IO[Any], *, as_json: bool) -> int:
    bad: list[Bad] = []
    redacted: dict[int, tuple[str, ...]] = {}
    left_out: list[int] = []
    lines = _lines(file, bad)
    first = next(lines, None)
    every = chain([] if first is None else [first], lines)
    if first is not None and is_full(first.values):
        return _restore(every, bad, as_json=as_json)
    with stores() as opened:
        redacts = settings().memory.redact_secrets
        told = (line for line in every if not _stays_behind(line, left_out))
        imported = opened.memory.import_many(_drafts(told, bad, redacted, redacts=redacts), now_ms())
    bad.sort(key=lambda each: each.number)
    for each in bad:
        click.echo(f"line {each.number}: {each.problem}", err=True)
    result = {
        "added": imported.added,
        "unchanged": imported.unchanged,
        "superseded": imported.superseded,
        "bad": [{"line": each.number, "problem": each.problem} for each in bad],
        "redacted": [{"line": line, "kinds": list(kinds)} for line, kinds in redacted.items()],
        "left_out": left_out,
    }
    said = f"{imported.added} added, {imported.superseded} superseded, {imported.unchanged} unchanged, {len(bad)} bad"
    if left_out:
        said += f", {len(left_out)} left out (forgotten, or added by a night)"
    if redacted:
        lines_of = f"line {next(iter(redacted))}" if len(redacted) == 1 else f"{len(redacted)} lines"
        kinds = sorted({kind for each in redacted.values() for kind in each})
        said += f"; secrets taken out of {lines_of} ({', '.join(kinds)})"
    emit(result, as_json=as_json, human=lambda: said)
    return 1 if bad else 0


def _restore(lines: Iterator[Good], bad: list[Bad], *, as_json: bool) -> int:
    """Raises NotRestored and StoreNotEmpty."""
    number = 0

    def values() -> Iterator[Mapping[str, Any]]:
        nonlocal number
        for line in lines:
            _require(bad)
            number = line.number
            yield line.values
        _require(bad)

    with stores() as opened:
        try:
            restored = opened.archive.restore(values())
        except BadRecord as problem:
            raise NotRestored(line=number, problem=problem) from problem
        holding = sum(1 for _ in opened.purge.secrets())
    result = {
        "added": restored.records,
        "unchanged": 0,
        "superseded": 0,
        "bad": [],
        "journal": restored.journal,
        "holding_secrets": holding,
    }
    said = f"restored as it was: {restored.records} memories and {restored.journal} lines of the journal"
    if holding:
        said += f"; {holding} hold what looks like a secret: `iai-daemon memory secrets` lists them"
    emit(result, as_json=as_json, human=lambda: said)
    return 0


def _require(bad: list[Bad]) -> None:
    if bad:
        raise NotRestored(line=bad[0].number, problem=bad[0].problem)


@dataclass(frozen=True, slots=True)
class Good:
    """A line that holds a JSON value, and its number."""

    number: int
    values: Any


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that cannot be used, its number, and why."""

    number: int
    problem: str


def _drafts(
    lines: Iterable[Good], bad: list[Bad], redacted: dict[int, tuple[str, ...]], *, redacts: bool
) -> Iterator[Draft]:
    """The memories of the good lines; the others are noted in `bad`, and in `redacted` the secrets of which lines went."""
    for line in lines:
        try:
            draft = from_object(line.values, origin=IMPORT, redacts=redacts)
        except BadRecord as problem:
            bad.append(Bad(line.number, str(problem)))
            continue
        if draft.redacted:
            redacted[line.number] = draft.redacted
        yield draft


def _stays_behind(line: Good, left_out: list[int]) -> bool:
    """Whether an export says that nobody wants it back; its number is noted then."""
    behind = isinstance(line.values, Mapping) and bool(
        line.values.get("forgotten_at") or line.values.get("made_by")
    )
    if behind:
        left_out.append(line.number)
    return behind


def _lines(file: IO[Any], bad: list[Bad]) -> Iterator[Good]:
    """The lines that hold JSON; the others are noted in `bad`. Empty ones are passed over."""
    number = 0
    while line := file.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE and not line.endswith(b"\n") and line.startswith(_OURS):
            line += file.readline(_MAX_FULL_LINE)
        if len(line) == _MAX_LINE and not line.endswith(b"\n"):
            while (rest := file.readline(_MAX_LINE)) and not rest.endswith(b"\n"):
                pass
            bad.append(Bad(number, f"a line may have {_MAX_LINE} bytes"))
        elif line.strip():
            try:
                yield Good(number, json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8")))
            except (ValueError, RecursionError):
                bad.append(Bad(number, "it is not JSON"))
