"""Round numbers for the side of a drawing. Pure."""

from __future__ import annotations

import math


def ticks(highest: float, most: int = 4) -> list[int]:
    """Whole numbers from 0 in round steps, at most so many steps, the last not below `highest`."""
    step = _step(max(highest, 1) / most)
    return [step * place for place in range(math.ceil(max(highest, 1) / step) + 1)]


def _step(least: float) -> int:
    """1, 2 or 5 times a power of ten, not below `least`."""
    if least <= 1:
        return 1
    power: int = 10 ** math.floor(math.log10(least))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least)
