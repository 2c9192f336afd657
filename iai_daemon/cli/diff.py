"""What a night changed, what it would change and what waits, readable by a person: memory by memory, before and after."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import click

from iai_daemon.cli.printing import printable
from iai_daemon.consolidation.journal import first_words

# A change as `journal.describe_entry` and `describe_held` give it, also over a worker's pipe.
Told = Mapping[str, Any]
# The first words of a memory by its id, None where there is none.
ContentOf = Callable[[int], str | None]

_OTHERS = {"superseded_by": "superseded by", "merged_into": "joined into"}
_WORDS = 100
WHY = {
    "review": "waits for you",
    "budget": "waits for the next night: it is beyond what one may lose",
    "recall": "waits: search would no longer find what it says",
}


def tell_changes(changes: Iterable[Told], content_of: ContentOf) -> Iterator[str]:
    """A few lines for each memory, in the order in which they were changed first."""
    places: dict[object, int] = {}
    for change in changes:
        places.setdefault(_subject(change), len(places))
    in_order = sorted(changes, key=lambda change: places[_subject(change)])
    for _, group in groupby(in_order, key=_subject):
        yield from _tell_memory(list(group), content_of)


def _subject(change: Told) -> object:
    return change["change_id"] if change["record"] is None else change["record"]


def _tell_memory(changes: list[Told], content_of: ContentOf) -> Iterator[str]:
    first = changes[0]
    if first["added"]:
        sign = _paint(f"{'+' if first['record'] is None else '+ ' + str(first['record']):>8}", "green")
        start, *rest = printable(str(first["content"])).splitlines() or [""]
        yield f"{sign}  {start}"
        yield from (f"{'':8}  {line}" for line in rest)
    else:
        yield f"{first['record']:>8}  {first_words(printable(str(first['content'])), _WORDS)}"
    for change in changes:
        yield f"{'':8}  {_say(change)}"
        if not change["added"]:
            yield from (f"{'':12}{line}" for line in _fields(change["changed"], content_of))


def _say(change: Told) -> str:
    """`superseded (supersede, round 1): replaced by 20, a newer fact about …`"""
    said = f"{change['effect']} ({change['pass']}, round {change['round']})"
    if change.get("undone_at"):
        said += f", taken back at {change['undone_at']}"
    if "why" in change:
        said += f", {WHY.get(change['why'], change['why'])}"
    return printable(f"{said}: {change['reason']}")


def _fields(changed: Mapping[str, Any], content_of: ContentOf) -> Iterator[str]:
    for name, (before, after) in changed.items():
        if name in _OTHERS and isinstance(after, int):
            content = content_of(after)
            words = f"{after}: {content or 'gone since'}"
            earlier = "now" if before is None else f"{_paint(str(before), 'red')} → now"
            yield f"{earlier} {_OTHERS[name]} {_paint(words, 'green')}"
        else:
            old, new = (_paint(_value(each), hue) for each, hue in ((before, "red"), (after, "green")))
            yield f"{name.replace('_', ' ')}: {old} → {new}"


def _value(value: object) -> str:
    return "—" if value is None else str(value)


def _paint(text: str, hue: str) -> str:
    """Coloured on a terminal: click takes the colour out where the output is none."""
    shown = printable(text)
    return shown if os.environ.get("NO_COLOR") else click.style(shown, fg=hue)
