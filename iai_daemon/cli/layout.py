"""Rows as lines of a terminal: wrapped by the cells that they take, cut where there is no room, in ASCII where nothing else is shown.

Pure; `status` prints the lines, `watch` draws them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from iai_daemon.cli.colour import Tone
from iai_daemon.foreign import printable

_LABEL = 10
# In less room than this a label is the first word of its text.
_NARROW = 40
_LEAST = 10
_ASCII = str.maketrans(
    {"…": "...", "→": "->", "×": "x", "·": "-", "–": "-", "—": "-", "█": "#", "░": ".", "“": '"', "”": '"'}
)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to know. Where there is too little room, rows that are worth less go first; `whole`: never wrapped, but cut."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN
    worth: int = 5
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the label, or the room that it leaves, and the text after it."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN


def shows_unicode(environment: Mapping[str, str], encoding: str | None) -> bool:
    """Whether more than ASCII can be shown. LC_ALL is asked, since Python writes UTF-8 whatever the locale C says."""
    said = environment.get("LC_ALL", "").lower().replace("-", "")
    writes_utf8 = (encoding or "").lower().replace("-", "").replace("_", "") == "utf8"
    return writes_utf8 and (not said or "utf8" in said)


def in_ascii(text: str) -> str:
    """The same for a terminal that knows nothing else."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def cells(text: str) -> int:
    """How wide a terminal shows it: ideographs take two cells, what is written over a letter none."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def _cells_of(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int, *, end: str = "…") -> str:
    """The beginning of it that has room, with a sign where something is missing."""
    if cells(text) <= width:
        return text
    room, kept = width - cells(end), ""
    for each in text:
        room -= _cells_of(each)
        if room < 0:
            break
        kept += each
    return (kept.rstrip() + end) if width >= cells(end) else ""


def wrap(text: str, width: int) -> Iterator[str]:
    """Lines of whole words; a word that is longer than a line is broken."""
    line = ""
    for word in _broken(text.split(), width):
        longer = f"{line} {word}" if line else word
        if line and cells(longer) > width:
            yield line
            line = word
        else:
            line = longer
    if line:
        yield line


def _broken(words: Sequence[str], width: int) -> Iterator[str]:
    """The same words, the longest in pieces."""
    for word in words:
        rest = word
        while cells(rest) > width:
            head = cut(rest, width, end="") or rest[0]
            yield head
            rest = rest[len(head) :]
        yield rest


def lines(rows: Sequence[Row], width: int, *, unicode: bool = True) -> list[Line]:
    """All rows, wrapped; of rows with the same label in turn the first one shows it."""
    found: list[Line] = []
    before = None
    for row in (_shown(row, unicode=unicode) for row in rows):
        found += _lines_of(
            row, max(width, _LEAST), label="" if row.label == before else row.label, unicode=unicode
        )
        before = row.label
    return found


def _shown(row: Row, *, unicode: bool) -> Row:
    """As this terminal can show it, and without what would steer it."""
    text = printable(row.text)
    return replace(row, text=text if unicode else in_ascii(text))


def _lines_of(row: Row, width: int, *, label: str, unicode: bool) -> Iterator[Line]:
    end = "…" if unicode else "..."
    beside = _LABEL if width >= _NARROW else 0
    text = row.text if beside else f"{label} {row.text}".strip()
    pieces = [cut(text, width - beside, end=end)] if row.whole else [*wrap(text, width - beside)]
    for each in pieces or [""]:
        yield Line(label.ljust(beside) if beside else "", each, row.tone)
        label = ""


def fit(rows: Sequence[Row], width: int, height: int, *, unicode: bool = True) -> list[Line]:
    """As many rows as there is room for, those that are worth least left out first, the last of them before the others."""
    kept = list(rows)
    shown = lines(kept, width, unicode=unicode)
    while len(shown) > height and len(kept) > 1:
        least = min(row.worth for row in kept)
        last = max(index for index, row in enumerate(kept) if row.worth == least)
        del kept[last]
        shown = lines(kept, width, unicode=unicode)
    return shown[: max(0, height)]
