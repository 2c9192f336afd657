"""What is fuzzed: one reader of foreign input, examples that it takes, what is made of them, and the law that must hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one input. `kind`: in which way, in few words that many inputs share."""

    accepted: bool
    kind: str


def accepted(kind: str = "taken") -> Verdict:
    return Verdict(True, kind)


def refused(kind: str) -> Verdict:
    return Verdict(False, kind)


@dataclass(frozen=True, slots=True)
class Target:
    """One reader. Every input is a Python literal, so that it can be kept in a file and tried again.

    `law`: what holds whatever is read, in one sentence; `check(subject, given)` raises where it does not. `corpus`: inputs that are
    as they should be. `broken`: a subject of the same kind that breaks the law, by which the tests see that the inputs find it.
    `seconds`: how much of the processor's time one input may take.
    """

    name: str
    law: str
    corpus: Sequence[Any]
    inputs: SearchStrategy[Any]
    check: Callable[[Any, Any], Verdict]
    subject: Any
    broken: Any
    seconds: float = 10.0
