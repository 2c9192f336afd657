"""Whether two texts speak of one thing in one context. Used by corrections.py."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from iai_daemon.wording.claims import Subject
from iai_daemon.wording.exchange import LIMITS, NONE, NUMERIC, is_quantity, of_one_kind
from iai_daemon.wording.features import Features
from iai_daemon.wording.signs import MARKED, OF_CHANGE
from iai_daemon.wording.similarity import begin_alike
from iai_daemon.wording.tokens import stems

# Nouns of so many things that they alone tell of none.
GENERIC = stems(
    """user project team system service server code app thing job number api test check file line version
    port page request key support type access client feature data database release build report
    production time name new address limit list way run change update process item value default
    task work day group tool only local staging customer account people person other everybody part
    same first last"""
)
# What is changed of a thing: `the assistant's model`.
_ATTRIBUTES = stems(
    """model version name value setting type time size limit address url host domain port location tool
    provider format default engine owner lead contact day date schedule interval frequency count
    number amount length duration timeout threshold budget language theme style level image rule
    policy retention mode home place"""
)
# What stands behind one of these is its name: `the cluster blue`, `zone b`, `team Atlas`.
CLASSES = stems(
    """schema cluster zone region namespace branch topic queue bucket database host port channel version
    tag image model team account class level profile mode theme font label index table project room
    key flag plan tier node pool layout field column plugin module script driver tool library
    package service"""
)
_CHANGES = stems("migration upgrade switch move transition update change new old")
_RANGES = (("before", "from"), ("until", "from"), ("before", "after"))
_HOLDING = ("for", "of")


def other_context(newer: Features, older: Features) -> bool:
    """Whether one says it of staging and the other of production, one of v1 and the other of v2, one until and one from a day."""
    for dimension, named in newer.contexts.items():
        others = older.contexts.get(dimension)
        if others and named.isdisjoint(others):
            return True
    for one, other in _RANGES:
        for a, b in ((newer, older), (older, newer)):
            if a.related.get(one, NONE) & b.related.get(other, NONE):
                return True
    new, old = newer.claim.heading, older.claim.heading
    if new and old and lacking(new, older) and lacking(old, newer):
        return True
    mine, its = _numbers_in_name(newer), _numbers_in_name(older)
    return bool(mine and its and mine.isdisjoint(its))


def _numbers_in_name(text: Features) -> set[str]:
    """The numbers in what is spoken of: `v1`, `branch 7.2`, `level 1`; quantities are none."""
    return {key for key in text.claim.theme if text.kinds.get(key) in NUMERIC and not is_quantity(key, text)}


def lacking(keys: Iterable[str], text: Features) -> list[str]:
    """Those of the keys that a text has no word for."""
    return [
        key
        for key in keys
        if key not in text.heavy
        and key not in text.light
        and key not in _CHANGES
        and not any(begin_alike(key, other) for other in text.topic)
    ]


def competing(newer: Features, older: Features) -> bool:
    """Whether each speaks of something that the other does not know: the web app here, the admin app there."""
    if _other_modifiers(newer, older) or _other_names(newer, older):
        return True
    for side in _HOLDING:
        one, other = newer.related.get(side, NONE) - OF_CHANGE, older.related.get(side, NONE) - OF_CHANGE
        if one and other and not one & other - GENERIC and lacking(one, older) and lacking(other, newer):
            return True
    new, old = newer.claim.subjects, older.claim.subjects
    return bool(new and old) and all(_strangers(mine, its, newer, older) for mine in new for its in old)


def _other_modifiers(newer: Features, older: Features) -> bool:
    new, old = newer.claim, older.claim
    for head, others in new.modifiers.items():
        theirs = old.modifiers.get(head)
        if theirs and (head in new.theme or head in old.theme or not new.marks & MARKED):
            mine, its = lacking(others - new.arrived, older), lacking(theirs, newer)
            if mine and its and not of_one_kind(mine, its, newer, older):
                return True
    return False


def _other_names(newer: Features, older: Features) -> bool:
    """`team Delta` is not `team Gamma`, unless the one has come in the other's place."""
    mine, its = _named(newer), _named(older)
    for noun, name in mine.items():
        other = its.get(noun, name)
        if (
            other != name
            and name not in older.heavy
            and other not in newer.heavy
            and name not in newer.claim.arrived
        ):
            return True
    return False


def _named(text: Features) -> dict[str, str]:
    """The names behind the nouns of the theme that take one."""
    theme, names = text.claim.theme, {}
    for at, (noun, name) in enumerate(pairwise(text.terms)):
        behind = noun in CLASSES and name in text.kinds and text.places[at + 1] - text.places[at] == 1
        if behind and name not in LIMITS and (name in theme or noun in theme):
            names[noun] = name
    return names


def _strangers(mine: Subject, its: Subject, newer: Features, older: Features) -> bool:
    """Whether two subjects are two things."""
    right, left = lacking(mine.terms - newer.claim.arrived, older), lacking(its.terms, newer)
    if not left or not right:
        return False
    if mine.head == its.head:
        return not of_one_kind(right, left, newer, older)
    return not (its.terms & newer.topic or mine.terms & older.topic)


def one_theme(newer: Features, older: Features, shared: frozenset[str]) -> bool:
    """Whether what the newer one changes is what the older one speaks of."""
    much = len((shared & newer.claim.spoken) - GENERIC) > 1
    changed = [mine for mine in newer.claim.subjects if mine.marked]
    return any(
        _one_subject(mine, its, newer, older, much=much) for mine in changed for its in older.claim.subjects
    )


def any_subject(newer: Features, older: Features, *, much: bool) -> bool:
    """Whether some subject of the one is one of the other; a text without any speaks of whatever it names. `much`: they share
    so much that the main nouns may differ."""
    new, old = newer.claim.subjects, older.claim.subjects
    return not new or any(_one_subject(mine, its, newer, older, much=much) for mine in new for its in old)


def _one_subject(mine: Subject, its: Subject, newer: Features, older: Features, *, much: bool) -> bool:
    left, right = lacking(its.terms, newer), lacking(mine.terms - newer.claim.arrived, older)
    both = mine.terms & its.terms
    if both:
        left = [key for key in left if key not in GENERIC]
        right = [key for key in right if key not in _ATTRIBUTES]
    if not left and not right:
        return True
    if (left and right) or (its.terms <= GENERIC and mine.terms <= GENERIC and its.terms != mine.terms):
        return False
    if not right and both - GENERIC:
        return True
    return much or (its.head not in left and mine.head not in right)
