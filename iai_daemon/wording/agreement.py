"""Whether two texts may be joined as saying the same: what is valuable in one must be in the other."""

from __future__ import annotations

from itertools import permutations

from iai_daemon.wording.exchange import QUANTITIES
from iai_daemon.wording.features import OBLIGED, OPTIONAL, PERMITTED, Features
from iai_daemon.wording.similarity import MOST_COMPARED, akin, opposed
from iai_daemon.wording.tokens import BREAK, STOPPED

_NONE: frozenset[str] = frozenset()
_DIRECTIONS = ("from", "to", "by", "without")


def disagreement(a: Features, b: Features) -> str | None:
    """Why the two may not be joined, in words; None: nothing valuable in one is missing in the other. Symmetric."""
    if b.terms < a.terms:
        a, b = b, a
    if a.rest != b.rest:
        return "they go on differently"
    if a.denials != b.denials:
        return "one denies what the other says"
    if opposites := opposed(a, b):
        return _against(*opposites)
    if a.heavy != b.heavy and (missing := _missing(a, b)):
        return missing
    return _obligation(a, b) or _order(a, b)


def _missing(a: Features, b: Features) -> str | None:
    """The first word or value that only one of them has."""
    left, right = a.heavy - b.heavy, b.heavy - a.heavy
    mine, its = min(left & a.kinds.keys(), default=None), min(right & b.kinds.keys(), default=None)
    if mine is None and its is None:
        if len(left) <= MOST_COMPARED and len(right) <= MOST_COMPARED:
            pairs = akin(left, right, a, b)
            left -= {one for one, _ in pairs}
            right -= {other for _, other in pairs}
        mine, its = min(left, default=None), min(right, default=None)
    if mine is not None and its is not None:
        return _against(mine, its)
    only = mine if mine is not None else its
    return None if only is None else f"only one says “{only}”"


def _against(*two: str) -> str:
    one, other = sorted(two)
    return f"“{one}” against “{other}”"


def _obligation(a: Features, b: Features) -> str | None:
    if (a.modality ^ b.modality) & OPTIONAL and (a.modality | b.modality) & OBLIGED:
        return "one obliges, the other leaves it open"
    forces = {a.modality & (OBLIGED | PERMITTED), b.modality & (OBLIGED | PERMITTED)}
    if forces == {OBLIGED, PERMITTED} and not a.denials:
        return "one obliges, the other permits"
    return None


def _order(a: Features, b: Features) -> str | None:
    """What stands in another relation in the one than in the other: before and after, from and to, who and whom."""
    return (
        _relation(a, b)
        or _direction(a, b)
        or _turn(a, b)
        or _turn(b, a)
        or _denial(a, b)
        or _values(a, b)
        or _roles(a, b)
    )


def _relation(a: Features, b: Features) -> str | None:
    for side, keys in sorted(a.related.items()):
        others = b.related.get(side, _NONE)
        if others and keys.isdisjoint(others) and (keys & b.heavy or others & a.heavy):
            return _against(f"{side} {min(keys)}", f"{side} {min(others)}")
    return None


def _direction(a: Features, b: Features) -> str | None:
    for side, other in permutations(_DIRECTIONS, 2):
        shared = a.related.get(side, _NONE) & b.related.get(other, _NONE)
        if shared and not (other in a.related and side in b.related):
            return _against(f"{side} {min(shared)}", f"{other} {min(shared)}")
    return None


def _turn(one: Features, other: Features) -> str | None:
    before, after = one.related.get("before", _NONE), other.related.get("after", _NONE)
    if before & after and "before" not in other.related:
        return f"one says before “{min(before)}”, the other after it"
    return None


def _denial(a: Features, b: Features) -> str | None:
    if a.denied and b.denied and a.denied.isdisjoint(b.denied) and a.denied & b.heavy and b.denied & a.heavy:
        one, other = sorted((min(a.denied), min(b.denied)))
        return f"one denies “{one}”, the other “{other}”"
    return None


def _values(a: Features, b: Features) -> str | None:
    """`free: 3, team: 50` is not `free: 50, team: 3`."""
    mine, its = ([key for key in text.terms if text.kinds.get(key) in QUANTITIES] for text in (a, b))
    others, theirs = ([key for key in text.terms if text.kinds.get(key) not in QUANTITIES] for text in (a, b))
    if mine == its or others != theirs:
        return None
    return _against(" … ".join(mine[:4]), " … ".join(its[:4]))


def _roles(a: Features, b: Features) -> str | None:
    if a.terms == b.terms or a.copula or b.copula or len(a.tokens) > 2 * MOST_COMPARED:
        return None
    moved = _exchanged(_words(a), _words(b))
    # `the cluster runs X` is `X runs on the cluster`: what a preposition stands before is no doer.
    behind = set().union(*a.related.values(), *b.related.values())
    if not moved or not behind.isdisjoint(moved):
        return None
    return "who does it and what it is done to are exchanged"


def _words(text: Features) -> tuple[str, ...]:
    return tuple(token.key for token in text.tokens if token.kind not in (STOPPED, BREAK))


def _exchanged(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The words that changed places around what stays, where that is all in which two orders of the same words differ."""
    if one == other or sorted(one) != sorted(other):
        return ()
    start = next(at for at in range(len(one)) if one[at] != other[at])
    end = next(at for at in range(len(one) - 1, -1, -1) if one[at] != other[at])
    left, right = one[start : end + 1], other[start : end + 1]
    for head in range(1, len(left) - 1):
        for tail in range(1, len(left) - head):
            first, last = left[:head], left[len(left) - tail :]
            if right == last + left[head : len(left) - tail] + first:
                return first + last
    return ()
