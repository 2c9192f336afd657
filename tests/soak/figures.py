"""What was measured, made into lines of a table: least, median, most, and whether it grows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

# Fewer days than this say nothing about growth.
FEWEST_DAYS = 3


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment, in seconds since the beginning. `life`: the how many-th daemon it was."""

    at: float
    life: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is looked at. `scale`: what it is divided by for the table; `bound`: how much it may grow, in the same unit;
    None: it may. `most`: how large it may ever be."""

    name: str
    unit: str
    scale: float = 1.0
    bound: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    measure: Measure
    least: float
    middle: float
    most: float
    drift: float | None

    @property
    def verdict(self) -> str:
        if self.measure.most is not None and self.most > self.measure.most:
            return f"TOO MUCH (most {self.measure.most:g})"
        if self.measure.bound is None:
            return "-"
        if self.drift is None:
            return "too short to say"
        return "flat" if self.drift <= self.measure.bound else f"GROWS (most {self.measure.bound:g})"

    @property
    def is_fine(self) -> bool:
        return not self.verdict[:2].isupper()


def row_of(measure: Measure, samples: Sequence[Sample], day: float) -> Row | None:
    """None where nothing was seen of it. `day`: the seconds after which the same happens again."""
    seen = [each for each in samples if measure.name in each.values]
    if not seen:
        return None
    values = [each.values[measure.name] / measure.scale for each in seen]
    return Row(measure, min(values), median(values), max(values), _drift(measure, seen, day))


def _drift(measure: Measure, seen: Sequence[Sample], day: float) -> float | None:
    """The growth within the life that grew most, or from the first life to the last one where that is more."""
    lives = [
        floors(
            [(each.at, each.values[measure.name] / measure.scale) for each in seen if each.life == life], day
        )
        for life in sorted({each.life for each in seen})
    ]
    grown = [found for life in lives if (found := growth(life)) is not None]
    middles = [median(life) for life in lives if len(life) >= FEWEST_DAYS]
    if len(middles) > 1:
        grown.append(middles[-1] - middles[0])
    return max(grown, default=None)


def floors(points: Sequence[tuple[float, float]], day: float) -> list[float]:
    """The least of each whole day after the first one and the first fifth, which warm up: what is left when all that comes and
    goes has gone. So one time of the day is compared with the same of another."""
    if not points:
        return []
    begin, end = points[0][0], points[-1][0]
    since = begin + max(day, (end - begin) / 5)
    found: dict[int, list[float]] = {}
    for at, value in points:
        if at >= since:
            found.setdefault(int((at - since) / day), []).append(value)
    whole = int((end - since) / day + 0.1)
    return [min(values) for number, values in sorted(found.items()) if number < whole]


def growth(values: Sequence[float]) -> float | None:
    """The median of the last third less that of the first; None where there are too few to say."""
    if len(values) < FEWEST_DAYS:
        return None
    third = len(values) // 3
    return median(values[-third:]) - median(values[:third])


def table(rows: Sequence[Row]) -> list[str]:
    """For people."""
    lines = [f"{'':<28}{'min':>10}{'median':>10}{'max':>10}{'drift':>10}  verdict"]
    for row in rows:
        told = f"{row.measure.name} ({row.measure.unit})" if row.measure.unit else row.measure.name
        drift = "-" if row.drift is None else f"{row.drift:+,.1f}"
        lines.append(
            f"{told:<28}{row.least:>10,.1f}{row.middle:>10,.1f}{row.most:>10,.1f}{drift:>10}  {row.verdict}"
        )
    return lines
