"""Our own sentences of data/, and how well they are judged. `tune_*` is what the rules were written on; `held_*` was written before
them, `late_*` after them, and both were first scored unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.corrections import correction
from iai_daemon.wording.features import Features, features
from iai_daemon.wording.similarity import similarity

DATA = Path(__file__).parent / "data"
JOINED_FROM = 0.5


class Score(NamedTuple):
    """How many of how many."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def chains(half: str) -> list[list[Features]]:
    """Facts about one thing, each of which ends the one before it."""
    return [[features(fact) for fact in row["facts"]] for row in rows(f"{half}_supersession")]


def outdated_that_are_contradicted(half: str) -> Score:
    """By any later fact of their chain, with certainty or not: search puts that before them."""
    found = [
        any(correction(later, fact) for later in chain[at + 1 :])
        for chain in chains(half)
        for at, fact in enumerate(chain[:-1])
    ]
    return Score(sum(found), len(found))


def coexisting_that_are_contradicted(half: str) -> Score:
    """By another fact of their group that came later, with certainty or not."""
    groups = [[features(fact) for fact in row["facts"]] for row in rows(f"{half}_coexist")]
    found = [
        any(correction(later, fact) for later in group[at + 1 :])
        for group in groups
        for at, fact in enumerate(group[:-1])
    ]
    return Score(sum(found), len(found))


def strangers(half: str, *, every: int) -> tuple[Score, Score]:
    """Which are ended, and which are contradicted, of every so-manieth pair of facts of two chains: most have nothing to do
    with each other."""
    facts = [(number, fact) for number, chain in enumerate(chains(half)) for fact in chain]
    pairs = [
        (a, b) for at, ((i, a), (j, b)) in enumerate(permutations(facts, 2)) if i != j and at % every == 0
    ]
    found = [evidence for newer, older in pairs if (evidence := correction(newer, older))]
    return Score(sum(each.certain for each in found), len(pairs)), Score(len(found), len(pairs))


def joined(half: str) -> Iterator[tuple[bool, bool]]:
    """For each pair whether it would be joined, and whether it should."""
    for row in rows(f"{half}_duplicates"):
        a, b = features(row["a"]), features(row["b"])
        yield similarity(a, b) >= JOINED_FROM and disagreement(a, b) is None, bool(row["same"])
