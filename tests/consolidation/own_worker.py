"""A worker with one pass of its own, named by its argument: `python -P own_worker.py tiles`. What no real pass does."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from iai_daemon.consolidation import worker
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.nights import Addition, Batch
from iai_daemon.memory.record import Draft, Record
from tests.consolidation.passes_for_tests import Scripted

# A tile is about as long as a pass may compute without asking; the whole goes on for hours.
_SIDE = 512
_TILES = 1_000_000
# What the hungry pass takes for each record at hand, and the longest text that the verbose one writes.
HUNGER = 14_000_000
_VERBOSE = 400_000_000


def tiles(_records: Sequence[Record], yield_point: YieldPoint) -> Batch:
    """A long computation that asks after every tile."""
    tile = np.ones((_SIDE, _SIDE), dtype=np.float32)
    for _ in range(_TILES):
        tile = tile @ tile / _SIDE
        yield_point()
    return Batch()


def deaf(_records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """The same, and never asks."""
    return tiles(_records, lambda: None)


def hungry(records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """Needs memory for each record that it has at hand."""
    taken = [np.ones(HUNGER, dtype=np.uint8) for _ in records]
    return Batch() if len(taken) == len(records) else Batch(held=())


def verbose(_records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """Adds a record that SQLite has no memory for."""
    draft = Draft("x" * _VERBOSE)
    return Batch(additions=[Addition("verbose", "gist", draft, "it talks much", {})])


def talkative(_records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """Prints, and so do the programs that it runs."""
    sys.stdout.write("not an event\n")
    sys.stdout.flush()
    os.write(1, b"nor this\n")
    return Batch()


def shot(_records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """Somebody kills the process."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Batch()


def crashing(_records: Sequence[Record], _yield_point: YieldPoint) -> Batch:
    """A library breaks down."""
    os.abort()


PLANS: Mapping[str, Callable[[Sequence[Record], YieldPoint], Batch]] = {
    each.__name__: each for each in (tiles, deaf, hungry, verbose, talkative, shot, crashing)
}


def program(name: str, begun: Path | None = None) -> tuple[str, ...]:
    """What `Night` is to run for a worker with this pass, which makes the file `begun` when it begins to plan."""
    return (__file__, name, *([str(begun)] if begun else []))


def main(name: str, begun: str | None = None) -> int:
    def plan(records: Sequence[Record], yield_point: YieldPoint) -> Batch:
        if begun:
            Path(begun).touch()
        return PLANS[name](records, yield_point)

    return worker.main(lambda *_, **__: [Scripted(name, plans=plan)])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
