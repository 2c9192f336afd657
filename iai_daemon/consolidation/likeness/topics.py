"""Which records speak of the same: those that share the words that tell most, the rarer a word the more.

Each record is a vector of its telling words, weighted by how few records of its scope have them; the nearest ones are those of
the greatest cosine (Salton and Buckley, Term-weighting approaches in automatic text retrieval, 1988). Vectors of hashed words
know nothing beside that, and comparing all of them would cost a hundred times as much.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iai_daemon.consolidation.likeness.pairs import Places
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import Said
from iai_daemon.memory.record import Record
from iai_daemon.wording.features import Features, features
from iai_daemon.wording.tokens import stems

# Of what so many records speak, each is compared with those that were written next before and after it.
_CROWD = 48
# So many are looked at closely before the best of them are taken.
_LOOKED_AT = 16
_MOST = 5
# Below this two records have only a phrase in common; with a single word in common they have to be about little else.
_LEAST, _LEAST_OF_ONE = 0.25, 0.6
# Who shares so large a part of all words is made of the same ones.
_ALIKE, _MANY = 0.6, 4
# What more than this share of a scope speaks of tells nothing of two that do; of so few records nobody knows.
_EVERYWHERE, _FEW = 0.1, 50
_MOST_TERMS = 64
# So many characters are read within some milliseconds.
_ASK_EVERY = 4000
_MARK = 0xFFFFFFFF
# Some milliseconds of work each.
_PARTS, _AT_ONCE = 16, 100_000

# What people say to one another whatever they speak of, and how they find it.
_COURTESY = stems(
    """hi hey hello bye thank thanks thx please sorry welcome congrats congratulations cheers wow yeah yep yup yes
    ok okay oh haha lol sure agree agreed absolutely definitely totally really truly exactly certainly
    great good nice cool awesome amazing fantastic wonderful incredible lovely super sweet fun happy glad excited
    exciting proud perfect best better special beautiful gorgeous tough hard interesting important inspire inspiring
    sound sounds hear heard chat talk tell told say said ask guess think thought thinking feel feeling felt hope wish wonder
    know see look love like enjoy appreciate support help care mean matter believe remember remind wait keep check
    lot bit kind sort way thing stuff something anything everything people someone everyone guy life moment time
    day today yesterday tomorrow tonight week weekend month year lately recently soon ago now then always ever never
    big small new old little long take make get got go going come bring give put let try start
    some more even sometimes worry catch off past also too only still just much many other both else whole bad
    done did plan idea gonna gotta wanna differ different difference worth right wrong
    hallo danke bitte ja gut toll super schön heute gestern morgen immer wirklich""",
)

_Numbers = npt.NDArray[np.int64]
_Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tie:
    """What a record has in common with another: how much (0–1), and the marks of the words, the rarest first;
    of those that every other record has only where there are no others."""

    other: int
    weight: float
    shared: tuple[int, ...]


class Topics:
    """Room for `count` records. They are read in, then it is prepared; then it knows the ties of those that are new."""

    def __init__(self, count: int) -> None:
        self._count = 0
        self._places: dict[int, int] = {}
        self._scopes: dict[str, int] = {}
        self._ids = np.zeros(count, np.int64)
        self._changes = np.zeros(count, np.int64)
        self._sizes = np.zeros(count, np.int32)
        self._in_scope: list[int] = []
        self._read_terms: list[_Numbers] = []

    def read(self, rows: Sequence[Said], yield_point: YieldPoint, *, is_new: bool) -> None:
        """Take these in."""
        start, self._count = self._count, self._count + len(rows)
        unasked = 0
        found: list[int] = []
        for place, row in enumerate(rows, start):
            unasked += len(row.content)
            if unasked > _ASK_EVERY:
                yield_point()
                unasked = 0
            scope = self._scope(row.scope)
            terms = sorted(scope << 32 | mark(term) for term in telling(features(told(row))))[:_MOST_TERMS]
            self._sizes[place] = len(terms)
            found += terms
            if is_new:
                self._places[row.record] = place
        places = slice(start, self._count)
        self._ids[places] = [row.record for row in rows]
        self._changes[places] = [row.change for row in rows]
        self._read_terms.append(np.array(found, np.int64))
        yield_point()

    def prepare(self, yield_point: YieldPoint) -> None:
        """Everything has been read: count who has which word, and say how much each tells."""
        self._known = _united(self._read_terms, yield_point)
        sizes = self._sizes[: self._count]
        self._starts = np.concatenate(([0], np.cumsum(sizes)))
        self._terms = np.empty(self._starts[-1], np.int32)
        end = 0
        for number, part in enumerate(self._read_terms):
            if number % _PARTS == 0:
                yield_point()
            start, end = end, end + len(part)
            self._terms[start:end] = np.searchsorted(self._known, part)
        self._read_terms = []
        counts = np.bincount(self._terms, minlength=len(self._known))
        yield_point()
        of = np.array(self._in_scope or [0])[self._known >> 32]
        self._telling: _Weights = np.log1p(of / counts) ** 2
        self._rare = (counts <= _EVERYWHERE * of) | (of < _FEW)
        self._first_having = np.concatenate(([0], np.cumsum(counts)))
        yield_point()
        self._note_places(np.repeat(np.arange(self._count, dtype=np.int32), sizes), yield_point)

    def _scope(self, name: str) -> int:
        """Its number; counts one record more in it."""
        number = self._scopes.setdefault(name, len(self._scopes))
        if number == len(self._in_scope):
            self._in_scope.append(0)
        self._in_scope[number] += 1
        return number

    def _note_places(self, of_term: npt.NDArray[np.int32], yield_point: YieldPoint) -> None:
        """For each word the places that have it, in their order; and how long each record is as a vector."""
        self._having = np.empty(len(self._terms), np.int32)
        self._lengths = np.zeros(self._count)
        free = self._first_having[:-1].copy()
        for start in range(0, len(self._terms), _AT_ONCE):
            yield_point()
            terms, places = self._terms[start : start + _AT_ONCE], of_term[start : start + _AT_ONCE]
            self._lengths += np.bincount(places, self._telling[terms], self._count)
            order = np.argsort(terms, kind="stable")
            ordered = terms[order]
            known, first, counts = np.unique(ordered, return_index=True, return_counts=True)
            self._having[free[ordered] + np.arange(len(ordered)) - np.repeat(first, counts)] = places[order]
            free[known] += counts
        self._lengths = np.sqrt(self._lengths)

    def is_new(self, record: Record) -> bool:
        """Whether it is one of the new ones, as it was when it was read."""
        place = self._places.get(record.id)
        return place is not None and bool(self._changes[place] == record.change)

    def step_for(self, records: Sequence[Record]) -> None:
        """As Room has it: nothing has to be searched for before."""

    def near(self, record: int) -> list[Tie]:
        """The records that it has most in common with, the most first; at most five."""
        place = self._places.get(record)
        if place is None or not self._sizes[place]:
            return []
        others = self._candidates(place)
        if not len(others):
            return []
        weights, rare = self._shared(place, others)
        enough = np.where(rare > 1, _LEAST, np.where(rare == 1, _LEAST_OF_ONE, _ALIKE))
        kept = np.flatnonzero(weights >= enough)
        best = kept[np.lexsort((self._ids[others[kept]], -weights[kept]))][:_MOST]
        return [self._tie(place, int(others[each]), float(weights[each])) for each in best]

    def _terms_of(self, place: int) -> npt.NDArray[np.int32]:
        return self._terms[self._starts[place] : self._starts[place + 1]]

    def _candidates(self, place: int) -> Places:
        """The places that share the most, as far as the nearest of each crowd tell."""
        terms = self._terms_of(place)
        parts = [self._near(int(term), place) for term in terms]
        weights = np.repeat(self._telling[terms], [len(part) for part in parts])
        places, inverse = np.unique(np.concatenate(parts), return_inverse=True)
        shares = np.bincount(inverse, weights) / self._lengths[places]
        best = np.argsort(-shares, kind="stable")[: _LOOKED_AT + 1]
        found = places[best].astype(np.intp)
        return np.extract(found != place, found)

    def _near(self, term: int, place: int) -> npt.NDArray[np.int32]:
        """Who has this word; of a crowd those that were written next to this place."""
        having = self._having[self._first_having[term] : self._first_having[term + 1]]
        if len(having) <= _CROWD:
            return having
        at = int(np.searchsorted(having, place))
        start = min(max(0, at - _CROWD // 2), len(having) - _CROWD)
        return having[start : start + _CROWD]

    def _shared(self, place: int, others: Places) -> tuple[_Weights, Places]:
        """For each of these places how much it has in common with this one, and how many rare words the two share."""
        mine = self._terms_of(place)
        theirs = np.concatenate([self._terms_of(int(other)) for other in others])
        owners = np.repeat(np.arange(len(others)), self._sizes[others])
        at = np.minimum(np.searchsorted(mine, theirs), len(mine) - 1)
        both = mine[at] == theirs
        terms, owners = theirs[both], owners[both]
        products = np.bincount(owners, self._telling[terms], len(others))
        rare = np.bincount(owners[self._rare[terms]], minlength=len(others))
        cosines = products / (self._lengths[place] * self._lengths[others])
        # Of what is said of everybody in the same words the names weigh most, and still it is alike.
        counts = np.bincount(owners, minlength=len(others))
        dice = 2 * counts / (len(mine) + self._sizes[others])
        return np.where((dice >= _ALIKE) & (counts >= _MANY), np.maximum(cosines, dice), cosines), rare

    def _tie(self, place: int, other: int, weight: float) -> Tie:
        shared = np.intersect1d(self._terms_of(place), self._terms_of(other), assume_unique=True)
        named = shared[self._rare[shared]] if self._rare[shared].any() else shared
        marks = self._known[named[np.argsort(-self._telling[named], kind="stable")]] & _MARK
        return Tie(int(self._ids[other]), min(1.0, round(weight, 4)), tuple(marks.tolist()))


def _united(parts: Sequence[_Numbers], yield_point: YieldPoint) -> _Numbers:
    """All numbers that are in any of these, each once, in order."""
    known = [np.empty(0, np.int64), *parts]
    while len(known) > 1:
        yield_point()
        merged = []
        for at in range(0, len(known), 2):
            yield_point()
            merged.append(np.unique(np.concatenate(known[at : at + 2])))
        known = merged
    return known[0]


def telling(said: Features) -> frozenset[str]:
    """What a text speaks of."""
    return frozenset(term for term in said.heavy - _COURTESY if len(term) > 1)


def told(said: Said | Record) -> str:
    """What a record says and what it is said to be about."""
    return ". ".join(part for part in (said.content, said.subject, said.attribute) if part)


def mark(term: str) -> int:
    """A number below 2³² for a word."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))
