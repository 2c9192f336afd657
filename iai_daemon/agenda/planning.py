"""When a recall is tried: the firings of its trigger, put off by its jitter, until it expires. Milliseconds throughout."""

from __future__ import annotations

import hashlib

from iai_daemon.agenda.recall import Draft, Planned, Recall
from iai_daemon.agenda.schedule.triggers import Trigger, next_after
from iai_daemon.errors import BadTrigger


def first(draft: Draft, now: int) -> Planned:
    """The first firing of what somebody wants. Raises BadTrigger when there is none."""
    return planned(draft, first_of(draft.trigger, draft.expires_at, now))


def first_of(trigger: Trigger, until: int | None, now: int) -> int:
    """When it fires first: an interval that begins now is not over yet, a single time may be now. Raises BadTrigger."""
    moment = next_after(trigger, now - 1 if trigger.kind == "at" else now)
    if moment is None or (until is not None and moment > until):
        raise BadTrigger(problem="It would never fire: it expires before its first time.")
    return moment


def following(recall: Recall, after: int) -> Planned | None:
    """The first firing later than `after`; None: its plan is at its end."""
    moment = next_after(recall.trigger, after)
    if moment is None or (recall.expires_at is not None and moment > recall.expires_at):
        return None
    return planned(recall, moment)


def planned(recall: Draft | Recall, moment: int) -> Planned:
    """A firing with the moment at which it is tried: the same part of the jitter for the same firing, wherever it is asked."""
    jitter = recall.policy.jitter
    if not jitter:
        return Planned(moment, moment)
    seed = hashlib.blake2b(
        f"{recall.session_id}\0{recall.message}\0{moment}".encode(), digest_size=8
    ).digest()
    return Planned(moment, moment + int.from_bytes(seed) % (jitter + 1))
