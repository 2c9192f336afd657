"""Passes as somebody else's package may hold them, good and bad: entry points of test_plug_ins.py name them."""

# ruff: noqa: ARG002 -- what the protocol hands over, not all of which these need

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from iai_daemon.passes import (
    Batch,
    Change,
    Home,
    NightStore,
    Outside,
    Portion,
    Record,
    Settings,
    YieldPoint,
    change_id,
)


class Looking:
    """Looks at everything once, and does nothing."""

    name = "looking"
    shares = True
    portion_size = 10

    def __init__(self, settings: Settings, home: Home) -> None:
        self.home = home

    @property
    def cursor(self) -> str | None:
        return self.name

    def waiting(self, store: NightStore, now: int) -> int:
        return store.count_changed_since(store.cursor(self.name))

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Any:
        changed = store.changed_since(store.cursor(self.name), limit)
        position = changed[-1].change if changed else None
        return Portion(changed, len(changed), last=len(changed) < limit, position=position)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        yield_point()
        planned = [self.change(each) for each in portion.records]
        return Batch(
            [each for each in planned if each is not None], cursor=self.cursor, position=portion.position
        )

    def change(self, record: Record) -> Any:
        """What to do with one record."""
        return None


def setting(record: Record, reason: str = "because", **sets: int) -> Change:
    return Change(change_id("x", "set", record.id), "set", record.id, record.revision, reason, dict(sets), {})


class Archiving(Looking):
    name = "archiving"

    def change(self, record: Record) -> Any:
        return setting(record, archived_at=1)


class Alone(Archiving):
    name = "alone"
    shares = False


class WithoutCursor(Looking):
    """The daemon cannot know that it never has anything to do."""

    name = "without-cursor"

    @property
    def cursor(self) -> str | None:
        return None

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Any:
        return Portion((), 0, last=True)


class Raising(Looking):
    name = "raising"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        raise KeyError("port")


class Leaving(Looking):
    name = "leaving"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        sys.exit(3)


class Nonsense(Looking):
    name = "nonsense"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        return [1, 2]


class Unreadable(Looking):
    name = "unreadable"

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Any:
        return None


class Rewriting(Looking):
    name = "rewriting"

    def change(self, record: Record) -> Any:
        return setting(record, content=1)


class Wordless(Looking):
    name = "wordless"

    def change(self, record: Record) -> Any:
        return setting(record, reason=" ", archived_at=1)


class Grasping(Looking):
    """Moves a cursor that is not its own."""

    name = "grasping"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        return Batch(cursor="supersede", position=10**9)


class Dangling(Looking):
    """Names records that nobody has."""

    name = "dangling"

    def change(self, record: Record) -> Any:
        return setting(record, superseded_by=10**6, valid_to=1)


class Selfish(Looking):
    """Lets a record take its own place."""

    name = "selfish"

    def change(self, record: Record) -> Any:
        return setting(record, merged_into=record.id)


class Textual(Looking):
    name = "textual"

    def change(self, record: Record) -> Any:
        return setting(record, archived_at="now")  # type: ignore[arg-type]


class Cancelled(Looking):
    name = "cancelled"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        raise asyncio.CancelledError


class Hoarding(Looking):
    name = "hoarding"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        return Batch(notes={"seen": {"a": 1}})  # type: ignore[dict-item]


class Boasting(Looking):
    name = "boasting"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        return Batch(outside=Outside(changed="many"))  # type: ignore[arg-type]


class Uncounted(Looking):
    name = "uncounted"

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Any:
        return Portion((), "all", last=False)  # type: ignore[arg-type]


class Unknown(Looking):
    """Changes records that nobody has."""

    name = "unknown"

    def change(self, record: Record) -> Any:
        return Change("0" * 16, "set", 10**6, 1, "because", {"archived_at": 1}, {})


class Circling(Looking):
    """Never gets on."""

    name = "circling"

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Any:
        return Portion(store.changed_since(0, 1), 1, last=False)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        return Batch()


class Talking(Looking):
    """Prints, reads what the night is told, and runs programs that print."""

    name = "talking"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        sys.stdout.write(f"not an event: {sys.stdin.read()!r}\n")
        sys.stdout.flush()
        os.write(1, b"nor this\n")
        return super().plan(portion, now, yield_point)


class Deaf(Looking):
    """Computes for hours and never asks."""

    name = "deaf"

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Any:
        (self.home.root / "begun").touch()
        while True:
            pass


class Renamed(Looking):
    name = "another"


class Incomplete:
    name = "incomplete"

    def __init__(self, settings: Settings, home: Home) -> None:
        self.shares = True


class Later(Looking):
    name = "later"
    protocol = 2


def fails_to_start(settings: Settings, home: Home) -> Any:
    raise RuntimeError("no licence")
