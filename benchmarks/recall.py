"""Recall: whether search finds what was said, before and after nights. `make bench-recall DATA=DIR`, where DIR holds
`locomo/conversations.json` (LoCoMo, Maharana et al. 2024). One store a conversation, one memory a turn."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, Record, describe
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home

NIGHTS = 30
LIMIT = 10
DAY = 86_400.0
# Adversarial questions (category 5) have no answer in the conversation.
ANSWERABLE = (1, 2, 3, 4)
AFTER_ONE, AFTER_THIRTY = 0.99, 0.97
RECALL, MRR = 0.70, 0.50


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the ids of the turns that answer it."""

    text: str
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of one conversation as memories, and what is asked about it."""

    name: str
    turns: Sequence[Draft]
    questions: Sequence[Question]


@dataclass(frozen=True, slots=True)
class Found:
    """Means over all questions: the share of the evidence among the first ten, and one over the place of the first of it."""

    recall: float
    mrr: float
    questions: int


def conversations(data: Path) -> Iterator[Conversation]:
    """Those of the file, as somebody would import them."""
    for each in json.loads((data / "locomo" / "conversations.json").read_text(encoding="utf-8")):
        turns = list(_turns(each["conversation"]))
        known = {turn.external_id for turn in turns}
        questions = [
            Question(asked["question"], evidence)
            for asked in each["qa"]
            if asked["category"] in ANSWERABLE
            and (evidence := frozenset(re.findall(r"D\d+:\d+", " ".join(asked["evidence"])))) <= known
            and evidence
        ]
        yield Conversation(each["sample_id"], turns, questions)


def _turns(conversation: Mapping[str, Any]) -> Iterator[Draft]:
    number = 1
    while f"session_{number}_date_time" in conversation:
        began = datetime.strptime(
            conversation[f"session_{number}_date_time"], "%I:%M %p on %d %B, %Y"
        ).replace(tzinfo=UTC)
        for place, turn in enumerate(conversation.get(f"session_{number}", [])):
            yield Draft(
                f"{turn['speaker']}: {turn['text']}",
                external_id=turn["dia_id"],
                session=f"session {number}",
                created_at=began.timestamp() + place,
            )
        number += 1


def ask(stores: Stores, questions: Sequence[Question], now: int) -> Found:
    """What was joined into a memory is found with it."""
    recalls, ranks = [], []
    for question in questions:
        hits = [hit.record for hit in stores.memory.search(Query(question.text, LIMIT), now)]
        names = [_names(record, stores) for record in hits]
        found = question.evidence & frozenset().union(*names)
        recalls.append(len(found) / len(question.evidence))
        first = next((place for place, each in enumerate(names, 1) if each & question.evidence), None)
        ranks.append(0.0 if first is None else 1 / first)
    return Found(statistics.fmean(recalls), statistics.fmean(ranks), len(questions))


def _names(record: Record, stores: Stores) -> frozenset[str]:
    return frozenset((record.name, *stores.memory.merged_ids([record.id]).get(record.id, ())))


def sleep(stores: Stores, home: Home, at: float) -> Mapping[str, Any]:
    """One whole night at this time (seconds since the epoch), with every pass that is on by default."""
    settings = Settings()
    chosen = passes.chosen(settings, home, alone=True)
    around = Surroundings(clock=lambda: Now(at, at, at), memory=stores.memory)
    order = Order("night", "absent", model=passes.model(settings))
    return run_night(stores.nights, chosen, order, around).as_json()


@dataclass(frozen=True, slots=True)
class Measured:
    """What one conversation gave."""

    before: Found
    once: Found
    thirty: Found
    recovered: bool


def measure(conversation: Conversation, root: Path) -> Measured:
    """One night over all of it; and thirty, each after a thirtieth of it was told."""
    last = max(turn.created_at or 0.0 for turn in conversation.turns) + DAY
    home = _home(root / f"{conversation.name}-once")
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(conversation.turns, _ms(last))
        before = ask(stores, conversation.questions, _ms(last))
        sleep(stores, home, last)
        once = ask(stores, conversation.questions, _ms(last))
    home = _home(root / f"{conversation.name}-thirty")
    with closing(open_stores(home)) as stores:
        for night in range(NIGHTS):
            part = slice(
                night * len(conversation.turns) // NIGHTS, (night + 1) * len(conversation.turns) // NIGHTS
            )
            at = last + night * DAY
            stores.memory.import_many(conversation.turns[part], _ms(at))
            sleep(stores, home, at)
        thirty = ask(stores, conversation.questions, _ms(last + NIGHTS * DAY))
        recovered = _recovers(stores, conversation, _ms(last + NIGHTS * DAY))
    return Measured(before, once, thirty, recovered)


def _recovers(stores: Stores, conversation: Conversation, now: int) -> bool:
    """Whether, with every night taken back, the last first, the memory is what was told, and nothing else."""
    for night in reversed(stores.nights.nights()):
        stores.nights.undo(night.id, now, force=False)
    told = [describe(replace(record, id=0)) for record in stores.memory.export()]
    return [each["external_id"] for each in told] == [
        turn.external_id for turn in conversation.turns
    ] and all(
        each["current"] and each["content"] == turn.content
        for each, turn in zip(told, conversation.turns, strict=True)
    )


def _home(root: Path) -> Home:
    home = Home(root)
    home.create()
    return home


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def pooled(found: Sequence[Found]) -> Found:
    """Every question counts alike."""
    questions = sum(each.questions for each in found)
    return Found(
        sum(each.recall * each.questions for each in found) / questions,
        sum(each.mrr * each.questions for each in found) / questions,
        questions,
    )


def main() -> int:
    """Print a table; 1 when a promise is not kept, 2 without data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    data = parser.parse_args().data
    if data is None or not (data / "locomo" / "conversations.json").is_file():
        print(
            "bench-recall needs DATA=DIR with locomo/conversations.json in it: nothing was measured",
            file=sys.stderr,
        )
        return 2
    measured = []
    with tempfile.TemporaryDirectory() as root:
        print(
            f"{'conversation':14}{'questions':>10}{'recall@10':>11}{'MRR@10':>9}{'1 night':>9}{'30 nights':>11}"
        )
        for conversation in conversations(data):
            got = measure(conversation, Path(root))
            measured.append(got)
            _print(conversation.name, got)
    all_in_one = Measured(
        pooled([each.before for each in measured]),
        pooled([each.once for each in measured]),
        pooled([each.thirty for each in measured]),
        recovered=all(each.recovered for each in measured),
    )
    _print("all", all_in_one)
    print("originals recovered by undoing every night:", "yes" if all_in_one.recovered else "NO")
    kept = (
        all_in_one.before.recall >= RECALL
        and all_in_one.before.mrr >= MRR
        and all_in_one.once.recall >= AFTER_ONE * all_in_one.before.recall
        and all_in_one.thirty.recall >= AFTER_THIRTY * all_in_one.before.recall
        and all_in_one.recovered
    )
    return 0 if kept else 1


def _print(name: str, got: Measured) -> None:
    before = got.before
    print(
        f"{name:14}{before.questions:10}{before.recall:11.3f}{before.mrr:9.3f}"
        f"{got.once.recall / before.recall:9.3f}{got.thirty.recall / before.recall:11.3f}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
