"""In which order search results come. Pure; the stores find, this ranks."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Hit

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

Key = tuple[str, str, str]


def words_of(text: str) -> list[str]:
    """The words that a query is made of, without those that tell nothing (unless there are no others).

    A word holds letters, digits and marks of any alphabet and nothing else, so no search engine's syntax is ever in it.
    """
    spaced = "".join(character if unicodedata.category(character)[0] in "LMN" else " " for character in text)
    words = list(dict.fromkeys(spaced.lower().split()))
    telling = [word for word in words if word not in _STOP_WORDS]
    return (telling or words)[:_MOST_WORDS]


def rank(found: Sequence[tuple[Record, float]], newest: Mapping[Key, Record], limit: int) -> list[Hit]:
    """The hits, best first.

    `found` are records with their scores (greater is better, above 0), `newest` for each key among them the record that
    holds at the time in question: it comes before the older ones of its key, with at least their score, also when its
    own words did not match. Ties go to the newest.
    """
    scores = {record.id: score for record, score in found}
    records = {record.id: record for record, _ in found}
    for record, score in found:
        holder = newest.get(record.key) if record.key else None
        if holder is not None:
            records[holder.id] = holder
            scores[holder.id] = max(score, scores.get(holder.id, 0.0))
    best = max(scores.values(), default=1.0)

    def order(record: Record) -> tuple[float, bool, int, int]:
        holder = newest.get(record.key) if record.key else None
        outdated = holder is not None and holder.id != record.id
        return (-scores[record.id], outdated, -record.valid_from, -record.id)

    ordered = sorted(records.values(), key=order)[:limit]
    return [Hit(record, scores[record.id] / best) for record in ordered]
