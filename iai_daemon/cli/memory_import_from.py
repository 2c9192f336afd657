"""What of `iai-daemon memory import` reads other programs' memories; the command is in memory_import.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import click

from iai_daemon.cli.common import emit, home, now_ms, settings, stores
from iai_daemon.cli.progress import Work, at_work
from iai_daemon.errors import UsageError
from iai_daemon.foreign import one_line, printable
from iai_daemon.mcp_server.project import current_project, project_scope
from iai_daemon.memory.importing import FORMATS, Format, sources
from iai_daemon.memory.importing.files import Refused, shown
from iai_daemon.memory.importing.matching import Matching, Place, Report, Told
from iai_daemon.memory.importing.said import Source
from iai_daemon.memory.record import GLOBAL_SCOPE, Record
from iai_daemon.memory.stores import Stores

# Reading one record takes some hundredths of a millisecond.
_TOLD_EVERY = 500
# What is shown of many.
_FIRST = 10
_LISTED = 20
# What agents keep for all projects lies in these, wherever the home directory itself belongs.
_OF_AGENTS = {".claude", ".codex", ".gemini", ".config"}


def import_from(name: str, path: str, scope: str | None, *, dry_run: bool, as_json: bool) -> int:
    """The exit status: 1 where something could not be read. Raises UsageError where nothing is at the path."""
    form, now = FORMATS[name], now_ms()
    if path != "-" and not os.path.lexists(path):
        raise UsageError(problem=f"{shown(Path(path))}: No such file or directory.")
    progress = _Progress(dry_run)
    with at_work(progress.say) as work:
        matching, first = _import(form, path, scope, now, progress, work)
    report = matching.report
    for place, problem in report.bad:
        click.echo(printable(f"{place}: {problem}"), err=True)
    emit(
        _result(name, report, first, dry_run=dry_run),
        as_json=as_json,
        human=lambda: "\n".join(_lines(report, first, dry_run=dry_run)),
    )
    return 1 if report.bad else 0


@dataclass(slots=True)
class _Progress:
    """How many memories are kept by now."""

    dry_run: bool
    kept: int = 0

    def say(self) -> str:
        """What was done, and how the rest comes in."""
        if self.dry_run or not self.kept:
            return "nothing was stored."
        passages = "1 memory was" if self.kept == 1 else f"{self.kept:,} memories were"
        return f"{passages} taken over. The same command goes on where it stopped: what is there already stays as it is."


def _import(
    form: Format, path: str, scope: str | None, now: int, progress: _Progress, work: Work
) -> tuple[Matching, list[Told]]:
    """What was made of it, and the first of it where nothing is kept."""

    def tell(_what: str, done: int, _total: int | None) -> None:
        progress.kept = done
        work.tell("importing", done, None)

    keeps_nothing = progress.dry_run and not home().memory.exists()
    with nullcontext() if keeps_nothing else stores() as opened:
        kept = _heard(opened, work) if opened else ()
        matching = Matching(form.name, kept, redacts=settings().memory.redact_secrets, now=now / 1000)
        told = _told(matching, form, path, scope, now / 1000, work)
        if opened is None or progress.dry_run:
            return matching, [each for number, each in enumerate(told) if number < _FIRST]
        opened.memory.import_many((each.draft for each in told), now, tell)
    return matching, []


def _heard(opened: Stores, work: Work) -> Iterator[Record]:
    """Every record that is there already."""
    total = opened.archive.count(full=False)
    for number, record in enumerate(opened.memory.export(), start=1):
        if number % _TOLD_EVERY == 0:
            work.tell("looking at what is known", number, total)
        yield record


def _told(
    matching: Matching, form: Format, path: str, scope: str | None, now: float, work: Work
) -> Iterator[Told]:
    """What every file says, file by file; what cannot be read goes into the report."""
    found = iter([_standard_input(form, work)]) if path == "-" else sources(form, Path(path), now=now)
    for source in found:
        work.check()
        if isinstance(source, Refused):
            listed = matching.report.bad if source.bad else matching.report.skipped
            listed.append((Place(source.name, None), source.reason))
        else:
            belongs = scope or (scope_of(source) if form.name == "claude-md" else GLOBAL_SCOPE)
            yield from matching.take(source, form.read(source), belongs)
    if not matching.report.files and not matching.report.bad:
        matching.report.bad.append((Place(shown(Path(path)), None), f"nothing in it is {form.name}"))


def _standard_input(form: Format, work: Work) -> Source | Refused:
    with work.waiting():  # for whoever writes it
        data = sys.stdin.buffer.read(form.largest + 1)
    if len(data) > form.largest:
        return Refused("-", f"it may have {form.largest} bytes", bad=True)
    return Source("-", data)


# The scope of a file.


def scope_of(source: Source) -> str:
    """The project that a memory file of agents is for: the repository around it; of Claude Code's own notes the one that
    their directory is named after. What agents keep for every project is `global`."""
    if source.path is None:
        return current_project()
    folders = source.path.parent.parts
    for number, name in enumerate(folders):
        if (
            name == ".claude"
            and folders[number + 1 : number + 2] == ("projects",)
            and len(folders) > number + 2
        ):
            return _noted_for(Path(*folders[: number + 3]))
    inside = source.path.parent
    while inside != inside.parent:
        if inside.name in _OF_AGENTS and inside.parent == Path.home():
            return GLOBAL_SCOPE
        inside = inside.parent
    # As the working directory of a memory server is told.
    return project_scope(Path(os.path.realpath(source.path.parent)))


def _noted_for(folder: Path) -> str:
    """The project whose path the folder's name was made of; where none is there, or two may be meant, the folder itself."""
    found = _called(folder.name)
    return _scope_in(found[0]) if len(found) == 1 else shown(folder)


def _scope_in(directory: Path) -> str:
    """The repository around a directory; else the directory, since what is noted there is for nowhere else."""
    scope = project_scope(directory)
    return shown(directory) if scope == GLOBAL_SCOPE else scope


def _called(slug: str) -> Sequence[Path]:
    """The directories whose path becomes this, with `-` in the place of all but letters and figures."""
    found: list[Path] = []
    waiting = [(Path("/"), slug.removeprefix("-"))]
    while waiting and len(found) < 2:
        folder, rest = waiting.pop()
        try:
            names = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
        except OSError:
            continue
        for name in names:
            written = "".join(each if each.isascii() and each.isalnum() else "-" for each in name)
            if rest == written:
                found.append(folder / name)
            elif rest.startswith(f"{written}-"):
                waiting.append((folder / name, rest.removeprefix(f"{written}-")))
    return found


# What is said.


def _result(name: str, report: Report, first: Sequence[Told], *, dry_run: bool) -> dict[str, Any]:
    def where(place: Place) -> dict[str, Any]:
        return {"file": place.file, "line": place.line}

    told = [
        {
            **where(each.place),
            "content": one_line(each.draft.content),
            "scope": each.draft.scope,
            "kind": each.draft.kind,
        }
        for each in first
    ]
    return {
        "from": name,
        "dry_run": dry_run,
        "files": report.files,
        "added": report.added,
        "unchanged": report.unchanged,
        "superseded": report.superseded,
        "bad": [{**where(place), "problem": printable(problem)} for place, problem in report.bad],
        "redacted": [{**where(place), "kinds": list(kinds)} for place, kinds in report.redacted],
        "left_out": [],
        "skipped": [{**where(place), "reason": printable(reason)} for place, reason in report.skipped],
        "gone": report.gone,
        **({"first": told} if dry_run else {}),
    }


def _lines(report: Report, first: Sequence[Told], *, dry_run: bool) -> Iterator[str]:
    counts = (
        f"{report.added} added, {report.superseded} superseded, {report.unchanged} unchanged, {len(report.bad)} bad, "
        f"{len(report.skipped)} left out"
    )
    files = "1 file" if report.files == 1 else f"{report.files} files"
    yield f"{files}: {counts}" + ("; nothing was stored, these would be the first:" if dry_run else "")
    for told in first:
        yield f"  {told.place}  ({told.draft.scope})  {one_line(told.draft.content, 100)}"
    yield from _some("left out", [f"{place}: {reason}" for place, reason in report.skipped])
    if report.redacted:
        kinds = sorted(set(chain.from_iterable(kinds for _, kinds in report.redacted)))
        yield f"secrets taken out of {len(report.redacted)} ({', '.join(kinds)})"
    if report.gone:
        ids = " ".join(map(str, report.gone[:_LISTED])) + (" …" if len(report.gone) > _LISTED else "")
        yield f"no longer in their files, and kept (`iai-daemon memory forget ID`): {ids}"


def _some(what: str, lines: Sequence[str]) -> Iterator[str]:
    yield from (f"{what}: {line}" for line in lines[:_LISTED])
    if len(lines) > _LISTED:
        yield f"{what}: {len(lines) - _LISTED} more (--json names them)"
