"""Which unit vectors point the same way: every pair above a threshold, exactly, by products of blocks that fit the cache."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iai_daemon.consolidation.likeness.pairs import NONE, Likeness, Pairs, Places, joined
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.vectors import Vectors

# One product of a block takes about five milliseconds of one core.
_ROWS, _COLUMNS = 512, 1024
_SCORED_AT_ONCE = 4096
# A product of blocks and the product of two rows differ in the last bits.
_SLACK = np.float32(1e-4)
_UNLIKE = np.float32(-2)

# Vectors of texts have most of their length in few directions. What is left of two of them can add no more to their
# product than its lengths multiplied: a product of so few numbers tells which pairs are worth the rest.
_SHORTENED = (32, 64, 96, 128)
_SAMPLE = 2048
_COST_OF_A_CLOSER_LOOK = 16
_WORTH_IT = 0.7
_FEW = 512


class Directions:
    """Unit vectors (or zeros, which are like nothing), one a row, to be asked which are at least so alike.

    `asked`: about how many rows will be asked for; for few of them nothing is prepared.
    """

    def __init__(self, vectors: Vectors, threshold: float, asked: int, yield_point: YieldPoint) -> None:
        self._vectors = vectors
        self._threshold = np.float32(threshold)
        worth_asking = min(asked, len(vectors)) > _FEW and vectors.shape[1] >= _SHORTENED[0]
        self._short = _shortened(vectors, threshold, yield_point) if worth_asking else None

    def near(
        self, among: Places, start: int, stop: int, yield_point: YieldPoint, *, most: int | None = None
    ) -> Pairs:
        """For each of among[start:stop] those before it in `among` that are at least so alike, at most the `most` best.

        The result holds indices into `among`, and does not depend on how a range is cut into several.
        """
        parts = [
            self._near_rows(among, row, min(row + _ROWS, stop), yield_point, most)
            for row in range(start, stop, _ROWS)
        ]
        return joined(parts)

    def _near_rows(
        self, among: Places, start: int, stop: int, yield_point: YieldPoint, most: int | None
    ) -> Pairs:
        best, fresh, unsorted = NONE, [NONE], 0
        floors = np.full(stop - start, self._threshold)
        for column in range(0, stop, _COLUMNS):
            found = self._block(among, (start, stop), (column, min(column + _COLUMNS, stop)), floors, most)
            fresh.append(found)
            unsorted += len(found)
            if most is not None and unsorted > 2 * most * _ROWS:
                best, fresh, unsorted = joined([best, *fresh], most), [], 0
                _raise_floors(floors, best, start, most)
            yield_point()
        return joined([best, *fresh], most)

    def _block(
        self,
        among: Places,
        rows: tuple[int, int],
        columns: tuple[int, int],
        floors: Likeness,
        most: int | None,
    ) -> Pairs:
        """The pairs of one block that reach the floors of their rows."""
        later, earlier = among[slice(*rows)], among[slice(*columns)]
        not_before = np.arange(*columns) >= np.arange(*rows)[:, np.newaxis] if columns[1] > rows[0] else None
        at = self._candidates(later, earlier, not_before, floors, most)
        row, column = np.divmod(at, len(earlier))
        scores = self._scores(later[row], earlier[column])
        kept = scores >= floors[row]
        return Pairs(row[kept] + rows[0], column[kept] + columns[0], scores[kept])

    def _candidates(
        self,
        later: Places,
        earlier: Places,
        not_before: npt.NDArray[np.bool_] | None,
        floors: Likeness,
        most: int | None,
    ) -> Places:
        """Where in the block are pairs that may reach their floors; none that does is missing."""
        wanted = (floors - _SLACK)[:, np.newaxis]
        if self._short is not None:
            at = _reaching(self._short[later] @ self._short[earlier].T, wanted, not_before)
            if len(at) * _COST_OF_A_CLOSER_LOOK <= len(later) * len(earlier):
                return at
        product = self._vectors[later] @ self._vectors[earlier].T
        at = _reaching(product, wanted, not_before)
        if most is None or most >= len(earlier) or len(at) <= most * len(later):
            return at
        # Among so many only those that may be the best of their row are worth a closer look.
        least = np.partition(product, -most, axis=1)[:, -most, np.newaxis] - _SLACK
        return _reaching(product, np.maximum(wanted, least), None)

    def _scores(self, left: Places, right: Places) -> Likeness:
        """Row by row, so that a pair has the same score in whatever block it stands."""
        scores = np.empty(len(left), np.float32)
        for start in range(0, len(left), _SCORED_AT_ONCE):
            part = slice(start, start + _SCORED_AT_ONCE)
            np.einsum("ij,ij->i", self._vectors[left[part]], self._vectors[right[part]], out=scores[part])
        return scores


def _reaching(product: Vectors, wanted: Likeness, not_before: npt.NDArray[np.bool_] | None) -> Places:
    """Where the product is as wanted, read row by row."""
    if not_before is not None:
        product[not_before] = _UNLIKE
    return np.flatnonzero(product >= wanted)


def _raise_floors(floors: Likeness, best: Pairs, start: int, most: int) -> None:
    """A row that has its `most` wants nothing below the least of them any more."""
    last = np.flatnonzero(np.diff(best.later, append=-1))
    counts = np.diff(last, prepend=-1)
    full = last[counts == most]
    floors[best.later[full] - start] = best.likeness[full]


def _shortened(vectors: Vectors, threshold: float, yield_point: YieldPoint) -> Vectors | None:
    """Every vector in fewer numbers such that the product of two is at least that of the whole; None: not worth it.

    The leading directions are those of a sample; the last number is the length of the rest (Cauchy and Schwarz).
    """
    sample = vectors[np.linspace(0, len(vectors) - 1, min(_SAMPLE, len(vectors))).astype(np.intp)]
    _, axes = np.linalg.eigh(sample[::2].T @ sample[::2])

    def cost(numbers: int) -> float:
        """Of one pair, where the whole product costs 1."""
        yield_point()
        others = _bounding(sample[1::2], axes[:, 1 - numbers :])
        reach = np.count_nonzero(others @ others.T >= threshold - _SLACK) / len(others) ** 2
        return float(numbers / vectors.shape[1] + reach * _COST_OF_A_CLOSER_LOOK)

    least, numbers = min((cost(numbers), numbers) for numbers in _SHORTENED if numbers <= vectors.shape[1])
    if least > _WORTH_IT:
        return None
    leading = np.ascontiguousarray(axes[:, 1 - numbers :])
    short = np.empty((len(vectors), numbers), np.float32)
    for start in range(0, len(vectors), _COLUMNS):
        short[start : start + _COLUMNS] = _bounding(vectors[start : start + _COLUMNS], leading)
        yield_point()
    return short


def _bounding(vectors: Vectors, leading: Vectors) -> Vectors:
    inside = vectors @ leading
    rest = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", inside, inside)
    return np.hstack((inside, np.sqrt(np.maximum(rest, 0))[:, np.newaxis]))
