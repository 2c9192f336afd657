"""Which texts are made of the same words: sketches of their sets of words, and those that agree in a part of them.

MinHash (Broder, 1997) with bands (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3): two sets of which a
share J is common agree in each number of their sketches with probability J.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from iai_daemon.consolidation.likeness.pairs import Likeness, Pairs, Places, joined
from iai_daemon.consolidation.plan import YieldPoint

# Three numbers to a band: texts that have half of their words in common agree in one of the bands in 93 of 100 cases, those
# that have a tenth in common in 2.
_BANDS, _BAND = 20, 3
SKETCH = _BANDS * _BAND
# In a crowd of texts that agree in a band each is compared with so many that came directly before it.
_BEFORE = 4
_ROWS = 256

Sketches = npt.NDArray[np.uint16]

_luck = np.random.Generator(np.random.PCG64(1997))
_FACTORS = _luck.integers(1 << 63, size=SKETCH, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_SUMMANDS = _luck.integers(1 << 63, size=SKETCH, dtype=np.uint64)
_MIXING = np.uint64(0x9E3779B97F4A7C15)


def sketches(texts: Sequence[Iterable[str]]) -> Sketches:
    """One row for the words of each text; zeros for a text without words."""
    sets = [{zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in words} for words in texts]
    counts = np.fromiter(map(len, sets), np.intp, len(sets))
    full = np.flatnonzero(counts)
    made = np.zeros((len(texts), SKETCH), np.uint16)
    if not len(full):
        return made
    words = np.fromiter(chain.from_iterable(sets), np.uint64, counts.sum())
    starts = (np.cumsum(counts) - counts)[full]
    for number in range(SKETCH):
        hashes = (words * _FACTORS[number] + _SUMMANDS[number]) >> np.uint64(32)
        made[full, number] = np.minimum.reduceat(hashes, starts).astype(np.uint16)
    return made


def shared(some: Sketches, others: Sketches) -> Likeness:
    """About which share of all their words the texts of each row have in common."""
    agreeing: Likeness = (some == others).mean(axis=1, dtype=np.float32)
    return agreeing


def alike(
    made: Sketches,
    groups: npt.NDArray[np.int32],
    first: int,
    threshold: float,
    yield_point: YieldPoint,
    *,
    most: int,
) -> Pairs:
    """For each text from place `first` on those before it that are in the same group and agree in about `threshold` of their
    words, at most the `most` best. `made`: their sketches."""
    count = len(made)
    # Each place counted from 1: what stays empty takes no memory.
    before = np.zeros((_BANDS * _BEFORE, count - first), np.int32)
    yield_point()
    filled = np.flatnonzero(made.any(axis=1))
    for band in range(_BANDS):
        yield_point()
        keys = _keys(made[filled, band * _BAND : (band + 1) * _BAND], groups[filled])
        _note_those_before(keys, filled, first, before[band * _BEFORE : (band + 1) * _BEFORE])
    parts = []
    for start in range(first, count, _ROWS):
        yield_point()
        parts.append(
            _compared(made, groups, start, before[:, start - first : start - first + _ROWS], threshold, most)
        )
    return joined(parts)


def _keys(band: Sketches, groups: npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    """One number for what a text has in this band and for its group."""
    keys = groups.astype(np.uint64)
    for column in band.T:
        keys = keys * _MIXING + column
    return keys


def _note_those_before(
    keys: npt.NDArray[np.uint64], places: Places, first: int, before: npt.NDArray[np.int32]
) -> None:
    """For each place from `first` on the nearest places before it that have the same key."""
    order = np.argsort(keys, kind="stable")
    keys, places = keys[order], places[order]
    for distance in range(1, min(_BEFORE + 1, len(keys))):
        at = np.flatnonzero((keys[distance:] == keys[:-distance]) & (places[distance:] >= first))
        before[distance - 1, places[at + distance] - first] = places[at] + 1


def _compared(
    made: Sketches,
    groups: npt.NDArray[np.int32],
    start: int,
    before: npt.NDArray[np.int32],
    threshold: float,
    most: int,
) -> Pairs:
    """The best of those that were noted for the places from `start` on."""
    noted = np.sort(before.T, axis=1)
    row, column = np.nonzero(np.diff(noted, axis=1, prepend=0))
    later, earlier = row + start, noted[row, column].astype(np.intp) - 1
    likeness = shared(made[later], made[earlier])
    kept = (likeness >= threshold) & (groups[later] == groups[earlier])
    return joined([Pairs(later[kept], earlier[kept], likeness[kept])], most)
