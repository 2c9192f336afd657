"""One member of a JSON text (with comments or without) set or taken out; every other character stays as it is. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from iai_daemon.clients.jsonc import NotRead, parse, to_json

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*+")
_ASIDE = re.compile(r"(?:[ \t]++|//[^\n\r]*+|/\*(?:(?!\*/).)*+\*/)*+", re.DOTALL)
_INDENTED = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_USUAL = "  "


@dataclass(frozen=True, slots=True)
class _Member:
    """Where one member of an object stands: its key, its value, and the end of that."""

    key: str
    at: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class _Object:
    """Where an object stands: its braces (`end` is that of the closing one) and its members."""

    at: int
    end: int
    members: tuple[_Member, ...]

    def find(self, key: str) -> _Member | None:
        """The last one of this name: that is the one that counts."""
        return next((each for each in reversed(self.members) if each.key == key), None)


class _Text:
    """A text with its objects. Raises NotRead for what is no object as a whole."""

    def __init__(self, text: str) -> None:
        if not isinstance(parse(text), dict):
            raise NotRead("it is no table as a whole")
        self.text = text
        self.bare = to_json(text)
        self.newline = "\r\n" if "\r\n" in text else "\n"
        found = _INDENTED.search(self.bare)
        self.unit = found[1] if found else _USUAL

    def whole(self) -> _Object:
        return self.object_at(self._skip(0))

    def object_at(self, at: int) -> _Object:
        members = tuple(self._members(at))
        end = self._skip(members[-1].end if members else at + 1)
        return _Object(at, end, members)

    def _members(self, at: int) -> Iterator[_Member]:
        at = self._skip(at + 1)
        while self.bare[at] != "}":
            key, end = _DECODER.raw_decode(self.bare, at)
            value = self._skip(self._skip(end) + 1)
            _, end = _DECODER.raw_decode(self.bare, value)
            yield _Member(key, at, value, end)
            at = self._skip(end)
            if self.bare[at] == ",":
                at = self._skip(at + 1)

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self.bare, at)
        return found.end() if found else at

    def line_begin(self, at: int) -> int:
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def indent_of(self, at: int) -> str:
        """The blanks that the line of this place begins with."""
        begin = self.line_begin(at)
        return self.text[begin : begin + len(self.text[begin:at]) - len(self.text[begin:at].lstrip(" \t"))]

    def is_first_on_line(self, at: int) -> bool:
        return not self.text[self.line_begin(at) : at].strip(" \t")

    def written(self, value: object, indent: str) -> str:
        """A value whose first line stands at this indentation."""
        text = json.dumps(value, indent=self.unit, ensure_ascii=False)
        return text.replace("\n", self.newline + indent)

    def comma_after(self, at: int) -> int | None:
        """Where the comma stands that follows this place with nothing but comments between; None: there is none."""
        while True:
            found = _ASIDE.match(self.text, at)
            at = found.end() if found else at
            if self.text[at : at + 1] == ",":
                return at
            if self.text[at : at + 1] not in ("\n", "\r"):
                return None
            at += 1

    def line_end(self, at: int) -> int:
        """Where the line ends as far as only comments follow; else the place itself."""
        found = _ASIDE.match(self.text, at)
        end = found.end() if found else at
        return end if self.text[end : end + 1] in ("\n", "\r", "") else at


def put(text: str, path: Sequence[str], value: object) -> str:
    """The text with the member at `path` set to `value`; tables on the way that are missing are made. Raises NotRead."""
    if not text.strip():
        text += "{}"
    here = _Text(text)
    within = here.whole()
    for depth, key in enumerate(path[:-1]):
        found = within.find(key)
        if found is None:
            return _insert(here, within, key, _nested(path[depth + 1 :], value))
        if here.bare[found.value] != "{":
            raise NotRead(f"{'.'.join(path[: depth + 1])} is no table")
        within = here.object_at(found.value)
    found = within.find(path[-1])
    if found is None:
        return _insert(here, within, path[-1], value)
    return text[: found.value] + here.written(value, here.indent_of(found.at)) + text[found.end :]


def raw(text: str, path: Sequence[str]) -> str | None:
    """How the value at `path` is written; None where there is none. Raises NotRead."""
    here = _Text(text)
    found = _find(here, path)
    return None if found is None else text[found.value : found.end]


def put_raw(text: str, path: Sequence[str], written: str) -> str:
    """The text with the value at `path`, which is there, written so. Raises NotRead."""
    here = _Text(text)
    found = _find(here, path)
    return text if found is None else text[: found.value] + written + text[found.end :]


def take(text: str, path: Sequence[str], *, emptied: int = 0) -> str:
    """The text without the member at `path`, as it is where there is none. Of the tables around it `emptied` go, too, the
    inner ones first, where nothing is left in them. Raises NotRead."""
    here = _Text(text)
    within = _around(here, path)
    found = None if within is None else within.find(path[-1])
    if within is None or found is None:
        return text
    cut = _cut(here, within, found)
    if len(within.members) > 1:
        # The same name may stand there twice.
        return take(cut, path)
    return take(cut, path[:-1], emptied=emptied - 1) if emptied and len(path) > 1 else cut


def _find(here: _Text, path: Sequence[str]) -> _Member | None:
    within = _around(here, path)
    return None if within is None else within.find(path[-1])


def _around(here: _Text, path: Sequence[str]) -> _Object | None:
    """The table that the last of these names would stand in; None where there is none."""
    within = here.whole()
    for key in path[:-1]:
        found = within.find(key)
        if found is None or here.bare[found.value] != "{":
            return None
        within = here.object_at(found.value)
    return within


def _nested(path: Sequence[str], value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


def _insert(here: _Text, within: _Object, key: str, value: object) -> str:
    if not within.members:
        return _first(here, within, key, value)
    text, last = here.text, within.members[-1]
    if not here.is_first_on_line(last.at):
        member = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        return f"{text[: last.end]}, {member}{text[last.end :]}"
    indent = here.indent_of(last.at)
    member = f"{here.newline}{indent}{json.dumps(key, ensure_ascii=False)}: {here.written(value, indent)}"
    comma = here.comma_after(last.end)
    if comma is None:
        end = here.line_end(last.end)
        return f"{text[: last.end]},{text[last.end : end]}{member}{text[end:]}"
    end = here.line_end(comma + 1)
    return f"{text[:end]}{member},{text[end:]}"


def _first(here: _Text, within: _Object, key: str, value: object) -> str:
    """Into a table that is empty, whatever comments stand in it: they stay behind it."""
    text, outer = here.text, here.indent_of(within.at)
    indent = outer + here.unit
    member = f"{here.newline}{indent}{json.dumps(key, ensure_ascii=False)}: {here.written(value, indent)}"
    rest = text[within.at + 1 : within.end]
    closing = "" if "\n" in rest else here.newline + outer
    if closing and not rest.strip():
        rest = ""
    return f"{text[: within.at + 1]}{member}{rest}{closing}{text[within.end :]}"


def _cut(here: _Text, within: _Object, found: _Member) -> str:
    text = here.text
    at = within.members.index(found)
    if len(within.members) == 1 and not here.text[within.at + 1 : found.at].strip():
        rest = text[found.end : within.end].strip().removeprefix(",")
        if not rest.strip():
            return text[: within.at + 1] + text[within.end :]
    comma = here.comma_after(found.end)
    begin, end = found.at, found.end if comma is None else comma + 1
    if here.is_first_on_line(begin):
        begin = here.line_begin(begin)
        begin -= 2 if text[begin - 2 : begin] == "\r\n" else 1
    elif comma is not None:
        blank = _BLANK.match(text, end)
        end = blank.end() if blank and at + 1 < len(within.members) else end
    cut = text[:begin] + text[end:]
    if comma is None and at > 0:
        # It was the last one, and the comma before it stood there for its sake.
        before = here.comma_after(within.members[at - 1].end)
        if before is not None and before < begin:
            between = cut[before + 1 : begin]
            kept = between if here.is_first_on_line(found.at) else between.rstrip(" ")
            cut = cut[:before] + kept + cut[begin:]
    return cut
