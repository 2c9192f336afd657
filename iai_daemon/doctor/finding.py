"""What a check finds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is. Only what fails makes the doctor end with 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Mend:
    """What `--fix` may do by itself. `says` is the whole of it, in words; `do` raises IaiError or OSError where it cannot."""

    says: str
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one thing; `name` is a noun of the registry, or a finer one (`store.backup`).

    `remedy` is what mends it, mostly a command; None where nothing has to be mended.
    """

    name: str
    status: Verdict
    seen: str
    remedy: str | None = None
    mend: Mend | None = None


def ok(name: str, seen: str) -> Finding:
    return Finding(name, Verdict.OK, seen)


def warn(name: str, seen: str, remedy: str, mend: Mend | None = None) -> Finding:
    """It works, and will not for ever, or not as well as it could."""
    return Finding(name, Verdict.WARN, seen, remedy, mend)


def fail(name: str, seen: str, remedy: str, mend: Mend | None = None) -> Finding:
    """Something that people rely on does not work."""
    return Finding(name, Verdict.FAIL, seen, remedy, mend)


# So many names in a sentence.
NAMED = 3


def some(said: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = f" and {len(said) - NAMED} more" if len(said) > NAMED else ""
    return "; ".join(said[:NAMED]) + more


class NotChecked(Exception):
    """Raised by a check that cannot be made here; `str()` of it is why, in a few words."""
