"""Round numbers for the side of a drawing. Pure."""

from __future__ import annotations

import math

# Steps at most.
_MOST = 4


def ticks(highest: float) -> list[int]:
    """Whole numbers from 0 in a few round steps, the last not below `highest`."""
    step = _step(highest / _MOST)
    return [step * place for place in range(math.ceil(max(highest, 1) / step) + 1)]


def _step(least: float) -> int:
    """1, 2 or 5 times a power of ten, not below `least`."""
    if least <= 1:
        return 1
    power: int = 10 ** math.floor(math.log10(least))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= least)
