"""Whether a newer text ends the validity of an older one, and which of its words say so. Never by likeness alone: the two must
speak of one thing in one context, and say of it what cannot hold together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.claims import GENERAL_DEEDS
from iai_daemon.wording.exchange import (
    LIMITS,
    LITERAL,
    NONE,
    QUANTITIES,
    alike_in_form,
    another_value,
    comparable,
    count_the_same,
    kin,
    numbers,
    of_one_kind,
    other_number,
    refer,
)
from iai_daemon.wording.features import OBLIGED, OPTIONAL, PERMITTED, Features
from iai_daemon.wording.kinds import KINDS, PROPERTIES
from iai_daemon.wording.signs import (
    ALSO,
    CHANGED,
    CORRECTED,
    ENDED,
    INSTEAD,
    MARKED,
    NO_LONGER,
    NOW,
    OF_CHANGE,
    PAST,
    TENTATIVE,
    is_of_change,
)
from iai_daemon.wording.similarity import opposed
from iai_daemon.wording.subjects import (
    CLASSES,
    GENERIC,
    any_subject,
    competing,
    lacking,
    one_theme,
    other_context,
)
from iai_daemon.wording.tokens import CODE, NAME, PATH, VARIABLE, stems


class Evidence(NamedTuple):
    """Why the older one is over: the rule that says so, and in words what it read. Where it is not `certain`, it holds only if
    the newer text ends nothing else with certainty, and of what it may end only for what is most like it."""

    rule: str
    words: str
    certain: bool = True


# So many topics: a note about more is not over when one of them is.
_MOST_TOPICS = 40
_QUOTED_WORDS = 14
_LONGEST_QUOTED = 60
_USER = frozenset(("user",))
# What is denied of a thing as a whole: `not supported`, `not fine`.
_FINE = stems("accept support ok okay fine welcome true valid correct safe open available permit")
# Prepositions behind which one and the same is said: where, with what, whence.
_SLOTS = (("in",), ("on",), ("at",), ("with", "by", "via"), ("from",))


class _Pair:
    """Two texts that share something; whether they compete is asked once."""

    __slots__ = ("_compete", "newer", "older", "shared")

    def __init__(self, newer: Features, older: Features) -> None:
        self.newer = newer
        self.older = older
        self.shared = newer.topic & older.topic
        self._compete: bool | None = None

    def competing(self) -> bool:
        """Whether each speaks of something that the other does not know."""
        if self._compete is None:
            self._compete = competing(self.newer, self.older)
        return self._compete


def correction(newer: Features, older: Features) -> Evidence | None:
    """The evidence that `newer` ends the validity of `older`; None where both may hold."""
    if newer.heavy.isdisjoint(older.heavy):
        return None
    if len(older.topic) > _MOST_TOPICS or len(newer.topic) > 2 * _MOST_TOPICS:
        return None
    marks = newer.claim.marks
    if not marks & MARKED and 3 * len(newer.heavy & older.heavy) < min(len(newer.heavy), len(older.heavy)):
        return None
    # Stories and answers tell of many changes; what they are about stands in other turns.
    if newer.claim.talk or older.claim.talk:
        return None
    if marks & PAST or (marks & TENTATIVE and not marks & MARKED):
        return None
    if newer.heavy == older.heavy and newer.modality == older.modality and newer.denials == older.denials:
        return None
    if other_context(newer, older) or opposed(newer, older):
        return None
    found = _first_rule(_Pair(newer, older))
    # What says the same ends nothing, whatever it says of change.
    return None if found is None or disagreement(newer, older) is None else found


def _first_rule(pair: _Pair) -> Evidence | None:
    left = pair.older.topic - pair.newer.heavy - GENERIC
    for name, rule in _CERTAIN if pair.shared else _CERTAIN[:_WITHOUT_SHARED]:
        if (len(left) <= 1 or name in _LEAVES_ASIDE) and rule(pair):
            return _evidence(name, pair.newer, pair.older, certain=True)
    for name, rule in _LIKELY if pair.shared else ():
        if rule(pair):
            return _evidence(name, pair.newer, pair.older, certain=False)
    return None


def _evidence(rule: str, newer: Features, older: Features, *, certain: bool) -> Evidence:
    start, end = newer.claim.sign if newer.claim.sign[1] else (0, len(newer.tokens))
    return Evidence(
        rule,
        f"says “{_quote(newer, start, end)}” of what was “{_quote(older, 0, len(older.tokens))}”",
        certain,
    )


def _quote(text: Features, start: int, end: int) -> str:
    last = min(end, start + _QUOTED_WORDS)
    raws = [token.raw[:_LONGEST_QUOTED] for token in text.tokens[start:last]]
    said = "".join(raw if raw[0] in ".,;:!?…)" else f" {raw}" for raw in raws).replace("( ", "(")
    return said.strip(" .,;:") + (" …" if last < end else "")


def _denied_alone(pair: _Pair) -> bool:
    """The very words of the older one, denied; or those of its denial without it."""
    newer, older = pair.newer, pair.older
    return newer.heavy == older.heavy and (newer.denials > 0) != (older.denials > 0)


def _same_sentence(pair: _Pair) -> bool:
    """The same sentence with another value in it."""
    newer, older = pair.newer, pair.older
    if newer.denials != older.denials or newer.claim.marks & ALSO:
        return False
    return another_value(newer, older, GENERIC, CLASSES)


def _same_sentence_word_for_word(pair: _Pair) -> bool:
    """The same sentence, verbs and prepositions included, or with values that are known to be of one kind."""
    newer, older = pair.newer, pair.older
    if not _same_sentence(pair):
        return False
    mine, its = newer.topic - older.topic, older.topic - newer.topic
    if refer(mine, newer) and refer(its, older):
        return False
    if of_one_kind(mine, its, newer, older):
        return True
    return newer.light == older.light and _sides(mine, newer) == _sides(its, older)


def _sides(keys: frozenset[str], text: Features) -> set[str]:
    """The prepositions that these terms stand behind."""
    return {side for side, behind in text.related.items() if not keys.isdisjoint(behind)}


def _other_taste(pair: _Pair) -> bool:
    """The same one, mostly the user, likes or uses another thing of the same kind now, or is elsewhere."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    new = newer.claim
    # That something is over tells of nothing that has come instead.
    if not new.marks & (NOW | CHANGED | CORRECTED | INSTEAD) or new.marks & ALSO:
        return False
    if new.theme != older.claim.theme or len(new.theme) != 1:
        return False
    mine, its = newer.topic - older.heavy, older.topic - newer.heavy
    one_deed = not _other_deed(newer, older)
    for y in its:
        whole = not its - {y} - GENERIC
        property_alone = not whole and not shared - GENERIC and KINDS.get(y, PROPERTIES) & PROPERTIES
        if property_alone or not (whole or one_deed):
            continue
        if any(comparable(x, y, newer, older) or _went(x, y, newer, older) for x in mine):
            return not pair.competing()
    return False


def _went(x: str, y: str, newer: Features, older: Features) -> bool:
    """`is in X`, `has moved to Y`, and nothing else is said."""
    alone = newer.topic - older.heavy == {x} and older.topic - newer.heavy == {y} and x in newer.claim.arrived
    return alone and y in older.related.get("in", NONE) and alike_in_form(x, y, newer, older)


def _named_end(pair: _Pair) -> bool:
    """It says that what the older one tells is over."""
    return _names_end(pair, whole=False)


def _named_end_in_full(pair: _Pair) -> bool:
    """It says so by its full name."""
    return _names_end(pair, whole=True)


def _names_end(pair: _Pair, *, whole: bool) -> bool:
    newer, older, shared = pair.newer, pair.older, pair.shared
    for phrase in newer.claim.ended:
        known = phrase & older.heavy - older.related.get("since", NONE)
        if whole and not phrase - OF_CHANGE <= known:
            continue
        if known and _is_all_over(phrase, known, newer, older, shared) and not pair.competing():
            return True
    return False


def _is_all_over(
    phrase: frozenset[str], known: frozenset[str], newer: Features, older: Features, shared: frozenset[str]
) -> bool:
    """Whether the end of a phrase is the end of what the older one says, and not of something that sounds like it."""
    by_name = any(_telling(key, newer, older) for key in known)
    if len(known) < (0.5 if by_name else 0.6) * len(phrase):
        return False
    beside = frozenset(key for key in shared - phrase if newer.kinds.get(key) not in QUANTITIES)
    if beside - GENERIC or (beside and by_name) or known & older.claim.arrived:
        return True
    if _of_user(newer) and _of_user(older) and (known - GENERIC or older.topic <= shared):
        return True
    return phrase - GENERIC <= known and _is_whole(known, newer, older, by_name=by_name)


def _is_whole(known: frozenset[str], newer: Features, older: Features, *, by_name: bool) -> bool:
    """Whether what is over is all that the older one speaks of, or something that nothing else is called."""
    new, old = newer.claim, older.claim
    if by_name and new.arrived and not newer.topic - known - new.arrived:
        return True
    if known == old.theme and new.replaced and new.arrived and not _specific(older):
        return True
    if old.theme <= known and len(known) > 1 and not new.replaced:
        return True
    if any(older.kinds.get(key) in LITERAL for key in known):
        return True
    if all(key in known or key in LIMITS or older.kinds.get(key) in QUANTITIES for key in older.topic):
        return True
    said = _said(newer)
    if (len(said) > 1 and said <= older.heavy) or len(known - GENERIC) > 1:
        return True
    return (
        known == old.theme == new.theme and bool(new.marks & ENDED) and said <= known and not known <= GENERIC
    )


def _said(text: Features) -> frozenset[str]:
    """The terms of the clause that tells of the change."""
    start, end = text.claim.sign
    return frozenset(
        key
        for key, place in zip(text.terms, text.places, strict=True)
        if start <= place < end and not is_of_change(text.tokens[place])
    )


def _telling(key: str, newer: Features, older: Features) -> bool:
    """Whether a word is a name, or something literal that nothing else is called."""
    if key in KINDS or newer.kinds.get(key) in LITERAL or older.kinds.get(key) in LITERAL:
        return True
    named = [text.kinds.get(key) == NAME for text in (newer, older)]
    return all(named) or (any(named) and key in (newer.terms[0], older.terms[0]))


def _another_version(pair: _Pair) -> bool:
    """Another number after the same name, for the same thing."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    name = other_number(newer, older, GENERIC)
    if name is None or not (shared - {name} - GENERIC or newer.kinds.get(name) in (CODE, VARIABLE)):
        return False
    return any_subject(newer, older, much=True) and not pair.competing()


def _another_version_of_the_same(pair: _Pair) -> bool:
    """Where it is not marked as a change, `worker-1` and `worker-2` are two workers."""
    newer, older = pair.newer, pair.older
    coded = any(newer.kinds.get(key) in (CODE, PATH) for key in newer.heavy - older.heavy)
    return _another_version(pair) and (bool(newer.claim.marks & (NOW | CHANGED | CORRECTED)) or not coded)


def _another_quantity(pair: _Pair) -> bool:
    """The same said of the same thing, in other words, with another quantity of the same kind."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    if len(shared - GENERIC) < 2 or newer.denials != older.denials or newer.claim.marks & ALSO:
        return False
    mine, its = ({key for key in text.topic if text.kinds.get(key) in QUANTITIES} for text in (newer, older))
    if len(mine) != 1 or len(its) != 1 or not of_one_kind(mine, its, newer, older):
        return False
    if refer(mine, newer) and refer(its, older):
        return False
    if (
        not newer.claim.marks & MARKED
        and lacking(newer.heavy - mine, older)
        and lacking(older.heavy - its, newer)
    ):
        return False
    smaller = min(len(newer.topic), len(older.topic)) - 1
    return 3 * len(shared) >= 2 * smaller and any_subject(newer, older, much=True) and not pair.competing()


def _another_quantity_of_the_same(pair: _Pair) -> bool:
    """Also what is not marked as a change, where neither says anything else."""
    newer, older = pair.newer, pair.older
    if not _another_quantity(pair):
        return False
    mine, its = ({key for key in text.topic if text.kinds.get(key) in QUANTITIES} for text in (newer, older))
    more = lacking(newer.heavy - mine, older) or lacking(older.heavy - its, newer)
    return bool(newer.claim.marks & MARKED) or not more


def _changed(pair: _Pair) -> bool:
    """It tells of a change in the same thing, to another value of the same kind."""
    newer, older = pair.newer, pair.older
    if not _may_have_changed(pair) or _other_deed(newer, older):
        return False
    return not lacking(older.claim.theme, newer) and _exchanged(newer, older)


def _may_have_changed(pair: _Pair) -> bool:
    """Whether it tells of a change in what the older one speaks of."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    new = newer.claim
    if not new.marks & MARKED or new.marks & ALSO or not one_theme(newer, older, shared):
        return False
    if new.replaced and not any(phrase & older.heavy - GENERIC for phrase in new.ended):
        return False
    whole = len(shared) > 1 and all(older.kinds.get(key) in QUANTITIES for key in older.topic - newer.topic)
    return bool(shared - GENERIC or new.theme == older.claim.theme or whole) and not pair.competing()


def _exchanged(newer: Features, older: Features) -> bool:
    """Whether each has a value of one kind, outside of what it speaks of."""
    mine = newer.topic - older.topic - newer.claim.theme
    its = older.topic - older.claim.theme
    if of_one_kind(mine, its, newer, older):
        return True
    # The number in a name, `Route 53`, is none.
    if any(newer.kinds.get(key) == NAME for key in mine) or not newer.claim.marks & CHANGED:
        return False
    its -= newer.topic
    return numbers(mine, newer) == numbers(its, older) == 1 and count_the_same(mine, its, newer, older)


def _specific(text: Features) -> frozenset[str]:
    """What is done, where it says more than that something is somewhere or is used."""
    return text.claim.deeds - GENERAL_DEEDS - OF_CHANGE


def _other_deed(newer: Features, older: Features) -> bool:
    """Whether one tells of one deed and the other of another: built, reviewed."""
    new, old = _specific(newer), _specific(older)
    return bool(new and old and new.isdisjoint(old))


def _of_user(text: Features) -> bool:
    return text.claim.theme == _USER


def _denied(pair: _Pair) -> bool:
    """It denies what the older one says, or says what that one denies."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    if (newer.denials > 0) == (older.denials > 0) and not _eased(newer, older):
        return False
    shared = shared - newer.related.get("since", NONE) - older.related.get("since", NONE)
    if not shared or not _denies_what_is_said(newer, older) or not any_subject(newer, older, much=False):
        return False
    if pair.competing():
        return False
    if newer.claim.marks & MARKED:
        enough = 5 * len(shared) >= 3 * min(len(newer.topic), len(older.topic)) and 2 * len(shared) >= len(
            older.topic
        )
        return enough and (len(shared) > 1 or not shared <= GENERIC)
    mine, its = newer.topic - older.topic, older.topic - newer.topic
    if (_of_user(newer) and _of_user(older) and not mine) or _says_nothing_else(newer, older):
        return True
    return (
        4 * len(shared) >= 3 * min(len(newer.topic), len(older.topic))
        and not (mine and its)
        and len(shared) > 1
    )


def _denied_outright(pair: _Pair) -> bool:
    """Denied, and hardly anything of the older one is left aside."""
    if not _denied(pair):
        return False
    newer, older, shared = pair.newer, pair.older, pair.shared
    return _says_nothing_else(newer, older) or 3 * len(shared) >= 2 * len(older.topic)


def _says_nothing_else(newer: Features, older: Features) -> bool:
    """Whether a denial is of the words of the older one alone: `no X on Fridays` of `X on Fridays, until noon`."""
    return newer.denials > older.denials and len(newer.heavy) > 1 and newer.heavy <= older.heavy


def _eased(newer: Features, older: Features) -> bool:
    """Whether one obliges to what the other leaves open."""
    if (newer.modality ^ older.modality) & OPTIONAL:
        return True
    return bool(newer.modality & OBLIGED and older.modality & PERMITTED and not newer.modality & PERMITTED)


def _denies_what_is_said(newer: Features, older: Features) -> bool:
    """Whether what the one denies is in the other at all."""
    for one, other in ((newer, older), (older, newer)):
        denied = (one.denied & one.topic or one.denied) - _FINE
        if denied and denied.isdisjoint(other.heavy):
            return False
    return True


def _said_anew(pair: _Pair) -> bool:
    """The same thing is spoken of, it is so only now, and nothing shows that another side of it is meant."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    if not _may_have_changed(pair):
        return False
    new, telling = newer.claim, shared - GENERIC
    if _exchanged(newer, older) and not _other_deed(newer, older):
        return True
    if newer.denials != older.denials:
        return False
    if _of_user(newer) and _of_user(older):
        return 3 * len(telling) >= len(older.topic)
    said = new.marks & NOW or new.arrived or new.replaced
    return bool(said and telling) and new.theme == older.claim.theme and _one_measure(newer, older)


def _one_measure(newer: Features, older: Features) -> bool:
    """Whether both have something of their own to say, and do not measure in different units: one its size, one its age."""
    mine, its = newer.topic - older.topic, older.topic - newer.topic
    if not mine or not its:
        return False
    new = {
        newer.kinds[key]
        for key in mine - newer.related.get("since", NONE)
        if newer.kinds.get(key) in QUANTITIES
    }
    old = {older.kinds[key] for key in its if older.kinds.get(key) in QUANTITIES}
    return not (new and old and new.isdisjoint(old))


def _elsewhere(pair: _Pair) -> bool:
    """The same thing is in another place, or made with something else, and that is all in which the two differ."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    new, old = newer.claim, older.claim
    if new.theme != old.theme or new.theme <= GENERIC or newer.denials != older.denials or new.marks & ALSO:
        return False
    mine, its = newer.heavy - older.heavy, older.heavy - newer.heavy
    if not 0 < len(mine) < 4 or not 0 < len(its) < 3 or not new.deeds | old.deeds <= GENERAL_DEEDS:
        return False
    slot = any(
        any(mine <= newer.related.get(side, NONE) for side in sides)
        and any(its <= older.related.get(side, NONE) for side in sides)
        for sides in _SLOTS
    )
    return slot and shared >= new.theme and not pair.competing()


def _changed_somehow(pair: _Pair) -> bool:
    """It tells of a change, and of much of what the older one speaks of."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    marks = newer.claim.marks
    # `Y rather than X` is advice like any other: it ends what names X, and that is another rule.
    new = bool(marks & (NOW | CHANGED | CORRECTED | NO_LONGER)) or bool(
        marks & INSTEAD and not newer.claim.replaced
    )
    if not new or marks & ALSO:
        return False
    half = newer.claim.theme == older.claim.theme and 2 * len(shared) >= len(older.topic)
    if not half and not shared & newer.claim.spoken - GENERIC:
        return False
    much = (
        half or len(shared) > 1 or (2 * len(shared) >= len(older.topic) and one_theme(newer, older, shared))
    )
    return much and not pair.competing()


def _another_of_its_kind(pair: _Pair) -> bool:
    """Most of the older one is said again, with another thing of one kind."""
    newer, older, shared = pair.newer, pair.older, pair.shared
    if 3 * len(shared) < 2 * (len(older.topic) - 1) or not shared - GENERIC or newer.denials != older.denials:
        return False
    if not any(kin(x, y) for x in newer.topic - older.topic for y in older.topic - newer.topic):
        return False
    return any_subject(newer, older, much=True) and not pair.competing()


def _a_name_is_over(pair: _Pair) -> bool:
    """Something is over that has a name, and the older one names it."""
    newer, older = pair.newer, pair.older
    named = any(_telling(key, newer, older) for phrase in newer.claim.ended for key in phrase & older.heavy)
    return named and not pair.competing()


_Rule = Callable[[_Pair], bool]
_CERTAIN: tuple[tuple[str, _Rule], ...] = (
    ("denied in its own words", _denied_alone),
    ("the same sentence with another value", _same_sentence_word_for_word),
    ("another taste", _other_taste),
    ("named as over", _named_end_in_full),
    ("another version", _another_version_of_the_same),
    ("another quantity", _another_quantity_of_the_same),
    ("changed", _changed),
    ("denied", _denied_outright),
)
# What is over is over, whatever else was said of it. The others end only what they leave hardly anything of aside: the value.
_LEAVES_ASIDE = frozenset(("denied in its own words", "named as over", "denied"))
# The first of them need no common topic.
_WITHOUT_SHARED = 3
_LIKELY: tuple[tuple[str, _Rule], ...] = (
    ("almost the same sentence with another value", _same_sentence),
    ("almost named as over", _named_end),
    ("almost another version", _another_version),
    ("almost another quantity", _another_quantity),
    ("partly denied", _denied),
    ("said anew", _said_anew),
    ("elsewhere", _elsewhere),
    ("changed somehow", _changed_somehow),
    ("another of its kind", _another_of_its_kind),
    ("a name is over", _a_name_is_over),
)
