"""In which order search results come. Pure; the stores find, this ranks."""

from __future__ import annotations

import re
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
    would you your
    """.split()  # noqa: SIM905 -- a hundred quoted words would fill two screens
)
_WORD = re.compile(r"\w+")
_MOST_WORDS = 64

Key = tuple[str, str, str]


def words_of(text: str) -> list[str]:
    """The words that a query is made of, without those that tell nothing (unless there are no others)."""
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(text)))
    telling = [word for word in words if word not in _STOP_WORDS]
    return (telling or words)[:_MOST_WORDS]


def holds(record: Record, now: int, *, as_of: int | None, include_superseded: bool) -> bool:
    """Whether a record answers a question: one about now, about a moment (milliseconds), or about all there ever was."""
    if record.forgotten_at is not None:
        return False
    if as_of is not None:
        end = min(at for at in (record.valid_to, record.expires_at, as_of + 1) if at is not None)
        return record.valid_from <= as_of < end
    if include_superseded:
        return True
    return record.current and (record.expires_at is None or record.expires_at > now)


def rank(found: Sequence[tuple[Record, float]], newest: Mapping[Key, Record], limit: int) -> list[Hit]:
    """The hits, best first.

    `found` are records with their scores (greater is better, above 0), `newest` for each key among them the record that
    holds: it comes before the older ones of its key, with at least their score, also when its own words did not match.
    Ties go to the newest.
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
