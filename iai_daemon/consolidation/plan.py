"""What a pass is, and what goes through it: a portion of records in, a batch of changes out. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from iai_daemon.memory.nights import Addition, Batch, Change, HeldRow, NightStore
from iai_daemon.memory.record import Record

# The version of what a pass and a night expect of one another; a pass of somebody else's may name the one it was written for.
PROTOCOL = 1
# Called in the middle of a long computation; it raises, and nothing of the portion is done, when the night has to stop.
YieldPoint = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Portion:
    """What a pass has read for its next transaction.

    `records` is what the plan is made from, `examined` how many records that settles, `position` where the cursor
    stands once it is applied (None: it stays), `last` whether nothing is left after it, `lifted` as in Batch.
    """

    records: Sequence[Record]
    examined: int
    last: bool
    position: int | None = None
    lifted: Sequence[int] = ()

    @property
    def empty(self) -> bool:
        return not self.examined and self.last


class Pass(Protocol):
    """One kind of work over the memory. `cursor` names its place in the sequence of users' writes; None: it needs none.

    A pass that changes records has a cursor of its own name, or none: what a user takes back is kept under that name.
    One that reads something outside of the store has a method `input` too (see `ReadsOutside`).
    """

    @property
    def name(self) -> str: ...

    @property
    def shares(self) -> bool:
        """Whether it may run while wrappers are open."""
        ...

    @property
    def cursor(self) -> str | None: ...

    @property
    def portion_size(self) -> int:
        """How many records one transaction takes at most, where memory allows it."""
        ...

    def waiting(self, store: NightStore, now: int) -> int:
        """About how many records it would examine now, for progress."""
        ...

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        """The next portion, of at most `limit` records to examine; `taken_back`: also what a user has undone, because a
        person asks for it again."""
        ...

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        """What to do with this portion: the same for the same arguments, and without looking anywhere else.

        What takes longer than fifty milliseconds calls `yield_point` on the way, as often as that.
        """
        ...


@runtime_checkable
class ReadsOutside(Protocol):
    """A pass that also works on what is not in the store, such as files."""

    name: str

    def input(self, store: NightStore, now: int) -> str:
        """The state of what it reads, in a short text: there is work when it is another than the note `input` of the pass,
        which the last batch over that state writes; no note is as an empty one. Cheap: the daemon asks for it at every tick
        in which a night may run.
        """
        ...


def change_id(pass_name: str, effect: str, record: int, *because: int | str) -> str:
    """Sixteen hex digits that are the same for the same change for the same reasons, in any process."""
    deciding = json.dumps([pass_name, effect, record, *because], ensure_ascii=True).encode()
    return hashlib.sha256(deciding).hexdigest()[:16]


def planned_again(rows: Sequence[HeldRow]) -> Batch:
    """A batch of what was planned before and had to wait."""
    changes = [row.planned for row in rows if isinstance(row.planned, Change)]
    additions = [row.planned for row in rows if isinstance(row.planned, Addition)]
    return Batch(changes, additions=additions)
