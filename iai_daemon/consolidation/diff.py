"""What nights changed, and planned, in words: memory by memory, before and after. Pure; the command line and the report show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

# A change as `journal.describe_entry` and `describe_held` give it, also over a worker's pipe.
Told = Mapping[str, Any]
# The first words of a memory by its id, None where there is none.
ContentOf = Callable[[int], str | None]

_OTHERS = {"superseded_by": "superseded by", "merged_into": "joined into"}
WHY = {
    "review": "waits for you",
    "budget": "waits for the next night: it is beyond what one may lose",
    "recall": "waits: search would no longer find what it says",
}


@dataclass(frozen=True, slots=True)
class Field:
    """What is different in a memory: `name: before → after`. With `other` it is what took the memory's place, and `before` (None:
    nothing) had it earlier: `now name after`."""

    name: str
    before: str | None
    after: str
    other: bool = False


def by_memory(changes: Iterable[Told]) -> list[list[Told]]:
    """The changes of each memory together, in the order in which the memories were changed first."""
    told = list(changes)
    places: dict[object, int] = {}
    for change in told:
        places.setdefault(_subject(change), len(places))
    in_order = sorted(told, key=lambda change: places[_subject(change)])
    return [list(group) for _, group in groupby(in_order, key=_subject)]


def _subject(change: Told) -> object:
    return change["change_id"] if change["record"] is None else change["record"]


def say_change(change: Told) -> str:
    """`superseded (supersede, round 1): replaced by 20, a newer fact about …`"""
    said = f"{change['effect']} ({change['pass']}, round {change['round']})"
    if change.get("undone_at"):
        said += f", taken back at {change['undone_at']}"
    if "why" in change:
        said += f", {WHY.get(change['why'], change['why'])}"
    return f"{said}: {change['reason']}"


def fields(changed: Mapping[str, Any], content_of: ContentOf) -> Iterator[Field]:
    """What is different, by name; what took a memory's place, with its first words."""
    for name, (before, after) in changed.items():
        if name in _OTHERS and isinstance(after, int):
            words = f"{after}: {content_of(after) or 'gone since'}"
            yield Field(_OTHERS[name], None if before is None else str(before), words, other=True)
        else:
            yield Field(name.replace("_", " "), _value(before), _value(after))


def others(changed: Mapping[str, Any]) -> Iterator[int]:
    """The memories whose words `fields` asks for."""
    for name, (_, after) in changed.items():
        if name in _OTHERS and isinstance(after, int):
            yield after


def _value(value: object) -> str:
    return "—" if value is None else str(value)
