"""How strong a memory is: from its age, from when and how often it was used, and from what is said against it. Pure.

The activation of a memory is that of ACT-R's base level: each use leaves a trace that fades as the square root of time (Anderson
and Schooler, Reflections of the environment in memory, 1991), the older uses taken as spread evenly (Petrov, Computationally
efficient approximation of the base-level learning equation in ACT-R, 2006). What nobody asks for may still be true, so age and
disuse alone leave every memory FLOOR; what is said against it halves what it has.
"""

from __future__ import annotations

import math

from iai_daemon.memory.record import Record
from iai_daemon.memory.store import Traces

_DAY = 86_400_000
# So long, in milliseconds, a memory that something is said against may be unused before it counts as WEAK.
UNUSED_FOR = 90 * _DAY
FLOOR = 0.3
WEAK = 0.25
_CONTRADICTED = 0.5
# With this unit of time a trace has faded to 2/7 after 90 days: half of what is left then is WEAK.
_UNIT = 8 * _DAY


def strength(record: Record, traces: Traces, now: int) -> float:
    """In (0, 1], 1 for what was just told; `now` in milliseconds since the epoch. At most WEAK is only what has been both
    contradicted and unused for UNUSED_FOR."""
    told = record.created_at
    used = max(told, traces.last_at or told)
    plain = _from_activation(_activation(now - used, now - told, traces.times))
    if traces.contradicted_at is None:
        return plain
    # Uses before it was contradicted tell that it was once asked for, not that it is true.
    quiet = _activation(now - max(used, traces.contradicted_at), 0, 0)
    return min(plain, _CONTRADICTED * _from_activation(quiet))


def _from_activation(activation: float) -> float:
    return FLOOR + (1 - FLOOR) * min(1.0, activation)


def _activation(since_used: int, since_told: int, times: int) -> float:
    """The last trace, and beside it `times` older ones spread over the memory's life; a stamp in the future is now."""
    last = math.sqrt(1 + max(0, since_used) / _UNIT)
    first = math.sqrt(1 + max(0, since_told) / _UNIT)
    return 1 / last + 2 * times / (last + max(first, last))
