"""`iai-daemon memory`: the memory from the command line; works without a daemon."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO

import click

from iai_daemon.cli.common import Id, emit, home_option, json_option, now_ms, settings, stores
from iai_daemon.cli.purging import purge, redact, secrets
from iai_daemon.cli.story import say_chapter, say_related
from iai_daemon.consolidation.story import tell
from iai_daemon.errors import BadRecord, NotRestored
from iai_daemon.memory.archive import is_full
from iai_daemon.memory.drafts import from_object, stamp
from iai_daemon.memory.opening import Stores
from iai_daemon.memory.record import GLOBAL_SCOPE, Draft, describe
from iai_daemon.memory.store import GISTS, Query
from iai_daemon.memory.strength import strength
from iai_daemon.memory.trust import IMPORT, ORIGINS, USER

# A line longer than this is no memory; reading it whole would let one bad file take all memory.
_MAX_LINE = 1 << 20
# Passes may keep more than anybody tells. A longer line is cut, and is no JSON then.
_MAX_FULL_LINE = 1 << 26
# How a line of a full export begins.
_OURS = (b'{"type": "record"', b'{"type": "journal"')


@click.group()
@home_option
def memory() -> None:
    """Add, find, show, forget, import and export memories."""


for _command in (purge, redact, secrets):
    memory.add_command(_command)


@memory.command()
@click.argument("content")
@click.option("--kind", help="Any word: fact, preference, decision …")
@click.option("--subject", help="What it is about; with --attribute, a newer memory replaces the older one.")
@click.option("--attribute", help="Which of its properties it tells.")
@click.option("--scope", default=GLOBAL_SCOPE, show_default=True, help="The project it belongs to.")
@click.option("--tag", "tags", multiple=True, help="May be given several times.")
@click.option("--expires-at", metavar="TIME", help="When it stops being true, RFC 3339.")
@click.option("--source", help="Where it comes from.")
@click.option(
    "--origin",
    type=click.Choice(ORIGINS),
    default=USER,
    show_default=True,
    help="Whose words they are: what is trusted less never replaces what is trusted more.",
)
@home_option
@json_option
def add(content: str, tags: tuple[str, ...], as_json: bool, **fields: str | None) -> None:
    """Store one memory.

    Example: iai-daemon memory add "The staging API answers on port 8081." --subject staging --attribute "api port"
    """
    given = {"content": content, "tags": list(tags), **fields}
    draft = from_object(given, redacts=settings().memory.redact_secrets)
    with stores() as opened:
        record = opened.memory.add(draft, now_ms())
        corrected = opened.memory.corrected_by(record.id)
    said = [f"stored as {record.id}"]
    if draft.redacted:
        said.append(f"without what looks like a secret ({', '.join(draft.redacted)})")
    said += [
        f"it says otherwise than {each.record.id}, which is trusted more and holds: {each.record.content}"
        if each.outranked
        else f"it seems to correct {each.record.id}: {each.record.content}"
        for each in corrected
    ]
    result = {
        **describe(record),
        "redacted": list(draft.redacted),
        "corrects": [each.as_json() for each in corrected if not each.outranked],
        "disputes": [each.as_json() for each in corrected if each.outranked],
    }
    emit(result, as_json=as_json, human=lambda: "\n".join(said))


@memory.command("import")
@click.argument("file", type=click.File("rb"))
@home_option
@json_option
def import_(file: BinaryIO, as_json: bool) -> int:
    """Store the memories in FILE (- is standard input), one JSON object a line; `content` is required.

    A bad line is reported with its number, the good ones are kept, and the command ends with 1. Of what `memory export` has
    written the forgotten stays out, and what nights had added; the next night replaces again what had been replaced. What
    `memory export --full` has written is restored as it was, into an empty memory, all of it or nothing.

    Example: iai-daemon memory import notes.jsonl
    """
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


def _lines(file: BinaryIO, bad: list[Bad]) -> Iterator[Good]:
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


@memory.command()
@click.option(
    "--full", is_flag=True, help="Also what nights did, so that `memory import` restores all of it."
)
@home_option
@json_option
def export(full: bool, as_json: bool) -> None:  # noqa: ARG001 -- it is JSON anyway; the option exists everywhere
    """Print every memory as one JSON object a line, in the order of their ids, the replaced and forgotten ones too.

    Example: iai-daemon memory export --full > everything.jsonl
    """
    with stores() as opened:
        for line in opened.archive.lines() if full else _records(opened):
            click.echo(json.dumps(line, ensure_ascii=False))


def _records(opened: Stores) -> Iterator[Mapping[str, object]]:
    merged = opened.memory.merged_ids()
    for record in opened.memory.export():
        yield describe(record, merged.get(record.id, ()))


@memory.command()
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True)
@click.option(
    "--scope", "scopes", multiple=True, help="Only of this scope; may be given several times. Else of all."
)
@click.option("--include-superseded", is_flag=True, help="Also what is no longer current.")
@click.option("--as-of", metavar="TIME", help="What held then, by what is known today; RFC 3339.")
@home_option
@json_option
def search(
    text: str, limit: int, scopes: tuple[str, ...], include_superseded: bool, as_of: str | None, as_json: bool
) -> None:
    """Find memories by their words, the current fact first.

    Example: iai-daemon memory search "api port staging"
    """
    moment = stamp(as_of, "--as-of")
    query = Query(text, limit, scopes, include_superseded, None if moment is None else round(moment * 1000))
    with stores() as opened:
        hits = opened.memory.search(query, now_ms())
        found = [hit.record.id for hit in hits]
        merged, gists = opened.memory.merged_ids(found), opened.memory.gists(found, GISTS)
    results = [
        {**describe(hit.record, merged.get(hit.record.id, ())), "score": round(hit.score, 4)} for hit in hits
    ]
    lines = [
        f"{hit.record.id:>6}  {hit.record.content}{'' if hit.record.current else '  (no longer current)'}"
        for hit in hits
    ]
    lines += [f"{each.record.id:>6}  {each.record.content}  (sums up some of these)" for each in gists]
    emit(
        {"results": results, "gists": [each.as_json() for each in gists]},
        as_json=as_json,
        human=lambda: "\n".join(lines) or "nothing found",
    )


@memory.command()
@click.argument("record", type=Id, metavar="ID")
@home_option
@json_option
def show(record: int, as_json: bool) -> None:
    """Print one memory, how strong it is, and its story: who told it, what nights did to it and why, what it replaced, what
    waits for it; then what belongs to it.

    Example: iai-daemon memory show 12
    """
    with stores() as opened:
        found = opened.memory.get(record)
        merged = opened.memory.merged_ids([record])
        story, related = tell(opened, found), opened.memory.related(record)
        strong = strength(found, opened.memory.traces(record), now_ms())
    described = {**describe(found, merged.get(record, ())), "strength": round(strong, 4)}
    fields = [f"{name:14} {value}" for name, value in described.items() if value not in (None, [], "")]
    lines = [*fields, "", *map(say_chapter, story)]
    if related:
        lines += ["", *map(say_related, related)]
    links = [each.as_json() for each in related]
    emit({**described, "story": story, "links": links}, as_json=as_json, human=lambda: "\n".join(lines))


@memory.command()
@click.argument("subject")
@click.argument("attribute", required=False)
@click.option(
    "--scope", "scopes", multiple=True, help="Only of this scope; may be given several times. Else of all."
)
@home_option
@json_option
def history(subject: str, attribute: str | None, scopes: tuple[str, ...], as_json: bool) -> None:
    """Print what was held true about SUBJECT, oldest first.

    Example: iai-daemon memory history staging "api port"
    """
    with stores() as opened:
        records = opened.memory.history(subject, attribute, scopes)
    lines = [
        f"{record.id:>6}  {record.attribute or ''}: {record.content}{'  (current)' if record.current else ''}"
        for record in records
    ]
    emit(
        {"records": [describe(record) for record in records]},
        as_json=as_json,
        human=lambda: "\n".join(lines) or f"nothing is known about {subject}",
    )


@memory.command()
@click.argument("record", type=Id, metavar="ID")
@home_option
@json_option
def forget(record: int, as_json: bool) -> None:
    """Stop finding a memory. It is kept: `iai-daemon memory restore ID` brings it back.

    Example: iai-daemon memory forget 12
    """
    with stores() as opened:
        found = opened.memory.forget(record, now_ms())
    emit(
        describe(found),
        as_json=as_json,
        human=lambda: f"{record} is forgotten; `memory restore {record}` brings it back",
    )


@memory.command()
@click.argument("record", type=Id, metavar="ID")
@home_option
@json_option
def restore(record: int, as_json: bool) -> None:
    """Bring a forgotten memory back.

    Example: iai-daemon memory restore 12
    """
    with stores() as opened:
        found = opened.memory.restore(record, now_ms())
    emit(describe(found), as_json=as_json, human=lambda: f"{record} is back")
