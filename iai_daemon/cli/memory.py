"""`iai-daemon memory`: the memory from the command line; works without a daemon."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice

import click

from iai_daemon.cli import completing
from iai_daemon.cli.common import Group, Id, emit, home, home_option, json_option, now_ms, settings, stores
from iai_daemon.cli.memory_import import import_
from iai_daemon.cli.memory_scopes import scopes_, share, unshare
from iai_daemon.cli.memory_similar import similar
from iai_daemon.cli.progress import at_work
from iai_daemon.cli.purging import purge, redact, secrets
from iai_daemon.cli.story import say_chapter, say_related
from iai_daemon.consolidation.story import tell
from iai_daemon.errors import IaiError
from iai_daemon.memory.delivering import LATER, deliver, remember
from iai_daemon.memory.drafts import from_object, stamp
from iai_daemon.memory.record import GLOBAL_SCOPE, Draft, Record, describe
from iai_daemon.memory.spool import Note, Spool, as_told, new_note
from iai_daemon.memory.store import GISTS, Correction, Query
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.strength import strength
from iai_daemon.memory.trust import ORIGINS, USER

# Lines that an export writes in one go: who reads them hears of the next within a hundredth of a second.
_WRITTEN_AT_ONCE = 100


_scopes_option = click.option(
    "--scope",
    "scopes",
    multiple=True,
    shell_complete=completing.scopes,
    help="Only of this scope; may be given several times. Else of all.",
)


@click.group(cls=Group)
@home_option
def memory() -> None:
    """Add, find, show, forget, import and export memories.

    \b
    Example: iai-daemon memory add "The staging API answers on port 8081."
    Example: iai-daemon memory search "api port staging"
    Example: iai-daemon memory show 12
    """


for _command in (import_, purge, redact, secrets, scopes_, share, unshare, similar):
    memory.add_command(_command)


@memory.command()
@click.argument("content")
@click.option("--kind", help="Any word: fact, preference, decision …")
@click.option("--subject", help="What it is about; with --attribute, a newer memory replaces the older one.")
@click.option("--attribute", help="Which of its properties it tells.")
@click.option(
    "--scope",
    default=GLOBAL_SCOPE,
    show_default=True,
    shell_complete=completing.scopes,
    help="The project it belongs to.",
)
@click.option("--tag", "tags", multiple=True, help="A word to find it by; may be given several times.")
@click.option(
    "--expires-at", metavar="TIME", help="When it stops being true, such as 2026-11-30T09:00:00Z; else never."
)
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

    \b
    Example: iai-daemon memory add "The staging API answers on port 8081." --subject staging --attribute "api port"
    Example: iai-daemon memory add "Ask before adding a dependency." --kind preference --scope /srv/project
    """
    given = {"content": content, "tags": list(tags), **fields}
    memory = settings().memory
    draft = from_object(given, redacts=memory.redact_secrets)
    note = None if memory.engine == "sqlite" else new_note(draft, now_ms())
    try:
        with stores() as opened:
            deliver(opened, home())
            record = (
                opened.memory.add(draft, now_ms())
                if note is None
                else remember(opened, home(), note, now_ms())
            )
            corrected = opened.memory.corrected_by(record.id)
    except LATER as why:
        if note is None:
            raise
        _keep(note, why, as_json=as_json)
        return
    result = {
        **describe(record),
        "redacted": list(draft.redacted),
        "corrects": [each.as_json() for each in corrected if not each.outranked],
        "disputes": [each.as_json() for each in corrected if each.outranked],
    }
    emit(result, as_json=as_json, human=lambda: "\n".join(_stored(record, draft, corrected)))


def _stored(record: Record, draft: Draft, corrected: Sequence[Correction]) -> Iterator[str]:
    yield f"stored as {record.id}"
    if draft.redacted:
        yield f"without what looks like a secret ({', '.join(draft.redacted)})"
    for each in corrected:
        holds = f"it says otherwise than {each.record.id}, which is trusted more and holds"
        said = holds if each.outranked else f"it seems to correct {each.record.id}"
        yield f"{said}: {each.record.content}"


def _keep(note: Note, why: IaiError, *, as_json: bool) -> None:
    """Until the memory's server is back. Raises NotKept."""
    Spool(home()).keep(note, why)
    emit(
        {
            **describe(as_told(note.draft)),
            "id": None,
            "waits_as": note.name,
            "redacted": list(note.draft.redacted),
        },
        as_json=as_json,
        human=lambda: f"kept here as {note.name}, and delivered when the memory is back. {why}",
    )


@memory.command()
@click.option(
    "--full", is_flag=True, help="Also what nights did, so that `memory import` restores all of it."
)
@home_option
@json_option
def export(full: bool, as_json: bool) -> None:  # noqa: ARG001 -- it is JSON anyway; the option exists everywhere
    """Print every memory as one JSON object a line, in the order of their ids, the replaced and forgotten ones too.

    \b
    Example: iai-daemon memory export --full > everything.jsonl
    """
    written = 0
    total: int | None = None

    def said() -> str:
        of = "" if total is None else f" of {total:,}"
        return f"{written:,}{of} lines were written, so that what there is is not whole: export it again."

    with at_work(said, writes=True) as work, stores() as opened:
        total = opened.archive.count(full=full)
        with closing(opened.archive.lines() if full else _records(opened)) as lines:
            while portion := [
                json.dumps(each, ensure_ascii=False) for each in islice(lines, _WRITTEN_AT_ONCE)
            ]:
                with work.waiting():  # for whoever reads it
                    click.echo("\n".join(portion))
                written += len(portion)
                work.tell("exporting", written, total)


def _records(opened: Stores) -> Generator[Mapping[str, object]]:
    merged = opened.memory.merged_ids()
    for record in opened.memory.export():
        yield describe(record, merged.get(record.id, ()))


@memory.command()
@click.argument("text")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="At most so many.",
)
@_scopes_option
@click.option("--include-superseded", is_flag=True, help="Also what is no longer current.")
@click.option(
    "--as-of",
    metavar="TIME",
    help="What held then, by what is known today, such as 2026-11-30T09:00:00Z; else what holds now.",
)
@home_option
@json_option
def search(
    text: str, limit: int, scopes: tuple[str, ...], include_superseded: bool, as_of: str | None, as_json: bool
) -> None:
    """Find memories by their words, the current fact first.

    \b
    Example: iai-daemon memory search "api port staging"
    Example: iai-daemon memory search "api port staging" --as-of 2026-11-01T00:00:00Z
    """
    moment = stamp(as_of, "--as-of")
    query = Query(text, limit, scopes, include_superseded, None if moment is None else round(moment * 1000))
    with stores() as opened:
        deliver(opened, home())
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

    \b
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
@_scopes_option
@home_option
@json_option
def history(subject: str, attribute: str | None, scopes: tuple[str, ...], as_json: bool) -> None:
    """Print what was held true about SUBJECT, oldest first.

    \b
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

    \b
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

    \b
    Example: iai-daemon memory restore 12
    """
    with stores() as opened:
        found = opened.memory.restore(record, now_ms())
    emit(describe(found), as_json=as_json, human=lambda: f"{record} is back")
