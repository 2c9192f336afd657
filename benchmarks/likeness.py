"""Likeness: what finding and joining near-duplicates costs, and how good it is. `python benchmarks/likeness.py [--quick] [--data DIR]`."""

from __future__ import annotations

import os

# One thread for the products of matrices, as in a night's process. numpy reads this when it is loaded.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import asyncio
import csv
import functools
import itertools
import json
import math
import multiprocessing
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from iai_daemon.config import Embedding
from iai_daemon.consolidation.job import Job
from iai_daemon.consolidation.likeness.directions import Directions
from iai_daemon.consolidation.likeness.layout import Layout
from iai_daemon.consolidation.likeness.reading import JOINABLE
from iai_daemon.consolidation.likeness.verdict import Verdict, verdict
from iai_daemon.consolidation.night import Night
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


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


class Yields:
    """A yield point that keeps the longest time between two calls."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = time.perf_counter()

    def __call__(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now


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


def lexical(texts: list[str]) -> tuple[float, float]:
    """Seconds to read the words of all texts, and to find which are made of the same, sketches included."""
    rows = [Said(at, at, "global", None, None, None, text, None) for at, text in enumerate(texts, 1)]
    layout = Layout(len(rows), replace(JOINABLE, same_figures=False))
    began = time.perf_counter()
    for start in range(0, len(rows), 500):
        layout.read(rows[start : start + 500], _go_on, is_new=True)
    read = time.perf_counter() - began
    began = time.perf_counter()
    layout.prepare(_go_on)
    return read, time.perf_counter() - began


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


def one_pass(root: Path, checked: bool = False) -> tuple[float, int, float, float]:
    """Seconds of the pass alone, with the recall self-check of the night or without; how many were merged; peak MB; the longest time without a question whether to go on, in ms.
    Runs in a process of its own."""
    asked = Yields()
    with closing(open_stores(Home(root))) as stores:

        def halted() -> None:
            asked()

        around = Surroundings(halted=halted, memory=stores.memory if checked else None)
        order = Order("night", "absent", loss_budget=1.0)
        report = run_night(stores.nights, [Deduplicate("hash-256")], order, around)
        assert report.outcome == "completed", report.reason
    seconds = sum(each.seconds for each in report.passes)
    return seconds, report.counters.duplicates_merged, usage().peak_rss_bytes / 1e6, asked.longest * 1000


def engine_rows(
    texts: list[str], sizes: tuple[int, int], rounds: int, folder: Path
) -> Iterable[tuple[str, str, str]]:
    vectors = HashEmbedder().embed(texts)
    np.save(folder / "vectors.npy", vectors)
    ratios, products, longest = [], [], []
    for _ in range(rounds):
        products.append(timed(lambda: product(vectors)))
        yields = Yields()
        ratios.append(timed(functools.partial(every_pair, vectors, yields)) / products[-1])
        longest.append(yields.longest * 1000)
    count = f"{len(vectors):,}"
    yield f"the product of {count} vectors with themselves", f"{statistics.median(products):.2f} s", ""
    yield "every pair above .8, against that product", f"{statistics.median(ratios):.2f} ×", "≤ 1.5 ×"
    yield "its longest time between two yield points", f"{statistics.median(longest):.0f} ms", "≤ 50 ms"
    over = alone(peak_over_vectors, folder / "vectors.npy")
    yield "its memory beside the vectors", f"{over:.0f} MB", "≤ 64 MB"
    new = [
        timed(lambda: new_against_stored(vectors, 500)) / timed(lambda: vectors[-500:] @ vectors.T)
        for _ in range(rounds)
    ]
    yield f"500 new against {count}, against one product", f"{statistics.median(new):.2f} ×", ""
    small, large = sizes
    runs = {size: [lexical(texts[:size]) for _ in range(rounds)] for size in (small, 2 * small, large)}
    whole = {size: statistics.median(map(sum, each)) for size, each in runs.items()}
    yield f"the same words among {2 * small:,}", f"{whole[2 * small]:.2f} s", "≤ 1 s"
    yield (
        "of it finding, without reading the words",
        f"{statistics.median(f for _, f in runs[2 * small]):.2f} s",
        "",
    )
    grows = math.log(whole[large] / whole[small], large / small)
    yield f"from {small:,} to {large:,} it grows like n to the", f"{grows:.2f}", "≤ 1.2"


def pass_rows(texts: list[str], sizes: tuple[int, ...], folder: Path) -> Iterable[tuple[str, str, str]]:
    for size in sizes:
        home = fill(folder / f"home-{size}", texts[:size])
        if size == sizes[0]:
            shutil.copytree(home.root, folder / "checked")
            seconds, *_, longest = alone(one_pass, folder / "checked", True)
            yield f"the pass over {size:,} notes, with the self-check", f"{seconds:.2f} s", ""
            yield "of it the longest without a question", f"{longest:.0f} ms", ""
        seconds, merged, peak, longest = alone(one_pass, home.root)
        yield f"the pass over {size:,} notes, {merged:,} merged", f"{seconds:.2f} s", ""
        yield (
            "its peak memory / longest without a question",
            f"{peak:.0f} MB / {longest:.0f} ms",
            "– / ≤ 50 ms",
        )
        add(home, [other for _, other in map(note, [random.Random(at) for at in range(500)])])  # noqa: S311
        seconds, merged, peak, longest = alone(one_pass, home.root)
        yield f"the pass over 500 new beside {size:,}", f"{seconds:.2f} s", ""


def night_rows(texts: list[str], sizes: tuple[int, int], folder: Path) -> Iterable[tuple[str, str, str]]:
    """First nights with every pass, each in its worker; a product of its own at the same time, so that load counts alike."""
    seconds, others = {}, {}
    for size in sizes:
        home = Home(folder / f"night-{size}")
        home.create()
        add(home, texts[:size])
        began = time.perf_counter()
        report = asyncio.run(Night(Job(home.root, "night", "absent", alone=True), 60.0).run())
        seconds[size] = time.perf_counter() - began
        assert report is not None
        assert report["outcome"] == "completed"
        took = {each["name"]: each["seconds"] for each in report["passes"] if each["round"] == 1}
        others[size] = sum(took.values()) - took["deduplicate"]
    small, large = sizes
    vectors = HashEmbedder().embed(texts[:large])
    ratio = seconds[large] / timed(lambda: product(vectors))
    yield (
        f"a first night over {large:,}, {seconds[large]:.0f} s, against that product",
        f"{ratio:.2f} ×",
        "≤ 4 ×",
    )
    yield (
        "of it the passes, in seconds",
        ", ".join(f"{name} {n:.0f}" for name, n in took.items() if n >= 1),
        "",
    )
    yield "its peak memory", f"{report['peak_rss_bytes'] / 1e6:.0f} MB", ""
    grows = math.log(others[large] / others[small], large / small)
    yield f"all but deduplicate, from {small:,} on, grow like n to the", f"{grows:.2f}", "≤ 1.2"


def alone(work: Callable[..., Any], *arguments: object) -> Any:
    """Its result, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def quality(pairs: Iterable[tuple[str, str, bool | None]]) -> tuple[float, float, float]:
    """Precision, the share of must-not-join pairs that are joined, and the share of true pairs that are; None: neither."""
    counts = {True: [0, 0], False: [0, 0]}
    for one, other, same in pairs:
        if same is not None:
            counts[same][0] += 1
            counts[same][1] += verdict(one, other) is Verdict.SAME
    (true, joined), (others, wrong) = counts[True], counts[False]
    return joined / max(1, joined + wrong), wrong / max(1, others), joined / max(1, true)


def sick(path: Path) -> Iterable[tuple[str, str, bool | None]]:
    """True: the one entails the other and people rate them ≥ 4.5 of 5 alike; must not join: contradictions, and below 3.5."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            alike, judged = float(row["relatedness_score"]), row["entailment_judgment"]
            same = True if judged == "ENTAILMENT" and alike >= 4.5 else None
            yield (
                row["sentence_A"],
                row["sentence_B"],
                False if judged == "CONTRADICTION" or alike < 3.5 else same,
            )


def notes_of(path: Path) -> Iterable[tuple[str, str, bool]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        yield fields["a"], fields["b"], bool(fields["same"])


def quality_rows(data: Path | None) -> Iterable[tuple[str, str, str]]:
    own = Path(__file__).parents[1] / "tests/wording/data"
    sources = {path.stem: notes_of(path) for path in sorted(own.glob("*_duplicates.jsonl"))}
    if data is None:
        print("Without --data DIR only our own sentences are judged.")
    else:
        sources |= {
            "notes": notes_of(data / "notes/duplicates.jsonl"),
            "SICK": sick(data / "sick/SICK_train.txt"),
        }
    for name, pairs in sources.items():
        precision, wrong, found = quality(pairs)
        yield f"{name}: precision", f"{precision:.3f}", "≥ .95"
        yield f"{name}: joined of what must not / of what may", f"{wrong:.3f} / {found:.3f}", "≤ .02 / ≥ .4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="the largest memory (default 100000)")
    parser.add_argument("--quick", action="store_true", help="a fifth of it, once")
    parser.add_argument(
        "--data", type=Path, help="a folder with notes/ and sick/ to judge the quality on, too"
    )
    options = parser.parse_args()
    count, rounds = (options.records // 5, 1) if options.quick else (options.records, 3)
    texts = notes(count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for rows in (
            quality_rows(options.data),
            engine_rows(texts, (count // 10, count), rounds, folder),
            pass_rows(texts, (count // 5, count), folder),
            night_rows(texts, (count // 10, count), folder),
        ):
            for what, reached, goal in rows:
                print(f"{what:52} {reached:>18}" + (f"   goal {goal}" if goal else ""), flush=True)


if __name__ == "__main__":
    main()
