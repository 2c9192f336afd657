"""What a night changed, what it would change and what waits, on a terminal; the words are consolidation/diff.py's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import click

from iai_daemon.consolidation.diff import ContentOf, Field, Told, by_memory, fields, say_change
from iai_daemon.consolidation.journal import first_words
from iai_daemon.foreign import printable

_WORDS = 100


def tell_changes(changes: Iterable[Told], content_of: ContentOf) -> Iterator[str]:
    """A few lines for each memory, in the order in which they were changed first."""
    for group in by_memory(changes):
        yield from _tell_memory(group, content_of)


def _tell_memory(changes: Sequence[Told], content_of: ContentOf) -> Iterator[str]:
    first = changes[0]
    if first["added"]:
        sign = _paint(f"{'+' if first['record'] is None else '+ ' + str(first['record']):>8}", "green")
        start, *rest = printable(str(first["content"])).splitlines() or [""]
        yield f"{sign}  {start}"
        yield from (f"{'':8}  {line}" for line in rest)
    else:
        yield f"{first['record']:>8}  {first_words(printable(str(first['content'])), _WORDS)}"
    for change in changes:
        yield f"{'':8}  {printable(say_change(change))}"
        if not change["added"]:
            yield from (f"{'':12}{_say_field(each)}" for each in fields(change["changed"], content_of))


def _say_field(field: Field) -> str:
    after = _paint(field.after, "green")
    if field.other:
        earlier = "now" if field.before is None else f"{_paint(field.before, 'red')} → now"
        return f"{earlier} {field.name} {after}"
    return f"{field.name}: {_paint(str(field.before), 'red')} → {after}"


def _paint(text: str, hue: str) -> str:
    """Coloured on a terminal: click takes the colour out where the output is none."""
    shown = printable(text)
    return shown if os.environ.get("NO_COLOR") else click.style(shown, fg=hue)
