"""In which order search results come. Pure; the stores find, this ranks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import combinations

from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Hit, Query
from iai_daemon.memory.trust import may_end, trust

# The most frequent English words that tell nothing about what is asked for.
_STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be been before being but by can could did do does doing
    for from had has have having he her here him his how i if in into is it its just me my no nor not of off
    on once only or our out over own she should so some such than that the their them then there these they
    this those to too under until up us very was we were what when where which while who whom why will with
    would you your s t d m ll re ve don
    """.split()  # noqa: SIM905 -- a hundred quoted words would fill two screens
)
_MOST_WORDS = 64
_ASCII_WORD = re.compile("[a-z0-9]+")
# Words that begin alike are forms of one.
_CROPPED_TO = 5


def _beginnings(words: Iterable[str]) -> frozenset[str]:
    """What words begin with; what has a figure in it, `box11`, is like nothing else."""
    return frozenset(word if any(map(str.isdigit, word)) else word[:_CROPPED_TO] for word in words)


# What is done with a thing is said in many ways: two texts may answer the same question without sharing these.
_DOING = _beginnings(
    """
    use used uses run runs keep kept keeps store stored write writes written read reads live lives need needs
    want wants like likes prefer prefers make makes made handle handles send sends sent set get gets put hold holds
    """.split()  # noqa: SIM905 -- as above
)

Key = tuple[str, str, str]


def words_of(text: str) -> list[str]:
    """The words that a query is made of, without those that tell nothing (unless there are no others).

    A word holds letters, digits and marks of any alphabet and nothing else, so no search engine's syntax is ever in it.
    """
    if text.isascii():
        found = _ASCII_WORD.findall(text.lower())
    else:
        found = (
            "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in text).lower().split()
        )
    words = list(dict.fromkeys(found))
    telling = [word for word in words if word not in _STOP_WORDS]
    return (telling or words)[:_MOST_WORDS]


def answers(record: Record, query: Query, now: int) -> bool:
    """Whether a record is one that the question is about: it holds at the time in question, or the past counts as well."""
    if record.forgotten_at is not None or (query.scopes and record.scope not in query.scopes):
        return False
    if query.as_of is None:
        expired = record.expires_at is not None and record.expires_at <= now
        return query.include_superseded or (record.current and not expired)
    ends = [at for at in (record.valid_to, record.expires_at) if at is not None]
    return record.valid_from <= query.as_of and all(at > query.as_of for at in ends)


def rank(
    found: Sequence[tuple[Record, float]],
    newest: Mapping[Key, Record],
    after: Sequence[tuple[int, Record]],
    limit: int,
    *,
    asked: Sequence[str] = (),
    past: Set[int] = frozenset(),
) -> list[Hit]:
    """The hits, best first.

    `found` are records with their scores (greater is better, above 0); `newest` is for each key among them the record that
    holds at the time in question; `after` is what has come after those found, or says something against them: the id of one
    of them, and the later record. Both come before the older ones, with at least their score, also when their own words did
    not match. `past`: the ids of those found that only lead to what came after them. Ties go to what is trusted most, then to
    the newest.
    """
    ranking = _Ranking(found)
    for one, later in sorted(after, key=lambda pair: ranking.records[pair[0]].age):
        ranking.put_before(later, one)
    for record in list(ranking.records.values()):
        holder = newest.get(record.key) if record.key else None
        if holder is not None:
            ranking.put_before(holder, record.id)
    kept = ranking.in_order(record for record in ranking.records.values() if record.id not in past)[:limit]
    for older, newer in _told_anew(kept, asked):
        ranking.put_before(newer, older.id)
    scores = ranking.scores
    best = max((scores[record.id] for record in kept), default=1.0)
    return [Hit(record, scores[record.id] / best) for record in ranking.in_order(kept)]


class _Ranking:
    """Records with their scores, and which of them something has come after."""

    def __init__(self, found: Sequence[tuple[Record, float]]) -> None:
        self.scores = {record.id: score for record, score in found}
        self.records = {record.id: record for record, _ in found}
        self._outdated: set[int] = set()

    def put_before(self, later: Record, one: int) -> None:
        """The later record comes before this one, with at least its score."""
        self.records.setdefault(later.id, later)
        self.scores[later.id] = max(self.scores[one], self.scores.get(later.id, 0.0))
        if later.id != one:
            self._outdated.add(one)

    def in_order(self, records: Iterable[Record]) -> list[Record]:
        """The best first."""
        return sorted(records, key=self._place)

    def _place(self, record: Record) -> tuple[float, bool, float, int, int]:
        outdated = record.id in self._outdated
        return -self.scores[record.id], outdated, -trust(record), -record.valid_from, -record.id


def _told_anew(records: Iterable[Record], asked: Sequence[str]) -> Iterator[tuple[Record, Record]]:
    """Pairs that answer a question in the same words and share half of all theirs, the older one first: of those it is not
    the shorter one that comes first, but the newer."""
    wanted = _beginnings(asked) - _DOING
    said = [(record, _beginnings(words_of(record.content))) for record in records]
    for one, other in combinations(sorted(said, key=lambda each: each[0].age), 2):
        (older, old), (newer, new) = one, other
        answered = wanted & old
        if (
            older.scope == newer.scope
            and older.subject == newer.subject
            and answered
            and answered <= new
            and may_end(newer, older)
        ):
            shared = len(old & new)
            if shared > 1 and 2 * shared >= min(len(old), len(new)):
                yield older, newer
