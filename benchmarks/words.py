"""Figures in words: amounts with their units, goals, whether they are reached, bars. Pure."""

from __future__ import annotations

from benchmarks.figures import Better, Figure

_SCALES = {
    "s": ((60.0, 1 / 60, "min"), (1.0, 1.0, "s"), (1e-3, 1e3, "ms"), (0.0, 1e6, "µs")),
    "B": ((1e6, 1e-6, "MB"), (1e3, 1e-3, "kB"), (0.0, 1.0, "B")),
}
_WIDTH = 20
_PARTS = "▏▎▍▌▋▊▉█"


def number(value: float) -> str:
    """Three digits, thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def amount(value: float, unit: str) -> str:
    """With its unit, in the size that reads well: 0.0123 s is 12.3 ms."""
    for least, times, name in _SCALES.get(unit, ()):
        if abs(value) >= least:
            return f"{number(value * times)} {name}"
    between = "" if unit in ("", "×", "%") else " "
    return f"{number(value)}{between}{unit}"


def goal(figure: Figure) -> str:
    """What is promised, or nothing."""
    if figure.goal is None:
        return ""
    if figure.goal == 0:
        return "none"
    sign = "≤" if figure.better is Better.LOWER else "≥"
    return f"{sign} {amount(figure.goal, figure.unit)}"


def verdict(figure: Figure) -> str:
    """Whether it is reached, or nothing where nothing is promised."""
    return {None: "", True: "reached", False: "not reached"}[figure.met]


def bar(value: float, full: float, width: int = _WIDTH) -> str:
    """A bar of eighths of a character; `full` fills it, and what is more ends with an arrow."""
    if full <= 0 or value <= 0:
        return ""
    if value > full:
        return "█" * (width - 1) + "▶"
    eighths = max(1, round(value / full * width * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_PARTS[rest - 1] if rest else "")
