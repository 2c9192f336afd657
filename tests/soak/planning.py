"""What happens on one day of the soak, and when: made from a seed alone, so that the same seed does the same. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

# Guests by their number: every fifth has a server that does not leave by itself, the last two have the memory server.
STUBBORN_EVERY, WITH_MEMORY = 5, 2
# What one night has to bear; one after the other.
TROUBLES = (
    "nothing",
    "kill the worker",
    "kill an agent",
    "come back",
    "kill the daemon",
    "delete the socket",
    "delete the lock",
)
AGENTS = ("does", "fails", "hangs", "forks", "does")
# In parts of a day: until when guests come, until when they work, and when all are gone.
COME, WORK, GONE = 0.15, 0.5, 0.56


@dataclass(frozen=True, slots=True, order=True)
class Deed:
    """Something that is done, `at` seconds after the day began, to the guest of this number or with this text."""

    at: float
    what: str
    who: int = -1
    text: str = ""


def day(seed: int, number: int, *, guests: int, seconds: float) -> list[Deed]:
    """The deeds of the how many-th day, in their order."""
    chance = random.Random(f"{seed} {number}")  # noqa: S311 -- no secret
    deeds = [deed for who in range(guests) for deed in _guest(chance, who, seconds)]
    deeds += _house(chance, number, seconds)
    deeds += _night(chance, number, guests, seconds)
    return sorted(deeds)


def _guest(chance: random.Random, who: int, seconds: float) -> Iterator[Deed]:
    """One guest's day: comes, works, perhaps freezes or dies in between, and is gone in the evening."""
    yield Deed(chance.uniform(0, COME) * seconds, "come", who)
    for _ in range(chance.randrange(1, 4)):
        yield Deed(chance.uniform(COME, WORK) * seconds, "work", who)
    fate = chance.random()
    at = chance.uniform(COME, WORK - 0.1)
    if fate < 0.15:
        yield Deed(at * seconds, "freeze", who)
        yield Deed((at + chance.uniform(0.02, 0.1)) * seconds, "thaw", who)
    elif fate < 0.3:
        yield Deed(at * seconds, "kill", who)
        if fate < 0.25:
            yield Deed((at + 0.05) * seconds, "come", who)
    yield Deed(chance.uniform(WORK, GONE) * seconds, "kill" if chance.random() < 0.2 else "leave", who)


def _house(chance: random.Random, number: int, seconds: float) -> Iterator[Deed]:
    """What users and others do meanwhile."""
    for at in (0.2, 0.4):
        yield Deed(at * seconds, "tell", text=f"{number}-{at}")
    for each in range(chance.randrange(2, 5)):
        at = chance.uniform(COME, GONE)
        yield Deed(at * seconds, "recall", who=each, text=chance.choice(AGENTS))
    yield Deed(chance.uniform(COME, WORK) * seconds, "leave hostile heartbeats")
    yield Deed(GONE * seconds, "sweep hostile heartbeats")
    if number % 3 == 2:
        yield Deed(0.3 * seconds, "undo the last night")


def _night(chance: random.Random, number: int, guests: int, seconds: float) -> Iterator[Deed]:
    """Everybody is away; one trouble at most."""
    trouble = TROUBLES[number % len(TROUBLES)]
    at = chance.uniform(GONE + 0.1, 0.85)
    if trouble == "come back":
        who = chance.randrange(guests)
        yield Deed(at * seconds, "come", who)
        yield Deed((at + 0.05) * seconds, "work", who)
        yield Deed((at + 0.1) * seconds, "leave", who)
    elif trouble != "nothing":
        yield Deed(at * seconds, trouble)
