"""The recall self-check: before a record is merged away or archived for good, is what it said still found?"""

from __future__ import annotations

from iai_daemon.clock import Stopwatch
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import Change
from iai_daemon.memory.ranking import words_of
from iai_daemon.memory.record import Record
from iai_daemon.memory.store import MemoryStore, Query

# As many results as a user looks at (recall@10), to a question of as many words as a user types.
_LOOKED_AT = 10
_WORDS = 12
# Of a batch so many losses are checked, spread over it; once one of them does harm, all that follow.
_SAMPLE = 8


class RecallCheck:
    """Asks the memory for each lost record in that record's own words, before and after it is lost.

    What is merged or superseded must then be found as its successor where it was found itself before; what is archived
    must be found by a question that asks for the past too. Made for one batch with so many `losses`; `now` in
    milliseconds since the epoch. In a large memory a question takes a while, so `yield_point` is called before each;
    `seconds` is how long they have taken.
    """

    def __init__(
        self, memory: MemoryStore, losses: int, now: int, yield_point: YieldPoint = lambda: None
    ) -> None:
        self._memory = memory
        self._now = now
        self._yield_point = yield_point
        self._every = max(1, losses // _SAMPLE)
        self._seen = 0
        self._was_found = False
        self.seconds = 0.0

    def before(self, change: Change) -> None:
        """Called when `change` is about to be made."""
        self._was_found = self._seen % self._every == 0 and self._finds(change)
        self._seen += 1

    def stands(self, change: Change) -> bool:
        """Whether search lost nothing by `change`, which has just been made."""
        if self._was_found and not self._finds(change):
            self._every = 1
            return False
        return True

    def _finds(self, change: Change) -> bool:
        self._yield_point()
        watch = Stopwatch()
        record = self._memory.get(change.record)
        successor = record.merged_into or record.superseded_by
        question = _question(record, past=successor is None and not record.current)
        hits = self._memory.search(question, self._now)
        self.seconds += watch.seconds()
        return (successor or record.id) in {hit.record.id for hit in hits}


def _question(record: Record, *, past: bool) -> Query:
    words = " ".join(words_of(record.content)[:_WORDS])
    return Query(words, _LOOKED_AT, (record.scope,), include_superseded=past)
