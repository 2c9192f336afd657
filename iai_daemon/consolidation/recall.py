"""The recall self-check: before a record is merged away or archived for good, is what it said still found?"""

from __future__ import annotations

import math

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.consolidation.report import Checked
from iai_daemon.memory.nights import Change
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import MemoryStore, Query

# As many results as a user looks at (recall@10), to a question of as many words as a user types.
_LOOKED_AT = 10
_WORDS = 12
# The first losses of a pass are all checked, of those after them ever fewer: of ten thousand a hundred, of as many as a night
# may make never more than search has time for. Once one of them does harm, all that follow.
_FIRST = 8


class RecallCheck:
    """Asks the memory for each lost record in that record's own words, before and after it is lost.

    What is merged must then be found as its successor where it was found itself before, and by the words of that alone, since
    they are to say the same; what is archived must be found by a question that asks for the past too. What is corrected leads
    to its correction, whatever that is worded like: nothing is asked of it. Made for one pass of a night; `now` in
    milliseconds since the epoch. In a large memory a question takes a while, so `yield_point` is called before each;
    `seconds` is how long they have taken; `checked`, what came of it.
    """

    def __init__(self, memory: MemoryStore, now: int, yield_point: YieldPoint = lambda: None) -> None:
        self._memory = memory
        self._now = now
        self._yield_point = yield_point
        self._did_harm = False
        self._seen = 0
        self._asks = False
        self._was_found = False
        self.seconds = 0.0
        self.checked = Checked()

    def before(self, change: Change) -> None:
        """Called when `change` is about to be made."""
        self._asks = self._was_found = False
        if "superseded_by" in change.sets:
            return
        self._seen += 1
        self._asks = self._did_harm or self._seen <= _FIRST or math.isqrt(self._seen) ** 2 == self._seen
        self._was_found = self._asks and self._finds(change)

    def stands(self, change: Change) -> bool:
        """Whether search lost nothing by `change`, which has just been made."""
        still_found = self._was_found and self._finds(change)
        if self._asks:
            self.checked += Checked(1, int(self._was_found), int(still_found))
        lost = self._was_found and not still_found
        self._did_harm = self._did_harm or lost
        return not lost

    def _finds(self, change: Change) -> bool:
        self._yield_point()
        watch = Stopwatch()
        record = self._memory.get(change.record)
        successor = record.merged_into
        merging = "merged_into" in change.sets
        question = _question(record, past=successor is None and not record.current, own_words=merging)
        hits = self._memory.search(question, self._now)
        self.seconds += watch.seconds()
        return (successor or record.id) in {hit.record.id for hit in hits}


def _question(record: Record, *, past: bool, own_words: bool) -> Query:
    words = " ".join(words_of(record.content)[:_WORDS])
    return Query(words, _LOOKED_AT, (record.scope,), include_superseded=past, own_words=own_words)
