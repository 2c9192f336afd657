"""Values that can have taken each other's place: two ports, two versions of one thing, two queues; and the sentences in which one
has. Used by subjects.py and corrections.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iai_daemon.wording.features import Features
from iai_daemon.wording.kinds import KINDS, ORDINARY
from iai_daemon.wording.lexicon import VERBS, words
from iai_daemon.wording.signs import OF_CHANGE
from iai_daemon.wording.tokens import (
    CHANNEL,
    CLOCK,
    CODE,
    DATE,
    EMAIL,
    FLAG,
    HASH,
    LIGHTER,
    MONEY,
    NAME,
    NUMBER,
    PATH,
    URL,
    VARIABLE,
    VERSION,
    WORD,
    stems,
)
from iai_daemon.wording.values import CALENDAR, RANGE, RATE, SHARE, SIZE, TIME

NONE: frozenset[str] = frozenset()
MEASURED = frozenset((TIME, SIZE, SHARE, CALENDAR, MONEY, CLOCK, DATE, RATE, RANGE))
NUMERIC = frozenset((NUMBER, VERSION))
QUANTITIES = MEASURED | NUMERIC
LITERAL = frozenset((PATH, URL, CODE, CHANNEL, EMAIL, VARIABLE, FLAG, HASH))
_DURATIONS = {TIME, CALENDAR}
LIMITS = frozenset((">", "<", "≥", "≤"))

# A number behind one of these tells which one is meant, never how much.
_REFERENCES = stems(
    """ticket issue bug pr mr case incident commit line page section chapter paragraph figure table row
    rfc adr see detail story task epic job run number no"""
)
_ROLES = stems("own lead maintain responsible contact call head chair charge")
_ANY_VERB = stems(*VERBS)
_AGENT_SIDES = ("by", "in", "on", "with", "from")
_MOST_VALUE_TERMS = 3


def kin(x: str, y: str) -> bool:
    """Whether two names are known to be of one kind: two databases, two weekdays."""
    return not KINDS.get(x, NONE).isdisjoint(KINDS.get(y, NONE))


def comparable(x: str, y: str, newer: Features, older: Features) -> bool:
    """Whether two terms are values of one kind, so that one may have taken the other's place."""
    if x == y:
        return False
    one, other = newer.kinds.get(x), older.kinds.get(y)
    if (one in MEASURED and one == other) or {one, other} == _DURATIONS:
        return True
    if one in NUMERIC and other in NUMERIC:
        return bool(_beside(x, newer) & _beside(y, older)) and count_the_same((x,), (y,), newer, older)
    return kin(x, y) and not _ordinary(x, newer) and not _ordinary(y, older)


def _ordinary(key: str, text: Features) -> bool:
    """Whether a word that may be a name is only a word here: `the code`, but not `built with make`."""
    return (
        key in ORDINARY and key not in text.kinds and all(key not in keys for keys in text.related.values())
    )


def of_one_kind(mine: Collection[str], its: Collection[str], newer: Features, older: Features) -> bool:
    """Whether any two of them are comparable."""
    return any(comparable(x, y, newer, older) for x in mine for y in its)


def alike_in_form(x: str, y: str, newer: Features, older: Features) -> bool:
    """Whether two terms are values that look alike: two names, two paths, two addresses."""
    one, other = newer.kinds.get(x), older.kinds.get(y)
    return x != y and one is not None and (one == other or (one in LITERAL and other in LITERAL))


def numbers(keys: Iterable[str], text: Features) -> int:
    """How many of the keys are bare numbers."""
    return sum(text.kinds.get(key) in NUMERIC for key in keys)


def is_quantity(key: str, text: Features) -> bool:
    """Whether a number is a quantity, `orders above 50 EUR`, and no part of a name, `level 1`."""
    if text.kinds.get(key) in MEASURED:
        return True
    at = text.terms.index(key)
    before = text.tokens[: text.places[at]][-1:]
    return any(each.key in _MEASURING_WORDS for each in before) or not LIMITS.isdisjoint(text.terms[:at][-1:])


_MEASURING_WORDS = LIMITS | {"of", "is", "above", "below", "over", "under"}


def _beside(key: str, text: Features) -> set[str]:
    """What stands right before and after a value: `port 8081`, `3 replicas`."""
    place = text.terms.index(key)
    return set(text.terms[max(0, place - 1) : place] + text.terms[place + 1 : place + 2])


def another_value(newer: Features, older: Features, generic: frozenset[str], classes: frozenset[str]) -> bool:
    """Whether the newer one is the older one's sentence with another value in it."""
    frame = _Frame(newer, older, generic, classes)
    if frame.substituted(newer.terms, older.terms):
        return True
    sentences = [newer.terms[start:end] for start, end in newer.claim.clauses[:4]]
    others = [older.terms[start:end] for start, end in older.claim.clauses[:2]]
    if any(frame.substituted(one, other) for one in sentences for other in others):
        return True
    parts = [newer.terms[start:end] for start, end in newer.claim.parts[:4]]
    others = [older.terms[start:end] for start, end in older.claim.parts[:2]]
    return any(frame.reworded(one, other) for one in parts for other in others)


class _Frame:
    """Two sentences laid side by side."""

    def __init__(
        self, newer: Features, older: Features, generic: frozenset[str], classes: frozenset[str]
    ) -> None:
        self.newer = newer
        self.older = older
        self.generic = generic
        self.classes = classes

    def substituted(self, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """The same terms in the same order but for one run of them."""
        shorter = min(len(one), len(other))
        start = next((at for at in range(shorter) if one[at] != other[at]), shorter)
        end = next((at for at in range(shorter - start) if one[-1 - at] != other[-1 - at]), shorter - start)
        mine, its = one[start : len(one) - end], other[start : len(other) - end]
        if not 0 < len(mine) <= _MOST_VALUE_TERMS or not 0 < len(its) <= _MOST_VALUE_TERMS or not start + end:
            return False
        if start + end == 1 and self._too_little(one, other, one[0] if start else one[-1], mine, its):
            return False
        if not set(mine).isdisjoint(its) or not _together(mine, self.newer) or not _together(its, self.older):
            return False
        whose = self.newer.claim.theme.issuperset(mine) and self.older.claim.theme.issuperset(its)
        if whose and not is_quantity(mine[-1], self.newer):
            return self._another_holder(one, mine, its, frame=start + end)
        before = one[start - 1 : start + 1] if start else ()
        return self._in_place(mine, its, before, frame=start + end, last=not end)

    def _too_little(
        self,
        one: tuple[str, ...],
        other: tuple[str, ...],
        common: str,
        mine: tuple[str, ...],
        its: tuple[str, ...],
    ) -> bool:
        """Whether one common word is not enough: it is a generic one, or only a part of both texts is compared."""
        whole, its_whole = len(one) == len(self.newer.terms), len(other) == len(self.older.terms)
        if common in self.generic or common in LIMITS or not (whole or its_whole):
            return True
        same = whole and self.newer.light == self.older.light
        return not same and not of_one_kind(mine, its, self.newer, self.older)

    def _another_holder(
        self, one: tuple[str, ...], mine: tuple[str, ...], its: tuple[str, ...], *, frame: int
    ) -> bool:
        """Another subject is another fact, unless it is who has a role: `Alice owns billing`, `Bob owns billing`."""
        role = frame > 1 and not _ROLES.isdisjoint(one)
        return role and len(mine) == len(its) == 1 and self.newer.claim.head in mine

    def _in_place(
        self, mine: tuple[str, ...], its: tuple[str, ...], before: tuple[str, ...], *, frame: int, last: bool
    ) -> bool:
        if len(mine) == len(its) == 1:
            if before and before[0] in self.classes and _together(before, self.newer):
                return True
            if frame > 2 and last and (mine[0] in self.newer.kinds or its[0] in self.older.kinds):
                return True
        if len(mine) == len(its):
            return all(self._exchangeable(x, y) for x, y in zip(mine, its, strict=True))
        return frame > 1 and self._exchangeable(mine[-1], its[-1])

    def _exchangeable(self, x: str, y: str) -> bool:
        """In the same place of the same sentence numbers of any kind, names and short codes are values of one kind."""
        if self.newer.kinds.get(x) in NUMERIC and self.older.kinds.get(y) in NUMERIC:
            return True
        if comparable(x, y, self.newer, self.older) or alike_in_form(x, y, self.newer, self.older):
            return True
        return len(x) <= 2 and len(y) <= 2

    def reworded(self, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        """The same terms in another order, with one other value."""
        common = set(one) & set(other)
        mine, its = set(one) - common - OF_CHANGE, set(other) - common
        if not 0 < len(its) <= 2 or not 0 < len(mine) <= _MOST_VALUE_TERMS or not common - self.generic:
            return False
        alike = not self.newer.claim.deeds.isdisjoint(self.older.claim.deeds)
        if len(mine) > 1 and not alike and common.isdisjoint(_ANY_VERB):
            return False
        if len(its) == 2 and not _together(tuple(key for key in other if key in its), self.older):
            return False
        if len(common) == 1:
            return alike and any(self._agents(x, y) for x in mine for y in its)
        return any(self._value_for(x, y) for x in mine for y in its)

    def _agents(self, x: str, y: str) -> bool:
        """`served by X` and `Y serves`, `stored in X` and `Y holds`: two things of one kind that do the same."""
        passive = any(y in self.older.related.get(side, NONE) for side in _AGENT_SIDES)
        agent = (passive and x in self.newer.claim.theme) or x in self.newer.related.get("by", NONE)
        return agent and kin(x, y)

    def _value_for(self, x: str, y: str) -> bool:
        """Whether `x` stands where the other has `y`, and neither is whose value it is."""
        newer, older = self.newer, self.older
        if (x in newer.claim.theme or y in older.claim.theme) and not (
            is_quantity(x, newer) and is_quantity(y, older)
        ):
            return False
        return comparable(x, y, newer, older) or (
            alike_in_form(x, y, newer, older) and newer.kinds[x] != NAME
        )


def _together(keys: tuple[str, ...], text: Features) -> bool:
    """Whether terms stand side by side, as the parts of one name do."""
    places = [text.places[text.terms.index(key)] for key in keys]
    return places[-1] - places[0] == len(places) - 1


def other_number(newer: Features, older: Features, generic: frozenset[str]) -> str | None:
    """The name behind or in which the two have different numbers: `Node 18` and `Node 22`, `base:3` and `base:5`."""
    for name, number in _numbered(newer, generic):
        for other, was in _numbered(older, generic):
            if other == name and was != number and name not in _REFERENCES:
                return name
    return None


def _numbered(text: Features, generic: frozenset[str]) -> list[tuple[str, str]]:
    found = []
    for at, key in enumerate(text.terms):
        kind, name = text.kinds.get(key), text.terms[at - 1] if at else ""
        if kind in NUMERIC:
            named = (
                name and name not in generic and name not in LIMITS and text.kinds.get(name) not in NUMERIC
            )
            if named and not _counts(text.places[at], text):
                found.append((name, key))
        elif kind in (CODE, PATH) and (bare := key.rstrip("0123456789.")) != key and len(bare) > 2:
            found.append((bare, key))
    return found


# What stands behind a number that stands for itself.
_GOES_ON = words("after before since until instead now")


def refer(keys: Collection[str], text: Features) -> bool:
    """Whether a number among these terms is the name of something: `ticket 812`, `see 44`."""
    return any(
        text.kinds.get(key) in NUMERIC and place and text.tokens[place - 1].key in _REFERENCES
        for key, place in zip(text.terms, text.places, strict=True)
        if key in keys
    )


def count_the_same(mine: Collection[str], its: Collection[str], newer: Features, older: Features) -> bool:
    """Whether the numbers among two sets of terms say how many of one thing, or stand alone: two CPUs are no three replicas."""
    one, other = _counted(mine, newer), _counted(its, older)
    return not (one and other and one.isdisjoint(other))


def _counted(keys: Collection[str], text: Features) -> set[str]:
    """What numbers among these terms count."""
    return {
        text.tokens[place + 1].key
        for key, place in zip(text.terms, text.places, strict=True)
        if key in keys and text.kinds.get(key) in NUMERIC and _counts(place, text)
    }


def _counts(place: int, text: Features) -> bool:
    """Whether a number says how many: `nine attempts`."""
    following = text.tokens[place + 1 : place + 2]
    return any(each.kind in (WORD, LIGHTER) and each.low not in _GOES_ON for each in following)
