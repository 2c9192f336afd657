"""Records laid out in numbers, one place each, the new ones last, so that each new one finds those before it that are near."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from iai_daemon.consolidation.likeness import shingles
from iai_daemon.consolidation.likeness.directions import Directions
from iai_daemon.consolidation.likeness.pairs import NONE, Pairs, Places, joined
from iai_daemon.consolidation.likeness.portions import Reach, Step
from iai_daemon.consolidation.likeness.verdict import essence, figures, plain
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import Said
from iai_daemon.memory.record import Record
from iai_daemon.memory.vectors import Vectors, fits, folded, from_blobs
from iai_daemon.wording.features import Features, features

# So many characters are read within some milliseconds.
_ASK_EVERY = 4000
# Longer vectors are folded: what is searched for here is judged by its words, and all of it has to fit into memory.
_WIDEST = 512
_MIXING = np.uint64(0x9E3779B97F4A7C15)

# All in which two records have to agree to be compared at all.
_Group = tuple[str | None, ...]


class Layout:
    """Room for `count` records. They are read in, those that are new last, then it is prepared; then it knows who is near."""

    # So many are searched for at once, to be judged portion by portion afterwards.
    TILE = 1024

    def __init__(self, count: int, reach: Reach) -> None:
        self._reach = reach
        self._count = 0
        self._places: dict[int, int] = {}
        self._ids = np.zeros(count, np.int64)
        self._changes = np.zeros(count, np.int64)
        self._groups: npt.NDArray[np.int32] = np.zeros(count, np.int32)
        self._texts = np.zeros(count, np.uint64)
        self._sketches = np.zeros((count, shingles.SKETCH), np.uint16)
        self._dimension = 0
        self._vectors: Vectors = np.zeros((count, 0), np.float32)
        self._known_groups: dict[_Group, int] = {}
        self._directions: Directions | None = None
        self._searched = range(0)
        self._of_same_direction = NONE

    def read(self, rows: Sequence[Said], yield_point: YieldPoint, *, is_new: bool) -> None:
        """Take these in. Those that are new have to come after all others."""
        start, self._count = self._count, self._count + len(rows)
        places = slice(start, self._count)
        words, unasked = [], 0
        for place, row in enumerate(rows, start):
            unasked += len(row.content)
            if unasked > _ASK_EVERY:
                yield_point()
                unasked = 0
            said = features(row.content)
            words.append(essence(said))
            self._groups[place] = self._group(row, said)
            if is_new:
                self._places[row.record] = place
        yield_point()
        self._ids[places] = [row.record for row in rows]
        self._changes[places] = [row.change for row in rows]
        self._texts[places] = np.frombuffer(b"".join(_digest(row.content) for row in rows), np.uint64)
        self._sketches[places] = shingles.sketches(words)
        self._take_vectors(rows, start)
        yield_point()

    def prepare(self, yield_point: YieldPoint) -> None:
        """Everything has been read: find what has the same text and the same words; get ready to search."""
        self._ids, self._groups = self._ids[: self._count], self._groups[: self._count]
        self._by_group = np.argsort(self._groups, kind="stable")
        yield_point()
        self._first_of_text = _firsts(self._groups, self._texts[: self._count])
        yield_point()
        first_new = self._count - len(self._places)
        self._of_same_words = shingles.alike(
            self._sketches[: self._count],
            self._groups,
            first_new,
            self._reach.words,
            yield_point,
            most=self._reach.most,
        )
        vectors = self._vectors[: self._count]
        if vectors.size:
            self._directions = Directions(vectors, self._reach.direction, len(self._places), yield_point)

    def _group(self, row: Said, said: Features) -> int:
        shared = figures(said) if self._reach.same_figures else None
        group = (row.scope, row.kind, row.subject, row.attribute, shared)
        return self._known_groups.setdefault(group, len(self._known_groups))

    def _take_vectors(self, rows: Sequence[Said], start: int) -> None:
        """Those of one dimension; a record without a vector keeps zeros."""
        found = [
            (place, row.vector, row.dimension)
            for place, row in enumerate(rows, start)
            if row.vector is not None and row.dimension and fits(row.vector, row.dimension)
        ]
        if found and not self._dimension:
            self._dimension = found[0][2]
            self._vectors = np.zeros((len(self._texts), min(self._dimension, _WIDEST)), np.float32)
        fitting = [(place, vector) for place, vector, dimension in found if dimension == self._dimension]
        if fitting:
            vectors = folded(from_blobs([vector for _, vector in fitting], self._dimension), _WIDEST)
            self._vectors[[place for place, _ in fitting]] = vectors

    def is_new(self, record: Record) -> bool:
        """Whether it is one of the new ones, as it was when it was read."""
        place = self._places.get(record.id)
        return place is not None and bool(self._changes[place] == record.change)

    def tile_of(self, records: Sequence[Record]) -> range | None:
        """The places to be searched next so that these know who is near; None: they do."""
        places = [self._places[record.id] for record in records if record.id in self._places]
        if self._directions is None or all(place in self._searched for place in places):
            return None
        return range(min(places), max(max(places) + 1, min(min(places) + self.TILE, self._count)))

    def step_for(self, records: Sequence[Record]) -> Step | None:
        """As Room has it."""
        tile = self.tile_of(records)
        return None if tile is None else partial(self.search, tile)

    def search(self, tile: range, yield_point: YieldPoint) -> None:
        """Find what points the same way as these."""
        if self._directions is None:
            return
        found = []
        for group in np.unique(self._groups[tile.start : tile.stop]):
            among = self._by_group[
                slice(*np.searchsorted(self._groups, [group, group + 1], sorter=self._by_group))
            ]
            start, stop = np.searchsorted(among, [tile.start, tile.stop])
            pairs = self._directions.near(among, int(start), int(stop), yield_point, most=self._reach.most)
            later, earlier = among[pairs.later], among[pairs.earlier]
            kept = shingles.shared(self._sketches[later], self._sketches[earlier]) >= self._reach.words
            found.append(Pairs(later[kept], earlier[kept], pairs.likeness[kept]))
        self._of_same_direction = joined(found)
        self._searched = tile

    def near(self, record: int) -> list[int]:
        """The records before it that may say the same: word for word, in the same words, in the same direction."""
        place = self._places.get(record)
        if place is None:
            return []
        found = [
            self._first_of_text[place],
            *_of(self._of_same_words, place),
            *_of(self._of_same_direction, place),
        ]
        return [int(self._ids[other]) for other in dict.fromkeys(found) if other != place]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(plain(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _of(pairs: Pairs, place: int) -> Places:
    start, stop = np.searchsorted(pairs.later, [place, place + 1])
    return pairs.earlier[start:stop]


def _firsts(groups: npt.NDArray[np.int32], texts: npt.NDArray[np.uint64]) -> Places:
    """For each place the first of its group that has the same text."""
    keys = texts + groups.astype(np.uint64) * _MIXING
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return first[inverse]
