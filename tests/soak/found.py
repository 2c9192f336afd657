"""What a soak is asked for, and what came of it. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.soak.accounting import Account
from tests.soak.figures import Row, table


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the soak shall be. `seconds`: in all; `day`: of one day; `memories`: there before it begins, more than the page caches of
    the daemon hold, which would else grow with the store."""

    seconds: float
    guests: int
    seed: int
    day: float = 24.0
    memories: int = 400


@dataclass(slots=True)
class Found:
    """What came of it. `wrong`: what must never be, with the moment when it was first seen."""

    seed: int
    seconds: float = 0.0
    days: int = 0
    lives: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    account: Account = field(default_factory=lambda: Account({}, ()))
    wrong: dict[str, float] = field(default_factory=dict)

    @property
    def is_fine(self) -> bool:
        return not self.wrong and not self.account.unexplained and all(row.is_fine for row in self.rows)


def told(found: Found) -> Iterator[str]:
    """The end of it, for people."""
    yield from table(found.rows)
    yield ""
    yield f"{found.seconds:g} s, {found.days} days, {found.lives} lives of the daemon, seed {found.seed}"
    yield "done: " + ", ".join(f"{what} {count}" for what, count in sorted(found.deeds.items()) if count)
    yield "came of it: " + ", ".join(f"{what} {count}" for what, count in found.counts.items())
    yield "in the log, accounted for: " + (
        ", ".join(f"{what} {n}" for what, n in found.account.explained.items()) or "nothing"
    )
    for entry in found.account.unexplained:
        yield f"NOT ACCOUNTED FOR: {json.dumps(entry, ensure_ascii=False)[:600]}"
    for wrong, at in found.wrong.items():
        yield f"WRONG at {at:g} s: {wrong}"
    yield "everything is fine" if found.is_fine else "NOT fine"
