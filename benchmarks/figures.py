"""The one shape of everything that is measured: a figure, what it is put against, and whether it is what was promised. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

SCHEMA = 1
# So many digits are kept of what is measured; the others are chance.
_DIGITS = 4


class Kind(StrEnum):
    """A ratio is of two things measured by turns on the same machine; what is absolute holds for that machine alone."""

    RATIO = "ratio"
    ABSOLUTE = "absolute"


class Better(StrEnum):
    """Which way is good."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: the median of its rounds. `ours` and `theirs` are the medians of the two that a ratio is of, in `measured_in`.

    `thorough` figures are left out by quick runs; `needs` names what must be installed or given for it.
    """

    name: str
    value: float
    unit: str
    kind: Kind
    better: Better = Better.LOWER
    goal: float | None = None
    rounds: tuple[float, ...] = ()
    against: str = ""
    ours: float | None = None
    theirs: float | None = None
    measured_in: str = ""
    needs: str = ""
    thorough: bool = False

    @property
    def met(self) -> bool | None:
        """None where nothing is promised."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better is Better.LOWER else self.value >= self.goal

    @property
    def spread(self) -> tuple[float, float]:
        """The lower and the upper quartile of the rounds."""
        if len(self.rounds) < 2:
            return self.value, self.value
        low, _, high = statistics.quantiles(self.rounds, n=4, method="inclusive")
        return low, high


def ratio(
    name: str, ours: Sequence[float], theirs: Sequence[float], unit: str, against: str, **more: Any
) -> Figure:
    """Ours in theirs, round by round, so that a slow moment of the machine meets both; the value is the median of that."""
    rounds = tuple(one / other for one, other in zip(ours, theirs, strict=True))
    medians = {"ours": statistics.median(ours), "theirs": statistics.median(theirs), "measured_in": unit}
    return Figure(
        name=name, value=statistics.median(rounds), unit="×", kind=Kind.RATIO, rounds=rounds,
        against=against, **medians, **more,
    )  # fmt: skip


def absolute(name: str, rounds: Sequence[float], unit: str, **more: Any) -> Figure:
    """What each round gave; the value is their median."""
    value = statistics.median(rounds)
    return Figure(name=name, value=value, unit=unit, kind=Kind.ABSOLUTE, rounds=tuple(rounds), **more)


def constant(name: str, value: float, unit: str = "", **more: Any) -> Figure:
    """What comes out the same however often it is measured."""
    return absolute(name, [value], unit, **more)


@dataclass(frozen=True, slots=True)
class Absent:
    """What could not be measured here, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that one bench has found, where and when."""

    bench: str
    about: str
    figures: Sequence[Figure]
    absent: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    at: str = ""
    version: str = ""
    commit: str | None = None
    quick: bool = False
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """One object of plain values, numbers cut to what is worth keeping."""
        told: dict[str, Any] = _cut({"schema": SCHEMA, **asdict(self)})
        return told


def from_json(told: Mapping[str, Any]) -> Result:
    """What `as_json` gave. Raises ValueError for another schema."""
    if told.get("schema") != SCHEMA:
        raise ValueError(f"results of schema {told.get('schema')}, and {SCHEMA} is read here")
    fields = {name: value for name, value in told.items() if name != "schema"}
    figures = tuple(
        Figure(
            **{**each, "kind": Kind(each["kind"]), "better": Better(each["better"]), "rounds": tuple(each["rounds"])}
        )
        for each in fields["figures"]
    )  # fmt: skip
    return Result(**{**fields, "figures": figures})


def _cut(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value)))) if value else 0.0
    if isinstance(value, Mapping):
        return {name: _cut(each) for name, each in value.items()}
    return [_cut(each) for each in value] if isinstance(value, list | tuple) else value
