"""How much two texts share, in words and not in their order."""

from __future__ import annotations

from collections.abc import Iterable

from iai_daemon.wording.features import Features
from iai_daemon.wording.lexicon import OPPOSED

_LIGHT_WEIGHT = 0.25
_NEARLY = 0.75
_SHORTEST_PREFIX = 5
_LONGEST_REST = 4
# So many words are compared letter by letter; where more differ, no likeness of two words matters.
MOST_COMPARED = 24


def opposed(a: Features, b: Features) -> tuple[str, str] | None:
    """A word of the one and a word of the other that say the opposite, where neither text has both."""
    mine, its = a.light - b.light, b.light - a.light
    for pair in OPPOSED:
        for one, other in (pair, pair[::-1]):
            if one in mine and other in its:
                return one, other
    return None


def similarity(a: Features, b: Features) -> float:
    """0–1: the share of what both say (Dice's coefficient over stems and values, 1 for the same words in another order).
    Symmetric. Words that begin alike count nearly, words that tell little count little."""
    if b.terms < a.terms:
        a, b = b, a
    if a.heavy == b.heavy and a.light == b.light:
        return 1.0 if a.rest == b.rest else 0.9
    both = len(a.heavy & b.heavy) + _LIGHT_WEIGHT * len(a.light & b.light)
    total = len(a.heavy) + len(b.heavy) + _LIGHT_WEIGHT * (len(a.light) + len(b.light))
    if not total:
        return 0.0
    left, right = a.heavy - b.heavy, b.heavy - a.heavy
    if both and left and right and len(left) <= MOST_COMPARED and len(right) <= MOST_COMPARED:
        both += _NEARLY * len(akin(left, right, a, b))
    return min(1.0, 2 * both / total)


def akin(left: Iterable[str], right: Iterable[str], a: Features, b: Features) -> list[tuple[str, str]]:
    """The pairs of words, one of each side, that begin alike: `depend` and `dependency`. Values never do."""
    pairs = []
    free = sorted(each for each in right if each not in b.kinds and len(each) >= _SHORTEST_PREFIX)
    for word in sorted(left):
        if word in a.kinds or len(word) < _SHORTEST_PREFIX:
            continue
        other = next((each for each in free if begin_alike(word, each)), None)
        if other is not None:
            free.remove(other)
            pairs.append((word, other))
    return pairs


def begin_alike(one: str, other: str) -> bool:
    """Whether two words are forms of one: `depend`, `dependency`."""
    if one[:_SHORTEST_PREFIX] != other[:_SHORTEST_PREFIX]:
        return False
    shorter = min(len(one), len(other))
    common = next((at for at in range(shorter) if one[at] != other[at]), shorter)
    return (
        common >= _SHORTEST_PREFIX
        and max(len(one), len(other)) - common <= _LONGEST_REST
        and shorter - common <= 2
    )
