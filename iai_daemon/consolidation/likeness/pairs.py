"""Pairs of places in a sequence, as the engines beside this file find them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.intp]
Likeness = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pairs:
    """`later[i]` is like `earlier[i]`, a smaller place; `likeness[i]` is in (0, 1].

    Ordered by `later`, then from the most alike to the least, then by `earlier`.
    """

    later: Places
    earlier: Places
    likeness: Likeness

    def __len__(self) -> int:
        return len(self.later)


NONE = Pairs(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))


def joined(parts: list[Pairs], most: int | None = None) -> Pairs:
    """All of these in order; of each `later` at most the `most` best. No pair may be in two of them."""
    later = np.concatenate([each.later for each in parts] or [NONE.later])
    earlier = np.concatenate([each.earlier for each in parts] or [NONE.earlier])
    likeness = np.concatenate([each.likeness for each in parts] or [NONE.likeness])
    order = np.lexsort((earlier, -likeness, later))
    if most is not None and len(order):
        sorted_later = later[order]
        first = np.flatnonzero(np.diff(sorted_later, prepend=-1))
        rank = np.arange(len(order)) - np.repeat(first, np.diff(first, append=len(order)))
        order = order[rank < most]
    return Pairs(later[order], earlier[order], likeness[order])
