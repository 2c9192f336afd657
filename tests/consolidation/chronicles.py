"""Chronicles: what users do in days and seasons, with real words, before real passes look at it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as some

from tests.consolidation.evening import remember
from tests.consolidation.lives import World
from tests.fakes import FakeClock

HOUR = 3600
# After so long unused, what is contradicted is archived.
SEASON = 100 * 24 * HOUR

SAID = (
    "Invoices are written in Lexware.",
    "Our invoices are written in Lexware",
    "Invoices moved from Lexware to Odoo.",
    "We left Odoo: invoices are in SAP under fi/ar.",
    "The bot lints every push with jshint.",
    "We dropped jshint; the bot runs oxlint on every push now.",
)


@dataclass(frozen=True)
class Fact:
    """A user tells what a port is: of a moment so many minutes before the evening, to be kept so many minutes or for good."""

    service: int
    port: int
    ago: int
    kept: int | None


@dataclass(frozen=True)
class Words:
    """A user says one of SAID, of a moment so many minutes before the evening."""

    which: int
    ago: int


@dataclass(frozen=True)
class Leaves:
    """A user forgets a memory, or brings it back."""

    which: int
    back: bool


@dataclass(frozen=True)
class Uses:
    """An agent is given a memory."""

    which: int


Event = Fact | Words | Leaves | Uses


@dataclass(frozen=True)
class Evening:
    """What happened that day, how long after the last one it is, and whether its night is taken back."""

    events: tuple[Event, ...]
    after: int
    undone: bool = False


# Several evenings back: what is told late is older than what has been told before.
ago = some.sampled_from((1, 2, 3, 59, 61, 62, 63, 121, 122, 181, 190))
facts = some.builds(
    Fact, some.integers(0, 1), some.integers(0, 2), ago, some.sampled_from((None, None, 1, 30, 500))
)
words = some.builds(Words, some.integers(0, len(SAID) - 1), ago)
leaves = some.builds(Leaves, some.integers(0, 9), some.booleans())
uses = some.builds(Uses, some.integers(0, 9))
chronicles = some.lists(
    some.builds(
        Evening,
        some.lists(some.one_of(facts, facts, words, words, leaves, uses), min_size=1, max_size=5).map(tuple),
        some.sampled_from((HOUR, HOUR, SEASON)),
        some.booleans(),
    ),
    min_size=1,
    max_size=4,
)


def happens(it: World, event: Event, clock: FakeClock) -> None:
    """Right now. What is about a memory that is not there yet does not happen."""
    if isinstance(event, Fact):
        told = clock.wall - 60 * event.ago
        remember(
            it.stores,
            f"service {event.service} listens on port {8000 + event.port}",
            told,
            subject=f"service {event.service}",
            attribute="port",
            expires_at=None if event.kept is None else told + 60 * event.kept,
        )
    elif isinstance(event, Words):
        remember(it.stores, SAID[event.which], clock.wall - 60 * event.ago)
    elif records := list(it.stores.memory.export()):
        record, now = records[event.which % len(records)].id, clock.now().milliseconds
        if isinstance(event, Uses):
            it.stores.memory.note_use([record], now)
        elif event.back:
            it.stores.memory.restore(record, now)
        else:
            it.stores.memory.forget(record, now)
