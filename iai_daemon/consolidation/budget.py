"""How much a night may lose by inference, and what becomes of the rest of a plan. Pure; the runner asks for every batch."""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.memory.nights import Addition, Batch, Change, Held, Why

# A small memory may lose so many whatever the share that is set.
LEAST = 100


def allowance(share: float, current: int) -> int:
    """How many inferred losses a night may make in a memory with so many current records."""
    return max(LEAST, int(share * current))


def weigh(batch: Batch, left: int) -> Batch:
    """The batch with at most `left` inferred losses; those beyond it, in the order of the plan, are held."""
    made: list[Change] = []
    held: list[Held] = []
    for change in batch.changes:
        if change.inferred and left <= 0:
            held.append(Held(change, Why.BUDGET))
        else:
            made.append(change)
            left -= change.inferred
    return replace(batch, changes=made, held=held)


def propose(batch: Batch) -> Batch:
    """The batch with every change and addition held for a person; vectors change nothing that anybody said."""
    planned: list[Change | Addition] = [*batch.changes, *batch.additions]
    return replace(batch, changes=(), additions=(), held=[Held(each, Why.REVIEW) for each in planned])
