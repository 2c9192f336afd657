"""`iai-daemon memory import`: lines of JSON, a whole export, and what other programs remember. The group is in memory.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import emit, home_option, json_option, now_ms, settings, stores
from iai_daemon.cli.memory_lines import Bad, Good, Lines, Taken
from iai_daemon.cli.progress import Work, at_work
from iai_daemon.errors import BadRecord, NotRestored, UsageError
from iai_daemon.memory.archive import Restored, is_full
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.record import Draft
from iai_daemon.memory.trust import IMPORT

# Importing every format only to offer their names would make each command on the memory slower; a test holds both together.
FORMATS = ("claude-md", "mcp-memory", "basic-memory", "mem0")
# A line of a full export is restored in a tenth of a millisecond.
_TOLD_EVERY = 200


@click.command("import")
@click.argument("path", type=click.Path(readable=False))
@click.option(
    "--from", "form", type=click.Choice(FORMATS), help="Whose format it is, where it is not our own."
)
@click.option("--dry-run", is_flag=True, help="With --from: only say what would be told.")
@click.option(
    "--scope",
    shell_complete=completing.scopes,
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

    \b
    Example: iai-daemon memory import notes.jsonl
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
    return _import_lines(Lines(click.File("rb")(path, ctx=ctx), path), as_json=as_json)


def _import_lines(file: Lines, *, as_json: bool) -> int:
    taken = Taken(file)
    try:
        with at_work(taken.say) as work:
            lines = taken.lines.read(work)
            first = next(lines, None)
            every = chain([] if first is None else [first], lines)
            taken.whole = first is not None and is_full(first.values)
            if taken.whole:
                _restore(every, taken, work)
            else:
                _import(every, taken, work)
    finally:
        if not taken.whole:
            _say_bad(taken.lines.bad)
    if taken.restored is not None:
        _say_restored(taken.restored, taken.holding, as_json=as_json)
    else:
        _say_imported(taken, as_json=as_json)
    return 1 if taken.lines.bad else 0


# Lines of our own.


def _import(lines: Iterable[Good], taken: Taken, work: Work) -> None:
    def told(_what: str, _done: int, _total: int | None) -> None:
        taken.keep_up()
        work.tell_bytes("importing", taken.lines.offset, taken.lines.size)

    with stores() as opened:
        redacts = settings().memory.redact_secrets
        wanted = (line for line in lines if not _stays_behind(line, taken.left_out))
        taken.imported = opened.memory.import_many(_drafts(wanted, taken, redacts=redacts), now_ms(), told)


def _drafts(lines: Iterable[Good], taken: Taken, *, redacts: bool) -> Iterator[Draft]:
    """The memories of the good lines; the others are noted as bad, and of which lines secrets were taken out."""
    for line in lines:
        try:
            draft = from_object(line.values, origin=IMPORT, redacts=redacts)
        except BadRecord as problem:
            taken.lines.bad.append(Bad(line.number, str(problem)))
            continue
        if draft.redacted:
            taken.redacted[line.number] = draft.redacted
        taken.unnamed += draft.external_id is None
        yield draft


def _stays_behind(line: Good, left_out: list[int]) -> bool:
    """Whether an export says that nobody wants it back; its number is noted then."""
    behind = isinstance(line.values, Mapping) and bool(
        line.values.get("forgotten_at") or line.values.get("made_by")
    )
    if behind:
        left_out.append(line.number)
    return behind


def _say_bad(bad: list[Bad]) -> None:
    bad.sort(key=lambda each: each.number)
    for each in bad:
        click.echo(f"line {each.number}: {each.problem}", err=True)


def _say_imported(taken: Taken, *, as_json: bool) -> None:
    imported, bad, redacted, left_out = taken.imported, taken.lines.bad, taken.redacted, taken.left_out
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


# A full export.


def _restore(lines: Iterator[Good], taken: Taken, work: Work) -> None:
    """Raises NotRestored and StoreNotEmpty."""
    number = 0

    def values() -> Iterator[Mapping[str, Any]]:
        nonlocal number
        for line in lines:
            _require(taken.lines.bad)
            number = line.number
            if number % _TOLD_EVERY == 0:
                work.tell_bytes("restoring", taken.lines.offset, taken.lines.size)
            yield line.values
        _require(taken.lines.bad)

    with stores() as opened:
        try:
            restored = opened.archive.restore(values())
        except BadRecord as problem:
            raise NotRestored(line=number, problem=problem) from problem
        taken.restored = restored
        taken.holding = sum(1 for _ in opened.purge.secrets(work.tell))


def _require(bad: list[Bad]) -> None:
    if bad:
        raise NotRestored(line=bad[0].number, problem=bad[0].problem)


def _say_restored(restored: Restored, holding: int, *, as_json: bool) -> None:
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
