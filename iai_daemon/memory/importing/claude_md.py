"""Markdown memories of agents: CLAUDE.md, AGENTS.md, GEMINI.md, rules, and the memory files that Claude Code writes itself.

A paragraph or an item of a list is a memory, with what it stands below as far as it needs that; a memory file with a head is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.memory.importing import front_matter, markdown
from iai_daemon.memory.importing.markdown import CODE, TABLE, Block
from iai_daemon.memory.importing.said import (
    Bad,
    Passage,
    Said,
    Skipped,
    Source,
    about,
    decoded,
    digest,
    name_of,
    tags_of,
)
from iai_daemon.memory.ranking import words_of

LARGEST = 1 << 20
_NAMES = {"CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", "AGENTS.override.md", "GEMINI.md", "MEMORY.md"}
# Of these folders every Markdown file is one: Claude Code's rules, and what it remembers by itself.
_FOLDERS = {"rules", "memory"}
_AGENTS = {".claude", ".gemini", ".codex", ".agents"}
_OTHERS = {"node_modules", "__pycache__", "venv", "site-packages", "vendor", "target", "dist", "build"}
# What a heading may be called that tells nothing about what stands below it.
_EMPTY_HEADINGS = {
    "about", "agents", "agents.md", "claude", "claude.md", "context", "general", "gemini.md", "guidelines", "important",
    "instructions", "introduction", "memory", "misc", "note", "notes", "observations", "other", "overview", "preferences",
    "project", "relations", "rules", "summary", "tips",
}  # fmt: skip
# A text of as many words can be understood without the heading above it.
_ENOUGH_WORDS = 9
_IMPORT = re.compile(r"(?<!\S)@([^\s`]+)")
_CODE_SPAN = re.compile(r"`[^`]*`")
_INDEX = re.compile(r"\[[^\]]*\]\((?![a-z]+:)[^)\s]+\.md\)", re.IGNORECASE)
INSTRUCTION = "instruction"


def enters(folder: Path) -> bool:
    """Whether memories may be below it: not in what is hidden, installed or built."""
    inside_agent = folder.parent.name in _AGENTS
    if folder.name in _AGENTS:
        return True
    return (
        not folder.name.startswith(".")
        and folder.name not in _OTHERS
        and not (inside_agent and folder.name == "plugins")
    )


def wanted(path: Path, top: Path) -> bool:
    """Whether a file below the directory `top` is a memory."""
    if path.name in _NAMES:
        return True
    if path.suffix.lower() != ".md":
        return False
    folders = path.parts[:-1]
    own = any(folder in _FOLDERS for folder in folders) and any(folder in _AGENTS for folder in folders)
    # Path.exists raises where it may not look.
    index = os.path.exists(top / "MEMORY.md")  # noqa: PTH110
    return own or (path.parent == top and (top.name in _FOLDERS or index))


def read(source: Source) -> Iterator[Said]:
    text = decoded(source)
    if isinstance(text, Bad):
        yield text
        return
    lines = text.split("\n")
    head, first = front_matter.split(lines)
    kind = front_matter.text(head, "type")
    if front_matter.text(head, "name") and (kind or front_matter.text(head, "description")):
        yield from _whole(source, head, "\n".join(lines[first:]), first + 1)
        return
    tags = tags_of(front_matter.listed(head, "paths") + front_matter.listed(head, "tags"))
    remembered = source.path is not None and (
        source.path.name == "MEMORY.md" or source.path.parent.name == "memory"
    )
    for block in markdown.blocks(lines, first):
        yield from _said(block, name_of(kind) or ("note" if remembered else INSTRUCTION), tags)


def _whole(source: Source, head: front_matter.Head, body: str, line: int) -> Iterator[Said]:
    """A memory file with a head holds one fact: its name and what it is about stand in the head."""
    described = front_matter.text(head, "description") or ""
    content = about(described.rstrip("."), body.strip()).removesuffix(": ")
    if not content:
        yield Skipped(line, "nothing stands in it")
        return
    yield Passage(
        line,
        content,
        own_id=None if source.path is None else f"file:{digest(str(source.path))}",
        kind=name_of(front_matter.text(head, "type")),
        subject=name_of(front_matter.text(head, "name")),
        tags=tags_of(front_matter.listed(head, "tags")),
        created_at=front_matter.text(head, "modified", "updated"),
    )


def _said(block: Block, kind: str, tags: tuple[str, ...]) -> Iterator[Said]:
    for path, alone in _imports(block):
        yield Skipped(block.line, f"@{path} is not followed: import that file itself, if it belongs to it")
        if alone:
            return
    if block.kind == markdown.ITEM and _INDEX.match(block.plain):
        yield Skipped(block.line, "it only names another memory file: import its directory")
    elif not block.introduces:
        yield Passage(
            block.line,
            in_context(block),
            group="\n".join(block.headings),
            kind=kind,
            subject=name_of(heading(block)),
            tags=tags,
        )


def heading(block: Block) -> str | None:
    """The nearest heading that tells something."""
    return next((each for each in reversed(block.headings) if each.lower() not in _EMPTY_HEADINGS), None)


def in_context(block: Block) -> str:
    """What it says, with the items around it, and with its heading where it is short and has none of its words."""
    text, around = block.text, markdown.bare(block.below)
    if around:
        text = f"{around}: {text}"
    above = heading(block)
    said = words_of(f"{around} {block.plain}")
    if above is None or not set(words_of(above)).isdisjoint(said):
        return text
    if block.kind in (CODE, TABLE):
        return f"{above}:\n{text}"
    return f"{above}: {text}" if len(text.split()) < _ENOUGH_WORDS else text


def _imports(block: Block) -> list[tuple[str, bool]]:
    """The files that it imports, and whether it does nothing else."""
    plain = _CODE_SPAN.sub("", block.plain)
    if "@" not in plain:
        return []
    found = [each.rstrip(".,;:!?)") for each in _IMPORT.findall(plain)]
    paths = [each for each in found if "/" in each or "." in each]
    rest = _IMPORT.sub("", plain).strip(" .,;:-")
    return [(path, not rest and not block.codes and len(paths) == len(found)) for path in paths[:20]]
