"""Notes of Basic Memory: Markdown with a head, observations (`- [category] text #tag (context)`) and relations (`- type [[Note]]`).

What is neither is a memory of its own, too: a paragraph, an item, a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from iai_daemon.memory.drafts import MAX_NAME
from iai_daemon.memory.importing import claude_md, front_matter, markdown
from iai_daemon.memory.importing.markdown import ITEM, Block
from iai_daemon.memory.importing.said import Bad, Passage, Said, Source, about, decoded, name_of, tags_of

LARGEST = 4 << 20
_OBSERVATION = re.compile(r"\[([^\[\]()]{1,200})\][ \t]+(\S.*)$", re.DOTALL)
# `[00:01:02]` is a place in a recording, `[x]` and `[/]` are boxes of tasks.
_NO_CATEGORY = re.compile(r"\d{1,3}:\d\d[\d:.,\s-]{0,40}|[xX]|[^\w]")
_RELATION = re.compile(
    r"""(?:"([^"\[\]]{1,200})"|'([^'\[\]]{1,200})'|([^\s\[\]]{0,200}))[ \t]{0,9}\[\[([^\[\]]{1,500})\]\]"""
)
_TAG = re.compile(r"(?<!\S)#([^\s#]+)")


@dataclass(frozen=True, slots=True)
class _Note:
    """What the head of a note says: its name, what kind it is, its tags, where it belongs, when it was changed."""

    title: str
    kind: str | None
    tags: list[str]
    place: str
    changed_at: str | None


def enters(folder: Path) -> bool:
    """Hidden directories belong to other programs."""
    return not folder.name.startswith(".")


def wanted(path: Path, top: Path) -> bool:  # noqa: ARG001 -- every format is asked so
    return path.suffix.lower() == ".md"


def read(source: Source) -> Iterator[Said]:
    text = decoded(source)
    if isinstance(text, Bad):
        yield text
        return
    lines = text.split("\n")
    head, first = front_matter.split(lines)
    blocks = markdown.blocks(lines, first)
    note = _note(source, head, blocks)
    for block in blocks:
        if not block.introduces:
            yield _of_item(block, note) if block.kind == ITEM and not block.quoted else _other(block, note)


def _note(source: Source, head: front_matter.Head, blocks: list[Block]) -> _Note:
    above = next((block.headings[0] for block in blocks if block.headings), "")
    title = front_matter.text(head, "title") or (above if source.path is None else source.path.stem)
    return _Note(
        title[:MAX_NAME].strip(),
        name_of(front_matter.text(head, "type")),
        front_matter.listed(head, "tags"),
        front_matter.text(head, "permalink") or title,
        front_matter.text(head, "modified", "created")
        if source.path is None
        else front_matter.text(head, "modified"),
    )


def _of_item(block: Block, note: _Note) -> Said:
    relation = _RELATION.match(block.plain)
    if relation:
        rest = block.plain[relation.end() :].strip()
        if not rest or (rest.startswith("(") and rest.find(")") == len(rest) - 1):
            return _relation(block, note, relation, rest)
    observation = _OBSERVATION.match(block.plain)
    category = observation[1].strip() if observation else None
    if observation is None or not category or _NO_CATEGORY.fullmatch(category):
        return _other(block, note)
    text, tags = _tagged(observation[2])
    said = "\n".join([text, *block.codes])
    return _passage(block, note, about(note.title, said), kind=name_of(category), tags=[*note.tags, *tags])


def _relation(block: Block, note: _Note, found: re.Match[str], context: str) -> Passage:
    how = (found[1] or found[2] or found[3] or "links_to").strip()
    target = found[4].strip()
    said = f"{note.title} {how} {target}" + (f" {context}" if context else "")
    return _passage(block, note, said, kind="relation", tags=note.tags, group=target)


def _other(block: Block, note: _Note) -> Passage:
    text, tags = _tagged(block.plain) if block.kind == ITEM else (block.plain, [])
    around = markdown.bare(block.below)
    said = "\n".join([part for part in (f"{around}: {text}" if around else text, *block.codes) if part])
    above = claude_md.heading(block)
    if above and above != note.title:
        said = about(above, said)
    return _passage(block, note, about(note.title, said), kind=note.kind or "note", tags=[*note.tags, *tags])


def _passage(
    block: Block, note: _Note, content: str, *, kind: str | None, tags: list[str], group: str = ""
) -> Passage:
    return Passage(
        block.line,
        content,
        group=f"{note.place}\n{group}",
        kind=kind,
        subject=name_of(note.title),
        tags=tags_of(tags),
        created_at=note.changed_at,
    )


def _tagged(text: str) -> tuple[str, list[str]]:
    """Without the tags that only stand at its end, or before its context; and all tags."""
    tags = _TAG.findall(text)
    if not tags:
        return text, []
    context = ""
    if text.endswith(")") and "(" in text:
        text, _, inner = text.rpartition("(")
        context = f" ({inner}"
    kept = text.split()
    while len(kept) > 1 and kept[-1].startswith("#"):
        kept.pop()
    return " ".join(kept) + context, tags
