"""What a source says, place by place, before it becomes memories. Pure; every format answers in these words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.memory.drafts import MAX_NAME, MAX_TAGS

# What follows in a file with more mistakes than this is not read: it is something else.
MOST_MISTAKES = 1000


@dataclass(frozen=True, slots=True)
class Source:
    """One file, read. `name`: as its reader calls it; `path`: where it is, None for standard input; `modified_at` in seconds
    since the epoch, None where nobody knows."""

    name: str
    data: bytes
    path: Path | None = None
    modified_at: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """One memory to be. `line` counts from 1, None where lines tell nothing; `group`: what in the source it belongs to, within
    which a changed passage is looked for; `own_id`: the source's own name for it; stamps are RFC 3339."""

    line: int | None
    content: str
    group: str = ""
    own_id: str | None = None
    kind: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] = ()
    created_at: str | None = None
    expires_at: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A place that cannot be understood, and why."""

    line: int | None
    problem: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A place that is left out on purpose, and why."""

    line: int | None
    reason: str


Said = Passage | Bad | Skipped


def about(name: str, text: str) -> str:
    """The text so that it can be understood without what it stands below: the name before it, unless it has that already."""
    head = name.strip().rstrip(":")
    if not head or head.casefold() in text.casefold():
        return text
    return f"{head}: {text}"


def name_of(value: object) -> str | None:
    """A text that is short enough for a subject or a kind; else None."""
    if not isinstance(value, str):
        return None
    text = " ".join(value.split())
    return text if 0 < len(text) <= MAX_NAME else None


def tags_of(values: Iterable[object]) -> tuple[str, ...]:
    """As many of these as a memory may have, each once."""
    found = (name_of(value) for value in values)
    return tuple(dict.fromkeys(tag for tag in found if tag is not None))[:MAX_TAGS]


def digest(*texts: str) -> str:
    """A short name for these texts: the same for the same ones, whatever machine asks."""
    whole = "\0".join(texts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(whole, digest_size=9).hexdigest()


def decoded(source: Source) -> str | Bad:
    """The file as a text; a byte that is none of UTF-8 becomes a lone surrogate, which no memory takes."""
    if b"\0" in source.data:
        line = source.data.count(b"\n", 0, source.data.index(b"\0")) + 1
        return Bad(line, "it is no text: it holds a zero byte")
    return source.data.decode("utf-8-sig", "surrogateescape")


def foreign_byte(text: str) -> str | None:
    """What to say of a text that `decoded` has found a foreign byte in; None where it is whole."""
    for character in text:
        if "\udc80" <= character <= "\udcff":
            return f"it is not UTF-8 text: it holds the byte 0x{ord(character) - 0xDC00:02x}"
    return None
