"""What a pass that was deferred, or that failed, has to wait for. Pure; the runner asks after every pass.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import replace

from iai_daemon.memory.nights import QUARANTINE, Hindrance

MINUTE = 60_000
DAY = 86_400_000
# So often may somebody come back before a pass has settled anything, and it is tried again at once.
_FREE = 2
# The longest that a pass waits for its next try, however often that happens.
_LONGEST = 6 * 60 * MINUTE


def deferred(before: Hindrance | None, now: int) -> Hindrance:
    """Somebody came back before the pass had settled anything: after the third time running it waits a minute, then two,
    four …"""
    known = before or Hindrance()
    times = known.deferrals + 1
    not_before = None
    if times > _FREE:
        not_before = now + min(MINUTE * 2 ** min(times - _FREE - 1, 16), _LONGEST)
    reason = f"somebody came back {times} times running before it had settled anything"
    return replace(known, deferrals=times, not_before=not_before, reason=reason)


def failed(before: Hindrance | None, cause: str, now: int, *, portion: int | None = None) -> Hindrance:
    """It broke: free to try again the next night, but after three times running not before a day has passed.

    `portion`: how many records it may take at a time from now on, because it had too little memory for more.
    """
    known = before or Hindrance()
    failures = known.failures + 1
    return replace(
        known,
        failures=failures,
        not_before=now + DAY if failures >= QUARANTINE else None,
        portion=portion or known.portion,
        reason=cause,
    )


def settled(before: Hindrance | None, *, whole: bool) -> Hindrance | None:
    """It got on, and if `whole` to its end: what stood in its way is over, but for the portion that its memory allows."""
    if before is None:
        return None
    failures = 0 if whole else before.failures
    if not failures and before.portion is None:
        return None
    return Hindrance(failures=failures, portion=before.portion, reason=before.reason)


def say(hindrance: Hindrance, now: int) -> str | None:
    """Why it may not run at this time, in words; None: it may."""
    if hindrance.not_before is None or hindrance.not_before <= now:
        return None
    kind = "quarantined" if hindrance.failures >= QUARANTINE else "deferred"
    return f"{kind}: {hindrance.reason}"
