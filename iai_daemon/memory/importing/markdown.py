"""Markdown cut into what stands for itself: paragraphs, and items of lists with what they stand below. Pure, total, and linear.

It reads what agents' notes are written in (headings, lists in lists, fences, tables, quotes, comments) and takes the rest for text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

TEXT, ITEM, CODE, TABLE = "text", "item", "code", "table"
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})([^\n]*)$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(\S.*)$")
_TAB = 4
# So much of a heading, or of what introduces a list, is kept beside what stands below it.
_LONGEST_ABOVE = 300
# An item of as few words that has others below it is only their title.
_TITLE_WORDS = 3


@dataclass(slots=True)
class Block:
    """One paragraph, item, table, or fence that nothing introduces. `headings`: what it stands below, outermost first; `below`:
    the items around an item, and the sentence that introduces its list; `leads`: it introduces what follows; `quoted`: somebody
    else's words. `codes`: the fences that belong to it."""

    kind: str
    line: int
    headings: tuple[str, ...]
    parts: list[str]
    indent: int = 0
    below: tuple[str, ...] = ()
    leads: bool = False
    quoted: bool = False
    codes: list[str] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """What it says, without code: a paragraph on one line, a table as it stands."""
        return "\n".join(self.parts) if self.kind == TABLE else " ".join(self.parts)

    @property
    def introduces(self) -> bool:
        """Whether it says nothing but what the things below it are about."""
        title = self.kind == ITEM and len(self.plain.split()) <= _TITLE_WORDS
        return self.leads and not self.codes and (title or self.parts[-1].endswith(":"))

    @property
    def text(self) -> str:
        """All of it, the fences kept as they are."""
        return "\n".join([*([self.plain] if self.parts else []), *self.codes])


def blocks(lines: Sequence[str], first: int) -> list[Block]:
    """What the lines say from number `first` on, which counts from 0; the numbers in the blocks count from 1."""
    reading = _Reading()
    for number in range(first, len(lines)):
        reading.take(number + 1, lines[number].rstrip("\r"))
    return reading.end()


class _Reading:
    """Where a reader stands in a text."""

    def __init__(self) -> None:
        self._done: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._open: Block | None = None
        # The last block, as long as a fence would still belong to it.
        self._last: Block | None = None
        # The items around the next one, and what introduced their list.
        self._items: list[Block] = []
        self._leader: Block | None = None
        self._fence: tuple[str, int, int] | None = None
        self._code: list[str] = []
        self._in_comment = False

    def take(self, number: int, line: str) -> None:
        if self._fence is not None:
            self._take_code(line, *self._fence)
            return
        line = self._without_comments(line)
        fence = _FENCE.match(line)
        if fence and not (fence[2][0] == "`" and "`" in fence[3]):
            self._open_fence(number, fence)
        elif not line.strip():
            self._open = None
        elif not self._is_indented(number, line) and not self._is_heading(line) and not self._is_rule(line):
            self._take_text(number, line)

    def end(self) -> list[Block]:
        if self._fence is not None:
            self._close_fence()
        return [block for block in self._done if block.text.strip()]

    # Comments and fences.

    def _without_comments(self, line: str) -> str:
        if not self._in_comment and "<!--" not in line:
            return line
        kept, at = [], 0
        while at < len(line):
            if self._in_comment:
                end = line.find("-->", at)
                self._in_comment = end < 0
                at = len(line) if end < 0 else end + 3
                continue
            start = line.find("<!--", at)
            if start < 0 or line[start - 1 : start] == "`":
                kept.append(line[at:])
                break
            kept.append(line[at:start])
            self._in_comment, at = True, start + 4
        return "".join(kept)

    def _open_fence(self, number: int, fence: re.Match[str]) -> None:
        indent = _columns(fence[1])
        self._fence = (fence[2][0], len(fence[2]), len(fence[1]))
        self._code = [fence[0].strip()]
        self._open = self._leader = None
        owner = self._last
        if owner is not None and owner.kind == ITEM:
            owner = next((item for item in reversed(self._items) if item.indent < indent), None)
        if owner is None or owner.quoted:
            owner = self._add(Block(CODE, number, self._path(), []))
        self._last = owner

    def _take_code(self, line: str, sign: str, length: int, indent: int) -> None:
        bare = line.strip()
        lead = len(line) - len(line.lstrip(" \t"))
        self._code.append(line[min(indent, lead) :])
        if len(bare) >= length and not bare.strip(sign):
            self._close_fence()

    def _close_fence(self) -> None:
        if self._last is not None:
            self._last.codes.append("\n".join(self._code))
        self._fence, self._code = None, []

    def _is_indented(self, number: int, line: str) -> bool:
        """Whether it is code by its indentation alone; an item that stands so is none."""
        lead = line[: len(line) - len(line.lstrip(" \t"))]
        if self._items or self._open is not None or _columns(lead) < _TAB or _ITEM.match(line):
            return False
        if self._last is None or self._last.quoted:
            self._last = self._add(Block(CODE, number, self._path(), []))
        self._last.codes.append(line.expandtabs(_TAB)[_TAB:])
        self._leader = None
        return True

    # Headings and rules.

    def _is_heading(self, line: str) -> bool:
        stripped = line.strip()
        underlined = self._open
        if (
            underlined is not None
            and underlined.kind == TEXT
            and not underlined.quoted
            and stripped[0] in "=-"
            and not stripped.strip(stripped[0])
        ):
            # It is the last one: nothing has come since it was opened.
            self._done.pop()
            self._head(1 if stripped[0] == "=" else 2, underlined.plain)
            return True
        level = len(stripped) - len(stripped.lstrip("#"))
        if not 1 <= level <= 6 or (len(stripped) > level and stripped[level] not in " \t"):
            return False
        self._head(level, stripped[level:].strip().rstrip("#"))
        return True

    def _head(self, level: int, text: str) -> None:
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, text[:_LONGEST_ABOVE].strip(" \t*_`:")))
        self._open = self._last = self._leader = None
        self._items = []

    def _is_rule(self, line: str) -> bool:
        bare = line.replace(" ", "").replace("\t", "")
        is_rule = len(bare) >= 3 and bare[0] in "-*_" and not bare.strip(bare[0])
        if is_rule:
            self._open = self._last = self._leader = None
            self._items = []
        return is_rule

    # Text.

    def _take_text(self, number: int, line: str) -> None:
        item = _ITEM.match(line)
        stripped = line.strip()
        if item:
            self._take_item(number, _columns(item[1]), item[2].strip())
        elif stripped.startswith(">"):
            self._take_paragraph(number, TEXT, stripped.lstrip("> \t"), quoted=True)
        elif stripped.startswith("|"):
            self._take_paragraph(number, TABLE, stripped)
        elif self._goes_on_an_item(line):
            self._items[-1].parts.append(stripped)
            self._open = self._last = self._items[-1]
        else:
            self._take_paragraph(number, TEXT, stripped)

    def _goes_on_an_item(self, line: str) -> bool:
        """Either right below it, or indented farther than its sign."""
        if not self._items:
            return False
        indent = _columns(line[: len(line) - len(line.lstrip(" \t"))])
        return self._open is self._items[-1] or indent > self._items[-1].indent

    def _take_item(self, number: int, indent: int, text: str) -> None:
        while self._items and self._items[-1].indent >= indent:
            self._items.pop()
        around = [_short(block) for block in self._items[-3:]]
        if self._items:
            self._items[-1].leads = True
        if self._leader is not None:
            self._leader.leads = True
            around.insert(0, _short(self._leader))
        block = Block(ITEM, number, self._path(), [text], indent=indent, below=tuple(around))
        self._open = self._last = self._add(block)
        self._items.append(block)

    def _take_paragraph(self, number: int, kind: str, text: str, *, quoted: bool = False) -> None:
        going_on = self._open
        if going_on is not None and going_on.kind == kind and going_on.quoted == quoted:
            going_on.parts.append(text)
        else:
            self._items = []
            going_on = self._add(Block(kind, number, self._path(), [text], quoted=quoted))
        self._open = self._last = going_on
        # A sentence that ends so introduces the list that comes next.
        self._leader = going_on if kind == TEXT and text.endswith(":") else None

    def _add(self, block: Block) -> Block:
        self._done.append(block)
        return block

    def _path(self) -> tuple[str, ...]:
        return tuple(text for _, text in self._headings if text)


def bare(texts: Iterator[str] | Sequence[str]) -> str:
    """Several that stand around each other as the words before a text: `Testing: unit tests`."""
    return ": ".join(text.rstrip(" :.").strip("*_") for text in texts)


def _short(block: Block) -> str:
    parts, length = [], 0
    for part in block.parts:
        parts.append(part[:_LONGEST_ABOVE])
        length += len(part)
        if length > _LONGEST_ABOVE:
            break
    return " ".join(parts)[:_LONGEST_ABOVE]


def _columns(space: str) -> int:
    return sum(_TAB if character == "\t" else 1 for character in space)
