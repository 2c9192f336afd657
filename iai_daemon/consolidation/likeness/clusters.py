"""Which records are about one thing: leader clusters over the links between them, never chains."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from iai_daemon.consolidation.plan import YieldPoint

LEAST, MOST = 4, 12
# A looser link says too little to sum up.
_CLOSE = 0.25
_ASK_EVERY = 200

_Numbers = npt.NDArray[np.int64]
Pairs = list[tuple[int, int, float]]


class Web:
    """The links of some scopes. They are read in; then it knows the clusters."""

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.float64]] = []

    def read(self, links: Pairs) -> None:
        self._parts.append(np.array(links, np.float64).reshape(len(links), 3))

    def clusters(self, yield_point: YieldPoint) -> Iterator[tuple[int, ...]]:
        """Groups of LEAST to MOST records, by id: a leader and those linked to it closely that are also linked with another of
        them. Who is linked most leads first."""
        links = np.concatenate([*self._parts, np.empty((0, 3))])
        links = links[links[:, 2] >= _CLOSE]
        ids, ends = np.unique(links[:, :2].astype(np.int64).T, return_inverse=True)
        ones, others = ends.reshape(2, len(links))
        yield_point()
        sides, ends = np.concatenate((ones, others)), np.concatenate((others, ones))
        weights = np.concatenate((links[:, 2], links[:, 2]))
        order = np.lexsort((ends, -weights, sides))
        yield_point()
        near, starts = ends[order], np.searchsorted(sides[order], np.arange(len(ids) + 1))
        strengths = np.round(np.bincount(sides, weights, len(ids)), 6)
        taken = np.zeros(len(ids), np.bool_)
        for number, leader in enumerate(np.lexsort((np.arange(len(ids)), -strengths))):
            if number % _ASK_EVERY == 0:
                yield_point()
            if taken[leader]:
                continue
            beside = near[starts[leader] : starts[leader + 1]]
            members = _held_together(beside[~taken[beside]].tolist(), near, starts)
            if len(members) + 1 >= LEAST:
                taken[[leader, *members]] = True
                yield tuple(sorted(int(ids[each]) for each in (leader, *members)))


def _held_together(beside: list[int], near: _Numbers, starts: _Numbers) -> list[int]:
    """Of the neighbours of a leader the nearest that are linked with another one of them."""
    members = beside[: 2 * MOST]
    links = {each: set(near[starts[each] : starts[each + 1]].tolist()) for each in members}
    while True:
        kept = [each for each in members if not links[each].isdisjoint(set(members) - {each})]
        if len(kept) == len(members):
            return kept[: MOST - 1]
        members = kept
