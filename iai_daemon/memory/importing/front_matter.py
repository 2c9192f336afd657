"""The block of `key: value` at the head of a Markdown file, as agents and note programs write it. Pure and total: what is no
such line is passed over, and nothing but texts and lists of texts comes out of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A head longer than this is none.
_MOST_LINES = 400
_KEY = re.compile(r"(\s*)([A-Za-z0-9_][\w .-]{0,60}?)[ \t]{0,3}:(?:[ \t]+(.*)|[ \t]*)$")

Head = dict[str, str | list[str]]


def split(lines: Sequence[str]) -> tuple[Head, int]:
    """What stands in the head, and how many lines it takes; ({}, 0) where there is none. A key of an inner block counts
    where the outer one does not have it."""
    if not lines or lines[0].rstrip() != "---":
        return {}, 0
    for end in range(1, min(len(lines), _MOST_LINES)):
        if lines[end].rstrip() in ("---", "..."):
            return _read(lines[1:end]), end + 1
    return {}, 0


def text(head: Head, *names: str) -> str | None:
    """The first of these that is there, on one line."""
    for name in names:
        value = head.get(name)
        if value:
            return value if isinstance(value, str) else ", ".join(value)
    return None


def listed(head: Head, name: str) -> list[str]:
    """A list, written as one or with commas."""
    value = head.get(name, [])
    parts = value.split(",") if isinstance(value, str) else value
    return [part.strip().lstrip("#") for part in parts if part.strip()]


def _read(lines: Sequence[str]) -> Head:
    head: Head = {}
    inner: Head = {}
    last: tuple[Head, str] | None = None
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped == "-" or stripped.startswith("- "):
            _append(last, _bare(stripped[1:].strip()))
            continue
        key = _KEY.match(line)
        if key is None:
            _go_on(last, stripped)
            continue
        place = inner if key[1] else head
        place[key[2].lower()] = _value(key[3] or "")
        last = (place, key[2].lower())
    return inner | head


def _append(last: tuple[Head, str] | None, item: str) -> None:
    if last is not None:
        place, name = last
        before = place[name]
        place[name] = [*before, item] if isinstance(before, list) else [item]


def _go_on(last: tuple[Head, str] | None, more: str) -> None:
    """A text over several lines."""
    if last is not None:
        place, name = last
        before = place[name]
        if isinstance(before, str):
            place[name] = f"{before} {more}".strip()


def _value(written: str) -> str | list[str]:
    stripped = written.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        return [_bare(part.strip()) for part in stripped[1:-1].split(",") if part.strip()]
    if stripped in ("|", ">", "|-", ">-", "null", "~"):
        return ""
    return _bare(stripped)


def _bare(value: str) -> str:
    """Without the quotes around it."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
