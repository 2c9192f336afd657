"""How a worker came to its end without a report, in words, and what the next night learns from it. Pure.

The parent writes it down, the next worker reads it: the daemon may be another one by then, or none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from iai_daemon.consolidation import hindrances
from iai_daemon.memory.nights import Hindrance


class Cause(StrEnum):
    """Who or what ended it."""

    MEMORY = "memory"
    YIELD = "yield"
    CANCEL = "cancel"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Death:
    """One worker's end.

    `night` and `pass_name`: what it had told to be at work on, if anything; `settled`: whether that pass had got anything
    done, `portion`: how many records it took at a time. `words` says what happened, `yield_ms` how long after it was asked
    to give way.
    """

    cause: Cause
    words: str
    night: int | None = None
    pass_name: str | None = None
    settled: bool = False
    portion: int | None = None
    yield_ms: int | None = None

    @property
    def ours(self) -> bool:
        """Whether we ended it ourselves, because it had not given way in time."""
        return self.cause in {Cause.YIELD, Cause.CANCEL}

    def say(self) -> str:
        """What happened and where."""
        return f"{self.words} in the pass {self.pass_name}" if self.pass_name else self.words

    @property
    def remedy(self) -> str:
        """What mends it, for who does not want to wait for the nights to find out by themselves."""
        if self.cause is Cause.MEMORY:
            return "close what needs much memory, or set consolidation.memory_limit lower; the next night takes less at a time"
        return "the next night takes less at a time; `iai-daemon nights list` and the log tell more"

    def hinders(self, before: Hindrance | None, now: int) -> Hindrance | None:
        """What stands between the pass and its next attempt from now on (milliseconds since the epoch)."""
        if not self.ours:
            smaller = None if self.portion is None else max(1, self.portion // 2)
            return hindrances.failed(before, self.words, now, portion=smaller)
        if self.settled:
            return hindrances.settled(before, whole=False)
        return hindrances.deferred(before, now) if self.cause is Cause.YIELD else before

    def to_bytes(self) -> bytes:
        """As it is written down."""
        return json.dumps(asdict(self)).encode() + b"\n"


def from_bytes(data: bytes) -> Death | None:
    """What `to_bytes` wrote; None for anything else."""
    try:
        fields = json.loads(data)
        death = Death(**{**fields, "cause": Cause(fields["cause"])})
    except (ValueError, TypeError, KeyError):
        return None
    whole = isinstance(death.words, str) and isinstance(death.pass_name, str | None)
    whole = whole and all(
        isinstance(each, int | None) for each in (death.night, death.portion, death.yield_ms)
    )
    return death if whole else None
