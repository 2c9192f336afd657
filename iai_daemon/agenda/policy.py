"""What is to become of an occurrence whose time has come. Pure: values in, a verdict and its reason out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iai_daemon.agenda.recall import CallType, CatchUp, Occurrence, Overlap, Recall
from iai_daemon.agenda.schedule.triggers import Passed
from iai_daemon.units import say_duration

# What is looked at so many milliseconds after its time was not looked at in time: the daemon was away, or the machine asleep.
LATE = 60_000


class Do(StrEnum):
    """What to do with it. SUPERSEDE: a later occurrence of its recall takes its place."""

    RUN = "run"
    DEFER = "defer"
    MISS = "miss"
    SKIP = "skip"
    SUPERSEDE = "supersede"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do, and why. `until` (milliseconds since the epoch): when it is put off, until then; when it is missed or skipped,
    so is every later one up to then."""

    do: Do
    reason: str = ""
    until: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds where a recall does not say otherwise; durations in milliseconds, None: without end."""

    catch_up: CatchUp = CatchUp.ONCE
    catch_up_window: int | None = 86_400_000
    max_defer: int | None = 21_600_000
    defer: int = 60_000

    def catch_up_of(self, recall: Recall) -> CatchUp:
        return recall.policy.catch_up or self.catch_up

    def oldest(self, recall: Recall, now: int) -> int:
        """What was planned for a time before this is not made up for any more."""
        window = (
            self.catch_up_window if recall.policy.catch_up_window is None else recall.policy.catch_up_window
        )
        return 0 if window is None else now - window

    def has_waited_enough(self, occurrence: Occurrence, recall: Recall, now: int) -> bool:
        limit = self.max_defer if recall.policy.max_defer is None else recall.policy.max_defer
        since = occurrence.scheduled_for if occurrence.seen_at is None else occurrence.seen_at
        return limit is not None and now - since >= limit


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why its agent cannot be woken now, and when it is to be asked again (milliseconds since the epoch; None: as usual)."""

    reason: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What a verdict is made from.

    `passed`: the later firings of its recall whose time has come, too; `running_since`: its recall's run before it still runs;
    `obstacle`: its session or its agent cannot take it now.
    """

    now: int
    closed: bool = False
    passed: Passed | None = None
    running_since: int | None = None
    obstacle: Obstacle | None = None


def judge(occurrence: Occurrence, recall: Recall, seen: Situation, rules: Rules) -> Verdict:
    """The verdict on an occurrence that is planned and due."""
    if seen.closed:
        return Verdict(Do.CANCEL, f"its session {recall.session_id} was closed")
    if recall.paused_at is not None and not occurrence.extra:
        return Verdict(Do.SKIP, "the recall is paused", seen.now)
    if recall.expires_at is not None and seen.now > recall.expires_at:
        return Verdict(Do.MISS, "the recall has expired", seen.now)
    return _missed(occurrence, recall, seen, rules) or _overlapping(occurrence, recall, seen, rules)


def _missed(occurrence: Occurrence, recall: Recall, seen: Situation, rules: Rules) -> Verdict | None:
    """What the catch-up policy says, where it has a word to say."""
    catch_up = rules.catch_up_of(recall)
    late = occurrence.seen_at is None and seen.now - occurrence.next_try_at > LATE
    if _is_planned(occurrence, recall) and seen.passed is not None and catch_up is not CatchUp.ALL:
        return Verdict(Do.SUPERSEDE, _why(occurrence, seen, late=late) + ", and the next one is due")
    waited = rules.has_waited_enough(occurrence, recall, seen.now)
    if not late and not waited:
        return None
    oldest = rules.oldest(recall, seen.now)
    if catch_up is CatchUp.SKIP or occurrence.scheduled_for < oldest:
        return Verdict(Do.MISS, _why(occurrence, seen, late=late), min(oldest, seen.now))
    return None


def _is_planned(occurrence: Occurrence, recall: Recall) -> bool:
    return recall.call_type is CallType.RECURRING and not occurrence.extra


def _why(occurrence: Occurrence, seen: Situation, *, late: bool) -> str:
    """Why it has not run until now."""
    waited = say_duration((seen.now - occurrence.scheduled_for) / 1000)
    if late:
        return f"nothing ran at its time, {waited} ago"
    if occurrence.deferrals:
        return f"it was put off {occurrence.deferrals} times, since {waited} ago: {occurrence.reason}"
    return f"no agent was free for {waited}"


def _overlapping(occurrence: Occurrence, recall: Recall, seen: Situation, rules: Rules) -> Verdict:
    """What stands in its way, if anything does."""
    if seen.running_since is not None and recall.policy.overlap is not Overlap.ALLOW:
        # What is made up for was due before that run began: it is not that the runs take too long.
        if recall.policy.overlap is Overlap.SKIP and occurrence.scheduled_for > seen.running_since:
            return Verdict(Do.SKIP, "the run before it was still under way")
        return Verdict(Do.DEFER, "the run before it is still under way", seen.now + rules.defer)
    if seen.obstacle is not None:
        until = seen.now + rules.defer if seen.obstacle.until is None else seen.obstacle.until
        return Verdict(Do.DEFER, seen.obstacle.reason, until)
    return Verdict(Do.RUN)
