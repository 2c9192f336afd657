"""What an evening has changed, from what the commands printed: exports compared, facts before and after. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from iai_daemon.demo.corpus import Question

Record = Mapping[str, Any]

_SHOWN = ("id", "content", "current", "valid_from", "valid_to", "superseded_by", "expires_at", "expired_at")


@dataclass(frozen=True, slots=True)
class Counts:
    """The memory in numbers. `embedding_coverage`: the share of records with a vector."""

    total: int
    current: int
    superseded: int
    expired: int
    embedding_coverage: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One question: which of the watched records the search found, best first, and how the memory holds all of them."""

    query: str
    found: Sequence[int]
    records: Sequence[Record]

    def held(self) -> list[Record]:
        """Those that pass for true."""
        return [record for record in self.records if record["current"]]


@dataclass(frozen=True, slots=True)
class Books:
    """The memory at one moment: the export as it was printed, and the answers of that moment."""

    export: bytes
    counts: Counts
    answers: Sequence[Answer]

    def plain(self) -> dict[str, Any]:
        """As the demo's JSON shows it."""
        return {"counts": asdict(self.counts), "queries": [asdict(answer) for answer in self.answers]}


def balance(
    export: bytes, embedding_coverage: float, asked: Sequence[tuple[Question, Sequence[Record]]]
) -> Books:
    """The books at the moment of this export; `asked` has each question with what the search found."""
    records = [json.loads(line) for line in export.splitlines()]
    counts = Counts(
        len(records),
        sum(record["current"] for record in records),
        sum(record["superseded_by"] is not None for record in records),
        sum(record["expired_at"] is not None for record in records),
        embedding_coverage,
    )
    answers = [
        Answer(
            question.query,
            [record["id"] for record in found if question.is_about(record)],
            [_shown(record) for record in records if question.is_about(record)],
        )
        for question, found in asked
    ]
    return Books(export, counts, answers)


def _shown(record: Record) -> Record:
    return {name: record[name] for name in _SHOWN}


def told_by_users(export: bytes) -> bytes:
    """The lines of an export that no night has added."""
    return b"".join(line for line in export.splitlines(keepends=True) if json.loads(line)["made_by"] is None)


def appended(before: bytes, later: bytes) -> bytes:
    """The lines of `later` that `before` does not have because their records are newer: exports are ordered by id."""
    known = {json.loads(line)["id"] for line in before.splitlines()}
    return b"".join(line for line in later.splitlines(keepends=True) if json.loads(line)["id"] not in known)
