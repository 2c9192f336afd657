"""When an idle system may dream. Pure; the naps of the daemon and those of dreaming.py follow it."""

from __future__ import annotations


def dream_due_at(idle_since: float, last_dream_ended: float | None, idle_timeout: float) -> float:
    """When the next dream may begin, on the clock of the arguments (seconds).

    `idle_since` is the moment at which idleness was established; after a dream, successful or not, a full
    `idle_timeout` must pass before the next.
    """
    if last_dream_ended is None:
        return idle_since
    return max(idle_since, last_dream_ended + idle_timeout)
