"""The values in a file that is one JSON document or has one on each line; what is neither is named. Pure and total."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from iai_daemon.memory.importing.said import Bad, Source

_NO_JSON = (ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `of`: the list in the document that it stands in, `number` its place there, from 1; None for a line's own."""

    line: int | None
    value: Any
    of: str | None = None
    number: int = 0

    def bad(self, problem: str) -> Bad:
        where = "" if self.of is None else f"number {self.number} of {self.of}: "
        return Bad(self.line, where + problem)


def values(source: Source, *, lists: Sequence[str]) -> Iterator[Value | Bad]:
    """Each of what the document lists under one of these names, or of what it is a list of; else the value of each line."""
    lines = source.data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    document = None if _begins_with_a_line(lines, lists) else _document(source.data)
    if isinstance(document, dict) and any(isinstance(document.get(name), list) for name in lists):
        for name in lists:
            listed = document.get(name)
            for number, value in enumerate(listed if isinstance(listed, list) else [], 1):
                yield Value(None, value, name, number)
    elif isinstance(document, list):
        for number, value in enumerate(document, 1):
            yield Value(None, value, "the list", number)
    else:
        yield from _of_lines(lines)


def _begins_with_a_line(lines: Sequence[bytes], lists: Sequence[str]) -> bool:
    """Whether its first line is a whole value and no document of lists: reading everything at once would be in vain."""
    first = next((line for line in lines if line.strip()), b"")
    document = _document(first)
    return isinstance(document, dict) and not any(name in document for name in lists)


def _document(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except _NO_JSON:
        return None


def _of_lines(lines: Sequence[bytes]) -> Iterator[Value | Bad]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Value(number, json.loads(line.decode("utf-8")))
        except UnicodeDecodeError as cause:
            yield Bad(number, f"it is not UTF-8 text: it holds the byte 0x{line[cause.start]:02x}")
        except _NO_JSON:
            yield Bad(number, "it is not JSON")
