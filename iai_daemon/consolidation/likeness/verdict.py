"""Whether two texts say the same, judged by their words. Pure; asked about the pairs that the engines beside this file find."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from iai_daemon.consolidation.likeness.claims import claims_alike, has_figures
from iai_daemon.consolidation.likeness.portions import Compared
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.record import Record
from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.features import Features, at_hand
from iai_daemon.wording.similarity import similarity

# Joined is what agrees in every value and shares so much of its words; what shares less, or lacks something, is related.
_SAME = 0.82
_RELATED = 0.6
_CROPPED_TO = 5


class Verdict(StrEnum):
    """What two texts are to each other."""

    SAME = "same"
    RELATED = "related"
    APART = "apart"


def verdict(text: str, another: str) -> Verdict:
    """Symmetric. Texts that name nothing (`ok`, `done`) are never the same, unless they are so word for word."""
    if plain(text) == plain(another):
        return Verdict.SAME
    one, other = at_hand(text), at_hand(another)
    alike = similarity(one, other)
    if alike >= _SAME and one.heavy and disagreement(one, other) is None and claims_alike(one, other):
        return Verdict.SAME
    return Verdict.RELATED if alike >= _RELATED else Verdict.APART


def plain(text: str) -> str:
    """The text without what is not said: outer and repeated spaces, and the full stop at the end."""
    return " ".join(text.split()).removesuffix(".")


def essence(said: Features) -> frozenset[str]:
    """What a text is about: the beginnings of its words, because words that begin alike may agree, and its figures."""
    return frozenset(term if has_figures(term) else term[:_CROPPED_TO] for term in said.heavy)


def figures(said: Features) -> str:
    """The numbers, versions, times and dates in a text: two that differ in them are never the same."""
    return " ".join(sorted(filter(has_figures, said.heavy)))


def judged(portion: Compared, yield_point: YieldPoint) -> Iterator[tuple[Record, Record, Verdict]]:
    """Every pair of the portion once, the record that is examined first: the same, or only related. `deduplicate` joins the
    ones; the others are left to be linked."""
    seen: set[frozenset[int]] = set()
    for record in portion.records:
        for other in portion.near.get(record.id, ()):
            yield_point()
            pair = frozenset((record.id, other.id))
            if len(pair) == 2 and pair not in seen:
                seen.add(pair)
                said = verdict(record.content, other.content)
                if said is not Verdict.APART:
                    yield record, other, said
