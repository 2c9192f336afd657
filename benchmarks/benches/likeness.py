"""Likeness: what finding and joining near-duplicates costs.

Every pair of memories that are alike is found, and nothing is guessed: so it is put against the product of all vectors with
themselves, which is the least that this takes. `--records 100000` also measures a first night over so many against that product.
"""

from __future__ import annotations

import os

# One thread for the products of matrices, as in a night's process. numpy reads this when it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import functools
import itertools
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import Figure, absolute, constant, ratio
from benchmarks.measuring import Effort, by_turns, seconds
from benchmarks.notes import one_night
from iai_daemon.config import Embedding
from iai_daemon.consolidation.likeness.directions import Directions
from iai_daemon.consolidation.likeness.layout import Layout
from iai_daemon.consolidation.likeness.portions import JOINABLE
from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.process import usage
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.embedders.hashing import HashEmbedder
from iai_daemon.memory.nights import Said
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.vectors import Vectors
from iai_daemon.paths import Home

# Words that no dictionary holds, the first ones frequent and the last ones rare, as words are (Zipf).
_LETTERS = random.Random(26)  # noqa: S311 -- the same words each time
WORDS = ["".join(_LETTERS.choice(kind) for kind in ("bdfgklmnprstv", "aeiou") * 3) for _ in range(4000)]
FREQUENCIES = list(itertools.accumulate(1 / (place + 10) for place in range(len(WORDS))))
FRAMES = (
    "{0} sends every {1} {2} to {3}",
    "never touch {0} without asking {1} or {2}",
    "use {0} for {1} {2}, and {3} for {4}",
    "tests of {0} fail where {1} is {2}",
    "{0} lives under {1}/{2}, next to {3}",
    "our {0} needs {1} {2} and a {3} {4}",
    "{0}, {1} and {2} read {3} from {4}",
)
TIMES = ("on the {} branch", "after a {} release", "while {} is down", "since {} left", "in {} builds")
RECORDS, NEW = 20_000, 500
# From so many on a whole night is measured, too; before that it is other work that counts.
_WHOLE_NIGHT = 100_000


def note(luck: random.Random) -> tuple[str, str]:
    """A sentence as somebody might leave it, and the same in another order."""
    words = luck.choices(WORDS, cum_weights=FREQUENCIES, k=6)
    said, when = luck.choice(FRAMES).format(*words), luck.choice(TIMES).format(words[5])
    return f"{said} {when}.".capitalize(), f"{when}, {said}.".capitalize()


def notes(count: int) -> list[str]:
    """Every tenth says what an earlier one says."""
    luck, made, again = random.Random(count), [], []  # noqa: S311 -- the same notes each time
    for number in range(count):
        if number % 10 == 9:
            made.append(luck.choice(again))
        else:
            one, other = note(luck)
            made.append(one)
            again.append(other)
    return made


class Yields:
    """A yield point that keeps the longest time between two calls."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()

    def __call__(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now


def measure(effort: Effort) -> Iterator[Figure]:
    count = effort.records or RECORDS
    texts = notes(count)
    with tempfile.TemporaryDirectory() as name:
        yield from _pairs(texts, effort.turns(2, 5), Path(name))
        yield from _words(texts, effort.turns(2, 5))
        yield from _passes(texts, Path(name))
        if count >= _WHOLE_NIGHT:
            yield from _whole_night(texts, Path(name))


# Pairs.


def _pairs(texts: list[str], rounds: int, folder: Path) -> Iterator[Figure]:
    vectors = HashEmbedder().embed(texts)
    np.save(folder / "vectors.npy", vectors)
    count, longest = f"{len(vectors):,}", list[float]()

    def pairs() -> float:
        yields = Yields()
        taken = seconds(functools.partial(every_pair, vectors, yields))
        longest.append(yields.longest)
        return taken

    works: dict[str, Callable[[], float]] = {
        "pairs": pairs,
        "product": lambda: seconds(lambda: product(vectors)),
        "new": lambda: seconds(lambda: new_against_stored(vectors, NEW)),
        "one product": lambda: seconds(lambda: vectors[-NEW:] @ vectors.T),
    }
    taken = by_turns(rounds, works)
    whole = taken["pairs"], taken["product"]
    yield ratio(f"every pair that is alike, among {count}", *whole, "s", "the bare product", goal=1.5)
    few = taken["new"], taken["one product"]
    yield ratio(f"{NEW} new ones against {count}", *few, "s", "one bare product")
    yield absolute("the longest time without a question whether to go on", longest, "s", goal=0.05)
    over = alone(peak_over_vectors, folder / "vectors.npy")
    yield constant("memory beside the vectors", over, "MB", goal=64.0)


def product(vectors: Vectors, block: int = 1024) -> None:
    """The blocked symmetric product, and nothing done with it."""
    for row in range(0, len(vectors), block):
        for column in range(0, row + 1, block):
            vectors[row : row + block] @ vectors[column : column + block].T


def every_pair(vectors: Vectors, asked: Callable[[], None]) -> None:
    count = len(vectors)
    places = np.arange(count)
    Directions(vectors, JOINABLE.direction, count, asked).near(places, 0, count, asked, most=JOINABLE.most)


def new_against_stored(vectors: Vectors, new: int) -> None:
    count = len(vectors)
    Directions(vectors, JOINABLE.direction, new, _go_on).near(
        np.arange(count), count - new, count, _go_on, most=JOINABLE.most
    )


def _go_on() -> None:
    """A yield point at which nobody is back."""


def peak_over_vectors(path: Path) -> float:
    """MB that finding every pair takes beside the vectors. Runs in a process of its own."""
    vectors = np.load(path)
    before = usage().peak_rss_bytes
    every_pair(vectors, _go_on)
    return (usage().peak_rss_bytes - before) / 1e6


# Words.


def _words(texts: list[str], rounds: int) -> Iterator[Figure]:
    half = len(texts) // 2
    works = {"all": lambda: sum(lexical(texts)), "half": lambda: sum(lexical(texts[:half]))}
    taken = by_turns(rounds, works)
    yield absolute(f"which of {len(texts):,} are made of the same words", taken["all"], "s", goal=1.0)
    yield ratio("the same, as it grows", taken["all"], taken["half"], "s", f"{half:,} of them", goal=2.3)


def lexical(texts: list[str]) -> tuple[float, float]:
    """Seconds to read the words of all texts, and to find which are made of the same, sketches included."""
    rows = [Said(at, at, "global", None, None, None, text, None) for at, text in enumerate(texts, 1)]
    layout = Layout(len(rows), replace(JOINABLE, same_figures=False))
    began = time.perf_counter()
    for start in range(0, len(rows), 500):
        layout.read(rows[start : start + 500], _go_on, is_new=True)
    read = time.perf_counter() - began
    return read, seconds(lambda: layout.prepare(_go_on))


# The pass, and the night.


def _passes(texts: list[str], folder: Path) -> Iterator[Figure]:
    count = f"{len(texts):,}"
    home = fill(folder / "pass", texts)
    taken, _, peak, longest = alone(one_pass, home.root)
    yield constant(f"the pass over {count}", taken, "s")
    yield constant("its peak memory", peak, "MB", goal=300.0)
    yield constant("its longest time without a question whether to go on", longest, "s", goal=0.05)
    add(home, [other for _, other in map(note, [random.Random(at) for at in range(NEW)])])  # noqa: S311
    again, *_ = alone(one_pass, home.root)
    yield ratio(f"the pass over {NEW} new ones beside {count}", [again], [taken], "s", "the first one")


def fill(root: Path, texts: list[str]) -> Home:
    """A home whose memory holds these notes, each with its vector."""
    home = Home(root)
    home.create()
    with closing(open_stores(home)) as stores:
        add(home, texts)
        run_night(stores.nights, [Embed(Embedding())], Order("night", "absent"), Surroundings())
    return home


def add(home: Home, texts: list[str]) -> None:
    with closing(open_stores(home)) as stores:
        now = time.time()
        stores.memory.import_many((Draft(text, created_at=now) for text in texts), round(now * 1000))


def one_pass(root: Path) -> tuple[float, int, float, float]:
    """Seconds of the pass; how many were merged; peak MB; the longest time in seconds without a question whether to go on.
    Runs in a process of its own."""
    asked = Yields()
    with closing(open_stores(Home(root))) as stores:
        around = Surroundings(halted=lambda: asked())  # noqa: PLW0108 -- it answers None, which is no reason to stop
        order = Order("night", "absent", loss_budget=1.0)
        report = run_night(stores.nights, [Deduplicate("hash-256")], order, around)
        assert report.outcome == "completed", report.reason
    taken = sum(each.seconds for each in report.passes)
    return taken, report.counters.duplicates_merged, usage().peak_rss_bytes / 1e6, asked.longest


def _whole_night(texts: list[str], folder: Path) -> Iterator[Figure]:
    home = Home(folder / "night")
    home.create()
    add(home, texts)
    taken, report = one_night(home)
    assert report["outcome"] == "completed"
    vectors = HashEmbedder().embed(texts)
    bare = statistics.median(seconds(lambda: product(vectors)) for _ in range(2))
    yield ratio(f"a first night over {len(texts):,}", [taken], [bare], "s", "the bare product", goal=4.0)


def alone(work: Callable[..., Any], *arguments: object) -> Any:
    """Its result, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)
