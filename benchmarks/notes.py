"""Memories to measure with: notes in words as a language has them, and homes that are full of them."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from iai_daemon.consolidation.night import Job, Night
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home

# Words as a language has them: a few are everywhere, most are rare (Zipf's law).
WORDS = [
    f"{first}{last}{number}"
    for number in range(50)
    for first in ("de", "sta", "ca", "que", "wo", "to", "re", "in", "sche", "bra")
    for last in ("ploy", "ging", "che", "ue", "rker", "ken", "gion", "dex", "ma", "nch")
]
_WEIGHTS = list(itertools.accumulate(1 / place for place in range(1, len(WORDS) + 1)))
WORDS_A_NOTE = 24


def note(number: int, luck: random.Random, words: int, now: float) -> Draft:
    """A third of the notes are facts with a key, four of them to a key; one in twenty is past its time."""
    keyed = number % 3 == 0
    return Draft(
        " ".join(luck.choices(WORDS, cum_weights=_WEIGHTS, k=words)) + f" {number}",
        subject=f"service {number // 12}" if keyed else None,
        attribute="setting" if keyed else None,
        created_at=now - 86_400 + number / 1000,
        expires_at=now - 60 if number % 20 == 7 else None,
    )


def notes(count: int, now: float, words: int = WORDS_A_NOTE) -> Iterator[Draft]:
    """The same for the same count, but for their times."""
    luck = random.Random(count)  # noqa: S311 -- the same notes each time
    return (note(number, luck, words, now) for number in range(count))


def questions(count: int) -> list[str]:
    """Of one to eight words, each as frequent in questions as it is in notes."""
    luck = random.Random(7)  # noqa: S311 -- the same questions each time
    return [" ".join(luck.choices(WORDS, cum_weights=_WEIGHTS, k=1 + at % 8)) for at in range(count)]


def filled(root: Path, records: int, words: int = WORDS_A_NOTE) -> Home:
    """A home whose memory holds so many notes and has seen no night."""
    home, now = Home(root), time.time()
    home.create()
    with closing(open_stores(home)) as stores:
        stores.memory.import_many(notes(records, now, words), round(now * 1000))
    return home


def one_night(home: Home) -> tuple[float, dict[str, Any]]:
    """Seconds of a whole night in its own process, start and end of that process included; and its report."""
    began = time.perf_counter()
    report = asyncio.run(Night(Job(home.root, "night", "absent", alone=True), 60.0).run())
    assert report is not None
    return time.perf_counter() - began, report
