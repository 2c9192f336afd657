"""A memory's story and its links as lines, for `memory show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iai_daemon.consolidation import story
from iai_daemon.consolidation.diff import WHY
from iai_daemon.consolidation.journal import first_words
from iai_daemon.memory.store import Related

_KINDS = {"related": "related to", "source": "made from", "source_of": "source of"}


def say_related(related: Related) -> str:
    """`related to 12: both speak of postgres, backup (The backups of postgres …)`"""
    words = first_words(related.record.content)
    return f"{_KINDS[related.kind]} {related.record.id}: {related.reason} ({words})"


def say_chapter(chapter: Mapping[str, Any]) -> str:
    """`2026-11-21T03:00:00.000Z  night 3, supersede: superseded, replaced by 20, a newer fact … (20: The API …)`"""
    return f"{chapter['at']}  {_by_whom(chapter)}{_what(chapter)}{_others(chapter)}"


def _by_whom(chapter: Mapping[str, Any]) -> str:
    if chapter["night"] is None:
        return ""
    undone = f", taken back at {chapter['undone_at']}" if chapter.get("undone_at") else ""
    return f"night {chapter['night']}, {chapter['pass']}{undone}: "


def _what(chapter: Mapping[str, Any]) -> str:
    match chapter["what"]:
        case story.TOLD:
            by = [f"{name} {chapter[name]}" for name in ("source", "session") if chapter[name]]
            return f"told ({', '.join(by)})" if by else "told"
        case story.FORGOTTEN:
            return "forgotten by its user"
        case story.WAITS:
            return f"{chapter['effect']} is planned and {WHY[chapter['why']]}: {chapter['reason']}"
        case story.REPLACES if chapter["night"] is not None:
            return f"took the place of {chapter['record']} ({chapter['effect']})"
        case story.REPLACES:
            return "took at once the place of what was imported earlier under the same id"
        case story.REPLACED_BY if chapter["night"] is None:
            return "replaced at once by what was imported later under the same id"
    return f"{chapter['effect']}: {chapter['reason']}"


def _others(chapter: Mapping[str, Any]) -> str:
    others = [f"{each['id']}: {each['content'] or 'gone since'}" for each in chapter["others"]]
    return f" ({'; '.join(others)})" if others else ""
