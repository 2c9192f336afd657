"""Why two records belong together, in words. Pure; used by the pass `associate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from iai_daemon.consolidation.likeness.topics import Tie, mark, telling, told
from iai_daemon.consolidation.likeness.verdict import plain
from iai_daemon.consolidation.plan import change_id
from iai_daemon.memory.nights import Link, LinkKind
from iai_daemon.memory.record import Record
from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.features import at_hand
from iai_daemon.wording.similarity import similarity

ASSOCIATE, RELATED = "associate", "related"
_NAMED = 3
# What has less in common never differs in one thing alone.
_WORTH_ASKING, _ALIKE = 0.4, 0.75


def link(record: Record, other: Record, tie: Tie) -> Link:
    """The two as one link, whichever of them is asked about."""
    one, two = sorted((record, other), key=lambda each: each.id)
    name = change_id(ASSOCIATE, RELATED, one.id, two.id)
    return Link(name, one.id, two.id, LinkKind.RELATED, tie.weight, _reason(one, two, tie))


def _reason(one: Record, other: Record, tie: Tie) -> str:
    """`both speak of postgres, backup`; of what hardly differs in what it does."""
    if plain(one.content) == plain(other.content):
        return "both say the same"
    left, right = at_hand(one.content), at_hand(other.content)
    if tie.weight >= _WORTH_ASKING and similarity(left, right) >= _ALIKE:
        differing = disagreement(left, right)
        return "almost the same" if differing is None else f"almost the same, but {differing}"
    if one.subject is not None and one.subject == other.subject:
        return f"both are about {one.subject}"
    return f"both speak of {', '.join(words(one, tie.shared[:_NAMED]))}"


def words(record: Record, marks: Sequence[int]) -> list[str]:
    """The words of a record that have these marks, as it writes them and in its order."""
    written: dict[int, str] = {}
    for term, word in _written(record):
        if mark(term) in marks:
            written.setdefault(mark(term), word)
    return list(dict.fromkeys(written.values()))


def _written(record: Record) -> Iterator[tuple[str, str]]:
    """Each term that tells, and the word that it is written as."""
    said = at_hand(told(record))
    known = telling(said)
    for term, place in zip(said.terms, said.places, strict=True):
        if term in known:
            token = said.tokens[place]
            yield term, token.raw if term in said.kinds or token.raw.isupper() else token.low
