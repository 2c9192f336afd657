"""Whether two texts that are made of the same words also claim the same: asked, supposed or told; what is done; which word
stands with which, and which figure. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from iai_daemon.wording.features import Features
from iai_daemon.wording.tokens import LIGHTER, WORD

# Words of which either both texts or none must have one: asking, supposing, doubting.
_MOODS = (
    frozenset(("?",)),
    frozenset(("if", "unless", "wenn")),
    frozenset(("might", "could")),
)
# Who says it the other way round keeps a third of the words that stand together, and more; a few words may all move.
_MANY, _TOGETHER = 5, 0.35
# Of more figures than these only the order is compared.
_MOST_FIGURES = 50
_NEW_CLAUSE = frozenset((",", ";", ".", "?", "and", "or", "but", "und", "oder", "aber"))


def claims_alike(one: Features, other: Features) -> bool:
    """Symmetric."""
    return (
        _moods(one) == _moods(other)
        and not any(_apart(doings(one), doings(other)) for doings in (_under_way, _inflected))
        and not _shuffled(one, other)
        and not _figures_changed_places(one, other)
    )


def has_figures(term: str) -> bool:
    return any(map(str.isdigit, term))


def _moods(said: Features) -> list[bool]:
    keys = {token.key for token in said.tokens}
    return [not mood.isdisjoint(keys) for mood in _MOODS]


def _under_way(said: Features) -> set[str]:
    """`is running`, `is sitting`: also of verbs that tell little."""
    return {each.key for each in said.tokens if each.kind in (WORD, LIGHTER) and each.raw.endswith("ing")}


def _inflected(said: Features) -> set[str]:
    """`rocking`, `climbed`: which of the words are used as verbs, as far as their form tells."""
    return {each.key for each in said.tokens if each.kind == WORD and each.raw.endswith(("ing", "ed"))}


def _apart(some: set[str], others: set[str]) -> bool:
    return bool(some) and bool(others) and some.isdisjoint(others)


def _shuffled(one: Features, other: Features) -> bool:
    """Whether of so many words hardly two stand together in both."""
    left, right = _together(one), _together(other)
    return min(len(left), len(right)) >= _MANY and 2 * len(left & right) < _TOGETHER * (
        len(left) + len(right)
    )


def _together(said: Features) -> set[frozenset[str]]:
    return {frozenset(two) for two in pairwise(said.terms)}


def _figures_changed_places(one: Features, other: Features) -> bool:
    """Whether a figure of the one stands, in the other, where another figure stood: `staging 15, production 16`."""
    left, right = _surroundings(one), _surroundings(other)
    if max(len(left), len(right)) > _MOST_FIGURES:
        return list(left) != list(right)
    return _moved(left, right) or _moved(right, left)


def _moved(left: Mapping[str, set[str]], right: Mapping[str, set[str]]) -> bool:
    shared = left.keys() & right.keys()
    return any(
        len(right[figure] & left[another]) > len(right[figure] & left[figure])
        for figure in shared
        for another in shared
    )


def _surroundings(said: Features) -> dict[str, set[str]]:
    """For each figure the words of its clauses; in the order in which the figures come."""
    found: dict[str, set[str]] = {}
    for clause in _clauses(said):
        words = {term for term in clause if not has_figures(term)}
        for term in clause:
            if has_figures(term):
                found.setdefault(term, set()).update(words)
    return found


def _clauses(said: Features) -> Iterator[list[str]]:
    ends = [at for at, token in enumerate(said.tokens) if token.key in _NEW_CLAUSE]
    clause: list[str] = []
    for term, place in zip(said.terms, said.places, strict=True):
        if ends and ends[0] < place:
            yield clause
            clause = []
            while ends and ends[0] < place:
                ends.pop(0)
        clause.append(term)
    yield clause
