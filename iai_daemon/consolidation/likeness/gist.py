"""What some records say together, in their own sentences. Pure; used by the pass `summarize`.

The sentences are those that have most in common with all others (Erkan and Radev, LexRank, 2004, in its simple form: degree), each
as far as the ones before it have not said it yet (Carbonell and Goldstein, The use of MMR, 1998).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.consolidation.likeness.relating import words
from iai_daemon.consolidation.likeness.topics import mark, telling, told
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.record import Record
from iai_daemon.wording.features import at_hand
from iai_daemon.wording.tokens import NAME

MOST_CHARACTERS = 600
_MOST, _LEAST = 4, 2
_LONGEST = 240
_OF_EACH = 6
_CENTRAL = 0.6
_ABOUT = 3
# A sentence with fewer words that tell is one of courtesy.
_TELLING, _WHOLE = 2, 5
# Who says so much of what is said already says it again.
_AGAIN = 0.8

# Where a sentence ends; not behind a single letter, as `e.g.` ends with one, too.
_END = re.compile(r"(?<=[.!?])(?<!\b\w\.)\s+|\n+")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """`place`: where it stands in what the records say, from the oldest on."""

    place: int
    text: str
    terms: frozenset[str]


def gist(records: Sequence[Record], yield_point: YieldPoint) -> str | None:
    """`About postgres, backup: …`: two to four sentences within MOST_CHARACTERS, the same for the same records; None: they say too
    little."""
    oldest_first = sorted(records, key=lambda each: (each.created_at, each.id))
    about = f"About {', '.join(_about(oldest_first))}:"
    sentences: list[_Sentence] = []
    for record in oldest_first:
        yield_point()
        for text in _sentences(record):
            sentences.append(_Sentence(len(sentences), text, telling(at_hand(text))))
    chosen = _chosen(sentences, MOST_CHARACTERS - len(about), yield_point)
    if len(chosen) < _LEAST:
        return None
    return " ".join([about, *(each.text for each in sorted(chosen, key=lambda each: each.place))])


def _about(records: Sequence[Record]) -> list[str]:
    """The words that most of them have in common, as they write them, names last; if they have none, those of the first."""
    counts: Counter[str] = Counter()
    order: dict[str, int] = {}
    names: set[str] = set()
    for record in records:
        said = at_hand(told(record))
        terms = telling(said)
        counts.update(terms)
        names |= {term for term in terms if said.kinds.get(term) == NAME}
        for term in said.terms:
            order.setdefault(term, len(order))
    best = sorted(counts, key=lambda term: (-counts[term], order[term]))
    shared = [term for term in best if 2 * counts[term] >= len(records)] or best
    few = sorted(shared[:_ABOUT], key=lambda term: term in names)
    return [_as_written(term, records) for term in few]


def _as_written(term: str, records: Sequence[Record]) -> str:
    """As one of them writes it that has it within a sentence, where names are known by their capital."""
    forms = [form for record in records for form in words(record, [mark(term)])]
    return max(forms, key=lambda form: (form != form.lower(), forms.count(form)))


def _sentences(record: Record) -> list[str]:
    """Its first ones; of a fact that does not say what it is about, with what it was said to be about."""
    found = [" ".join(part.split()) for part in _END.split(record.content) if part and part.strip()]
    subject = record.subject or ""
    if telling(at_hand(subject)) <= telling(at_hand(record.content)):
        subject = ""
    return [_ended(f"{subject}: {part}" if subject else part) for part in found[:_OF_EACH]]


def _ended(text: str) -> str:
    if len(text) > _LONGEST:
        return text[:_LONGEST].rsplit(" ", 1)[0] + " …"
    return text if text.endswith((".", "!", "?", "…", ":", ";")) else f"{text}."


def _chosen(sentences: Sequence[_Sentence], room: int, yield_point: YieldPoint) -> list[_Sentence]:
    short = [each for each in sentences if len(each.terms) >= _TELLING]
    whole = [each for each in short if len(each.text.split()) >= _WHOLE]
    worthy = whole if len(whole) >= _LEAST else short
    likeness = _likenesses(worthy, yield_point)
    central = {
        each.place: sum(likeness[each.place, other.place] for other in worthy if other is not each)
        for each in worthy
    }
    greatest = max(central.values(), default=0.0) or 1.0
    chosen: list[_Sentence] = []
    while len(chosen) < _MOST:
        yield_point()
        said = {
            each.place: max((likeness[each.place, other.place] for other in chosen), default=0.0)
            for each in worthy
        }
        fitting = [each for each in worthy if said[each.place] < _AGAIN and len(each.text) < room]

        def worth(each: _Sentence) -> tuple[float, int]:
            return _CENTRAL * central[each.place] / greatest - (1 - _CENTRAL) * said[each.place], -each.place  # noqa: B023

        best = max(fitting, key=worth, default=None)
        if best is None or (len(chosen) >= _LEAST and worth(best)[0] <= 0):
            break
        chosen.append(best)
        room -= len(best.text) + 1
    return chosen


def _likenesses(sentences: Sequence[_Sentence], yield_point: YieldPoint) -> Mapping[tuple[int, int], float]:
    """The cosine of each two, by their places."""
    found: dict[tuple[int, int], float] = {}
    for one in sentences:
        yield_point()
        for other in sentences:
            both = len(one.terms & other.terms)
            lengths = (len(one.terms) * len(other.terms)) ** 0.5
            found[one.place, other.place] = both / lengths if lengths else 0.0
    return found
