"""Markdown in small pieces, shared by the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

_MADE = "<!-- Made by `make reference` from what the code says of itself: change it there. -->"
# What would begin something in Markdown outside of what is to be typed.
_SPECIAL = re.compile(r"[*<]|\](?=\()")


def page(title: str, lines: Iterable[str]) -> str:
    """One page; `lines` are blocks, between which a blank line goes."""
    return "\n\n".join([f"# {title}", _MADE, *lines]) + "\n"


def prose(text: str) -> str:
    """One paragraph on one line; what stands between backquotes stays as it is."""
    pieces = " ".join(text.split()).split("`")
    return "`".join(
        each if place % 2 else _SPECIAL.sub(r"\\\g<0>", each) for place, each in enumerate(pieces)
    )


def code(text: str) -> str:
    return f"`{text}`"


def either(values: Iterable[str]) -> str:
    """Values that something can have, as they are typed."""
    return ", ".join(map(code, values))


def items(entries: Iterable[tuple[str, str]]) -> str:
    """A list of terms, each with what is said of it in Markdown."""
    return "\n".join(f"- {term}: {said}" if said else f"- {term}" for term, said in entries)


def block(lines: Iterable[str], language: str = "") -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_rows(heads, rows))


def _rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(heads)
    yield "|" + "---|" * len(heads)
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    # A line in a cell would end it, also inside of what is to be typed.
    return "| " + " | ".join(each.replace("|", r"\|") for each in cells) + " |"


def anchor(heading: str) -> str:
    """The name by which others link to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link(heading: str, said: str | None = None) -> str:
    """A link to a heading of the same page."""
    return f"[{said or heading}](#{anchor(heading)})"
