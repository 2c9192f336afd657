"""Results that nobody has measured."""

from __future__ import annotations

from typing import Any

from benchmarks.figures import Better, Figure, Kind, Result


def figure(value: float, name: str = "a call", **changes: Any) -> Figure:
    """A ratio that came out the same in every round."""
    fields: dict[str, Any] = {
        "name": name, "value": value, "unit": "×", "kind": Kind.RATIO, "better": Better.LOWER,
        "rounds": (value,) * 3, "against": "nothing", "ours": value, "theirs": 1.0, "measured_in": "s",
    }  # fmt: skip
    return Figure(**{**fields, **changes})


def higher(value: float) -> Figure:
    """One of which more is better."""
    return figure(value, "a rate", better=Better.HIGHER)


def result(*figures: Figure, bench: str = "wrapper", **changes: Any) -> Result:
    return Result(bench=bench, about="Made up.", figures=figures, **changes)
