"""Lives of a memory: random days, and after each a night of random passes; shared by what must hold whatever happened."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as some

from iai_daemon.consolidation.journal import undo_night
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.plan import Pass
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, describe
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.busy import Fades, Gists, Joins
from tests.consolidation.evening import NOW, export, night
from tests.fakes import LONG, NOON, FakeClock

KINDS = (Gists, Joins, Fades)


@dataclass(frozen=True)
class Told:
    """What a user tells on a day: perhaps a fact that replaces another, perhaps something that is past already."""

    subject: int | None
    past: bool


@dataclass(frozen=True)
class Day:
    """What was told, and the passes of the night after it."""

    told: tuple[Told, ...]
    passes: tuple[Pass, ...]


tellings = some.builds(Told, some.none() | some.integers(0, 2), some.booleans())
passes = some.lists(
    some.one_of(
        some.just(Expire()),
        some.just(Supersede()),
        *(some.builds(each, some.integers(0, 2)) for each in KINDS),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda each: each.name,
)
days = some.builds(Day, some.lists(tellings, min_size=1, max_size=8).map(tuple), passes.map(tuple))
evenings = some.lists(days, min_size=1, max_size=4)

# Each example is a store of its own on the disk.
as_often_as_time_allows = settings(max_examples=1000 if LONG else 25)


@dataclass
class World:
    """A memory, what users told it, and the exports before each of its nights."""

    home: Home
    stores: Stores
    lines: dict[int, str] = field(default_factory=dict)
    before: dict[int, str] = field(default_factory=dict)

    def live(self, days: Sequence[Day]) -> list[int]:
        """Day after day, night after night; the nights that had anything to do."""
        nights = []
        for number, day in enumerate(days):
            clock = FakeClock(wall=NOON + 3600 * number)
            for told in day.told:
                self._tell(told, clock.now().milliseconds)
            before = export(self.stores)
            report = night(self.stores, chosen=day.passes, clock=clock)
            if report.id is not None:
                nights.append(report.id)
                self.before[report.id] = before
        return nights

    def _tell(self, told: Told, now: int) -> None:
        subject = None if told.subject is None else f"service {told.subject}"
        draft = Draft(
            f"note {len(self.lines)}",
            subject=subject,
            attribute=subject and "port",
            created_at=now / 1000 - 60,
            expires_at=now / 1000 - 1 if told.past else None,
        )
        record = self.stores.memory.add(draft, now)
        self.lines[record.id] = json.dumps(describe(record))

    def undo(self, number: int, *, force: bool) -> None:
        undo_night(self.stores.nights, self.home, number, NOW + 10**9, force=force)

    def as_told(self) -> str:
        """What an export would be had there never been a night."""
        return "\n".join(self.lines[each] for each in sorted(self.lines))


@contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        with closing(open_stores(home)) as stores:
            yield World(home, stores)
