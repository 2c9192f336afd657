"""Our documents as the tests read them: the fenced blocks of a page with what stands above them, its headings and its links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.project.source import ROOT

# Made from code, and held to it by tests of their own; their examples are those of the commands' help.
_MADE = "<!-- Made by `"
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[\w.-]*)$")
_COMMENT = re.compile(r"^<!-- (?P<text>.*) -->$")
# `<!-- not run: why -->` is about the whole block below it, `<!-- not run, doctor, report --serve: why -->` about these lines.
_NOT_RUN = re.compile(r"not run(?:, (?P<lines>[^:]+))?: (?P<why>.+)")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class NotRun:
    """What a comment above a block says of it. `lines`: how those begin that it is about; none: it is about all."""

    lines: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Block:
    """One fenced block; `line` is that of its first content."""

    page: str
    line: int
    language: str
    text: str
    comments: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def not_run(self) -> list[NotRun]:
        found = [_NOT_RUN.fullmatch(each) for each in self.comments]
        return [
            NotRun(tuple(each["lines"].split(", ")) if each["lines"] else (), each["why"])
            for each in found
            if each
        ]


@dataclass(frozen=True)
class Page:
    """One document; `name` is its path from the top."""

    name: str
    text: str

    @property
    def made(self) -> bool:
        return _MADE in self.text

    @property
    def blocks(self) -> list[Block]:
        return list(_blocks(self.name, self.text.splitlines()))

    @property
    def prose(self) -> str:
        """Without blocks and without code within lines."""
        lines = self.text.splitlines()
        for block in self.blocks:
            for number in range(block.line - 2, block.line + block.text.count("\n")):
                lines[number] = ""
        return re.sub(r"`[^`\n]*`", "", "\n".join(lines))

    @property
    def links(self) -> list[str]:
        """Those to files and headings of ours."""
        found = [match["target"] for match in _LINK.finditer(self.prose)]
        return [each for each in found if not re.match(r"[a-z]+:", each)]

    @property
    def anchors(self) -> set[str]:
        """The headings as links call them."""
        inside = {
            number
            for block in self.blocks
            for number in range(block.line, block.line + block.text.count("\n"))
        }
        return {
            _anchor(line.lstrip("#"))
            for number, line in enumerate(self.text.splitlines(), 1)
            if re.match(r"#{1,6} ", line) and number not in inside
        }


def _anchor(heading: str) -> str:
    """As GitHub makes it: small letters, no punctuation, dashes for spaces."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if opened is None:
            number += 1
            continue
        end = next(place for place in range(number + 1, len(lines)) if lines[place] == opened["fence"])
        text = "".join(f"{line}\n" for line in lines[number + 1 : end])
        yield Block(page, number + 2, opened["language"], text, tuple(_above(lines[:number])))
        number = end + 1


def _above(lines: list[str]) -> Iterator[str]:
    for line in reversed(lines):
        found = _COMMENT.match(line)
        if found is None:
            return
        yield found["text"]


@cache
def pages() -> tuple[Page, ...]:
    """What is written for people who use iai-daemon or work on it."""
    there = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(page(str(path.relative_to(ROOT))) for path in there)


@cache
def page(name: str) -> Page:
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))


def blocks(*languages: str) -> list[Block]:
    """Those of all pages that are written by hand."""
    return [
        block for each in pages() if not each.made for block in each.blocks if block.language in languages
    ]


def resolved(name: str, target: str) -> tuple[Path, str]:
    """Where a link of a page leads: the file, and the heading in it."""
    path, _, anchor = target.partition("#")
    return ((ROOT / name).parent / path if path else ROOT / name).resolve(), anchor
