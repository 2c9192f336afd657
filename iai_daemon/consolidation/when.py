"""When a night is due. Pure; every time is in seconds on one clock, which the caller chooses."""

from __future__ import annotations


def due_in(
    now: float,
    interval: float,
    last_began: float | None,
    first_started: float,
    last_asked: float | None = None,
) -> float:
    """In how many seconds the next night's time comes; 0 when it has come. Whether there is work is asked then, not here.

    The arguments are those of `due_at`.
    """
    return max(0.0, due_at(now, interval, last_began, first_started, last_asked) - now)


def due_at(
    now: float,
    interval: float,
    last_began: float | None,
    first_started: float,
    last_asked: float | None = None,
) -> float:
    """When the next night's time comes, or came.

    `last_began`: when the last completed night began that was due, in any daemon; `last_asked`: the same of one that a
    person asked for. The store's first start is due at once, then every `interval` after the last; a night that
    somebody asked for less than half an interval before that time, or after it, stands in for it. A night that was cut
    short does not count, so it goes on at once. A time in the future, left by a clock that was set back, never blocks.
    """
    due = min(first_started, now)
    if last_began is not None and last_began <= now:
        due = last_began + interval
    if last_asked is not None and due - interval / 2 < last_asked <= now:
        due = last_asked + interval
    return due
