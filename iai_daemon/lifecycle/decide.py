"""What the lifecycle should be now, and why. Pure: `decide` looks at values, the daemon carries the decision out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.states import TRANSITIONS, Event, State
from iai_daemon.presence.classify import Presence, Status
from iai_daemon.units import NEVER, say_duration

# So many hosts are counted instead of named.
_TOO_MANY_TO_NAME = 3


class Allowed(StrEnum):
    """Which passes may run."""

    NONE = "none"
    SHARED = "shared"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish of the user, to sleep or to stay awake, and how long it holds; on the awake clock."""

    state: State
    at: float
    until: float = NEVER


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the lifecycle stands. Every time is on the awake clock, in seconds.

    `last_active` is the last activity that anybody was seen to do, `absent_since` when the last wrapper went (None: one
    is present), `slept_at` when the user last asked to sleep: what was done until then no longer counts. `rule` and
    `reason` tell why the state is what it is.
    """

    state: State
    since: float
    last_active: float
    absent_since: float | None = None
    asked: Asked | None = None
    slept_at: float | None = None
    rule: str = "started"
    reason: str = "just started"


@dataclass(frozen=True, slots=True)
class Overdue:
    """Whether a night has been waited for too long, and in how many seconds it will have been (never: nothing is due)."""

    now: bool = False
    in_seconds: float = NEVER


@dataclass(frozen=True, slots=True)
class Decision:
    """The standing from now on, what may run, and when (awake clock) a threshold falls due without any event."""

    standing: Standing
    changed: bool
    allowed: Allowed
    next_at: float
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the rules ask of a presence, here and on other hosts; times on the awake clock.

    `open` counts the present wrappers of people, `arrived` those of them that have settled or acted, `legacy` those that
    are too old to report activity, `agents` the present wrappers below agents that we woke. `latest` is the last
    activity of people, a settling counted as one, `upcoming` when one of all these will settle or be stale. `latest_on` is the
    other host where that was, `hosts` those of the wrappers that are open elsewhere, one for each.
    """

    open: int
    arrived: int
    legacy: int
    agents: int
    latest: float
    by_settling: bool
    upcoming: tuple[float, ...]
    latest_on: str | None = None
    hosts: tuple[str, ...] = ()
    out_of_sight: bool = False


def decide(
    standing: Standing, presence: Presence, now: float, settings: Lifecycle, overdue: Overdue
) -> Decision:
    """The decision at `now` (awake clock). The same arguments always give the same decision."""
    seen = _look(presence, now, -NEVER if standing.slept_at is None else standing.slept_at)
    remembered = _remember(standing, seen, now)
    event = _event(remembered, seen, now, settings, overdue)
    state = TRANSITIONS[standing.state][event]
    changed = state is not standing.state
    # Nobody being there does not lead to BEDTIME, it only does not end it: what led there stays the rule.
    stays = event is Event.NOBODY and state is State.BEDTIME
    rule = standing.rule if stays else event.rule
    reason = _reason(event, remembered, seen, now, settings) + (f", {rule} before" if stays else "")
    decided = replace(
        remembered,
        state=state,
        since=now if changed else standing.since,
        rule=rule,
        reason=reason + _held_up(seen),
    )
    due = (at for at in _thresholds(decided, seen, now, settings, overdue) if at > now)
    return Decision(
        decided,
        changed,
        _allowed(decided, seen, now, settings),
        min(due, default=NEVER),
        _figures(event, decided, presence, now, settings),
    )


def _look(presence: Presence, now: float, slept_at: float) -> _Seen:
    # An agent that we woke is not the user's return: it moves no timer, and nobody is here because of it.
    everybody = (*presence.present, *presence.elsewhere)
    people = [wrapper for wrapper in everybody if not wrapper.headless]
    active_at, active_on = _last((wrapper.active_at, wrapper.host) for wrapper in people)
    # A client starts twins that only probe and end within a second: one that has not settled wakes nobody.
    settled_at, settled_on = _last(
        (wrapper.settled_at, wrapper.host) for wrapper in people if wrapper.has_settled(now)
    )
    latest = min(max(active_at, settled_at), now)
    return _Seen(
        open=len(people),
        arrived=sum(wrapper.has_settled(now) or wrapper.active_at is not None for wrapper in people),
        legacy=sum(wrapper.beat is not None and not wrapper.beat.reports_activity for wrapper in people),
        agents=len(everybody) - len(people),
        latest=latest if latest > slept_at else -NEVER,
        by_settling=settled_at > active_at,
        upcoming=tuple(at for wrapper in everybody for at in (wrapper.settled_at, wrapper.stale_at)),
        latest_on=settled_on if settled_at > active_at else active_on,
        hosts=tuple(wrapper.host for wrapper in people if wrapper.host is not None),
        out_of_sight=presence.out_of_sight,
    )


def _last(times: Iterable[tuple[float | None, str | None]]) -> tuple[float, str | None]:
    """The latest of these times, and the other host where it was; what happened here comes first."""
    known = [(at, host is None, host) for at, host in times if at is not None]
    at, _, host = max(known, key=lambda each: each[:2], default=(-NEVER, True, None))
    return at, host


def _remember(standing: Standing, seen: _Seen, now: float) -> Standing:
    """Carry on what the rules need of the past: the last activity, since when nobody is here, a wish that still holds.

    A wrapper too old to report activity counts as active for as long as it is present.
    """
    asked = standing.asked
    if asked and (now >= asked.until or (asked.state is State.BEDTIME and seen.latest > asked.at)):
        asked = None
    since = now if standing.absent_since is None else standing.absent_since
    return replace(
        standing,
        last_active=now if seen.legacy else max(standing.last_active, seen.latest),
        absent_since=None if seen.open else since,
        asked=asked,
    )


def _event(standing: Standing, seen: _Seen, now: float, settings: Lifecycle, overdue: Overdue) -> Event:
    """Which event of the glossary holds: the first that applies, the user's own wish before all others."""
    if standing.asked:
        return Event.WAKE_ASKED if standing.asked.state is State.WAKE else Event.SLEEP_ASKED
    # A threshold is compared as _thresholds adds it up: a difference rounds otherwise, and would wait for a tick.
    if _is_absent(standing, now, settings):
        return Event.ABSENT
    if standing.absent_since is not None:
        return Event.OVERDUE if overdue.now else Event.NOBODY
    # Whoever has left keeps WAKE up for as long as if he were still here, but does not bring it back.
    by_memory = standing.state is State.WAKE and not seen.legacy
    if now < (standing.last_active if by_memory else seen.latest) + settings.idle_after:
        newest = seen.legacy or seen.latest == standing.last_active
        return Event.SETTLED if seen.by_settling and newest else Event.ACTIVE
    if not seen.arrived:
        return Event.NOBODY
    if overdue.now:
        return Event.OVERDUE
    if seen.legacy:
        return Event.ACTIVE
    return Event.INACTIVE if now >= standing.last_active + settings.inactive_for else Event.IDLE


def _allowed(standing: Standing, seen: _Seen, now: float, settings: Lifecycle) -> Allowed:
    """An agent at work holds every pass up, and so does who may be coming, and whoever cannot be seen; only an absence leaves the
    store alone."""
    if standing.state is State.WAKE or seen.agents or seen.open > seen.arrived or seen.out_of_sight:
        return Allowed.NONE
    absent = standing.rule == Event.ABSENT.rule and _is_absent(standing, now, settings)
    return Allowed.ALL if absent else Allowed.SHARED


def _is_absent(standing: Standing, now: float, settings: Lifecycle) -> bool:
    return standing.absent_since is not None and now >= standing.absent_since + settings.absent_for


def _thresholds(
    standing: Standing, seen: _Seen, now: float, settings: Lifecycle, overdue: Overdue
) -> Iterator[float]:
    """Every time at which another event may hold although nothing happens; past ones included."""
    yield from seen.upcoming
    yield seen.latest + settings.idle_after
    if not seen.legacy:  # whose being there moves the last activity along
        yield standing.last_active + settings.idle_after
        yield standing.last_active + settings.inactive_for
    yield now + overdue.in_seconds
    if standing.absent_since is not None:
        yield standing.absent_since + settings.absent_for
    if standing.asked:
        yield standing.asked.until


def _reason(event: Event, standing: Standing, seen: _Seen, now: float, settings: Lifecycle) -> str:
    wrappers = _wrappers(seen)
    where = f" on {seen.latest_on}" if seen.latest_on and seen.latest == standing.last_active else ""
    quiet = now - standing.last_active
    match event:
        case Event.ACTIVE if seen.legacy and now >= seen.latest + settings.idle_after:
            reason = f"{wrappers}, {seen.legacy} too old to report activity, so being open counts"
        case Event.ACTIVE:
            reason = f"someone was active {say_duration(quiet)} ago{where}, {wrappers}"
        case Event.SETTLED:
            reason = f"a new wrapper has settled{where}, {wrappers}"
        case Event.IDLE | Event.INACTIVE:
            limit = settings.idle_after if event is Event.IDLE else settings.inactive_for
            # Who was active a moment ago may have left, or gone to sleep on purpose.
            quietly = (
                f"nobody active for {_against(quiet, limit)}" if quiet >= limit else "nobody here is active"
            )
            reason = f"{quietly}, {wrappers}"
        case Event.OVERDUE:
            reason = f"no night has completed for {say_duration(settings.overdue_after)} and something is due, {wrappers}"
        case Event.NOBODY if seen.open:
            reason = f"a wrapper has just started, {wrappers}"
        case Event.NOBODY:
            reason = "no wrapper is open"
        case Event.ABSENT:
            gone = now - (now if standing.absent_since is None else standing.absent_since)
            reason = f"no wrapper open for {_against(gone, settings.absent_for)}"
        case _:
            reason = _reason_of_wish(standing.asked, now)
    return reason


def _wrappers(seen: _Seen) -> str:
    """How many are open, and how many of those on which other hosts."""
    said = f"{seen.open} wrapper{'' if seen.open == 1 else 's'} open"
    if not seen.hosts:
        return said
    names = list(dict.fromkeys(seen.hosts))
    where = " and ".join(names) if len(names) < _TOO_MANY_TO_NAME else f"{len(names)} other hosts"
    if len(seen.hosts) < seen.open:
        return f"{said}, {len(seen.hosts)} of them on {where}"
    return f"{said} on {where}"


def _held_up(seen: _Seen) -> str:
    said = ""
    if seen.agents:
        agents = "an agent that we woke is" if seen.agents == 1 else f"{seen.agents} agents that we woke are"
        said = f", held up while {agents} at work"
    return said + (", no night while other hosts cannot be seen" if seen.out_of_sight else "")


def _against(seconds: float, limit: float) -> str:
    return f"{say_duration(seconds)} (limit {say_duration(limit)})"


def _reason_of_wish(asked: Asked | None, now: float) -> str:
    if asked is None:
        return "asked"
    held = (
        "until someone is active" if asked.until == NEVER else f"for {say_duration(asked.until - now)} more"
    )
    return f"asked to {'stay awake' if asked.state is State.WAKE else 'sleep'} {held}"


def _figures(
    event: Event, standing: Standing, presence: Presence, now: float, settings: Lifecycle
) -> dict[str, float]:
    """The numbers behind the decision: wrappers by status, seconds of quiet or absence, and the limit in force."""
    figures: dict[str, float] = {status.lower(): presence.counts[status] for status in Status}
    figures["quiet_seconds"] = round(now - standing.last_active, 3)
    if presence.elsewhere:
        figures["elsewhere"] = len(presence.elsewhere)
    if standing.absent_since is not None:
        figures["absent_seconds"] = round(now - standing.absent_since, 3)
    limits = {
        Event.IDLE: settings.idle_after,
        Event.INACTIVE: settings.inactive_for,
        Event.ABSENT: settings.absent_for,
        Event.OVERDUE: settings.overdue_after,
    }
    if event in limits:
        figures["limit_seconds"] = limits[event]
    return figures
