"""What a record says against others, read from their words. Pure. It loads what is known of words, so whoever needs it imports
it when there is something to compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Contradiction
from iai_daemon.memory.trust import may_end
from iai_daemon.wording.corrections import correction
from iai_daemon.wording.features import at_hand
from iai_daemon.wording.signs import MARKED

# So many texts are kept at hand by the beginnings of their words; so much of a text is looked at.
_KEPT, _KEPT_CHARACTERS = 1024, 2000
_BEGINNING = 4


def contradiction(newer: Record, older: Record) -> Contradiction | None:
    """What the words of `newer` say against `older`; None where both may hold, or where their keys decide."""
    if not _comparable(newer, older):
        return None
    evidence = correction(at_hand(newer.content), at_hand(older.content))
    if evidence is None:
        return None
    outranked = not may_end(newer, older)
    return Contradiction(
        older.id, newer.id, evidence.rule, evidence.words, evidence.certain, outranked=outranked
    )


def contradictions(
    record: Record, others: Iterable[Record], yield_point: Callable[[], None] = lambda: None
) -> Iterator[Contradiction]:
    """What a record says against others that are older, and what newer ones say against it."""
    for other in others:
        yield_point()
        newer, older = (record, other) if other.age < record.age else (other, record)
        if _worth_reading(newer, older) and (found := contradiction(newer, older)) is not None:
            yield found


def tells_of_change(record: Record) -> bool:
    """Whether its words say that something is no longer, or only now, as they say. Others end only what they share many words
    with."""
    return bool(at_hand(record.content).claim.marks & MARKED)


def _worth_reading(newer: Record, older: Record) -> bool:
    """Whether the one may end the other, as far as is known without reading both, which takes ten times as long."""
    mine, its = _beginnings(newer.content), _beginnings(older.content)
    return 3 * len(mine & its) > min(len(mine), len(its)) or tells_of_change(newer)


@lru_cache(maxsize=_KEPT)
def _beginnings(text: str) -> frozenset[str]:
    """Of its words without those that every text has, so that most forms of one word are the same."""
    return frozenset(word[:_BEGINNING] for word in words_of(text[:_KEPT_CHARACTERS]))


def _comparable(newer: Record, older: Record) -> bool:
    """What a pass made says nothing against anybody; of two subjects neither speaks of the other; where both have the whole
    key, it decides."""
    if newer.made_by is not None or older.made_by is not None or newer.scope != older.scope:
        return False
    if newer.subject is not None and older.subject is not None:
        return newer.subject == older.subject and (newer.key is None or older.key is None)
    return newer.subject is None or older.subject is None or newer.subject == older.subject
