"""From what somebody wants, in his words, to a recall that can be kept. Used by the command line and the memory server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iai_daemon.agenda.planning import first, first_of, planned
from iai_daemon.agenda.recall import CallType, CatchUp, Draft, Overlap, Planned, Policy, Recall
from iai_daemon.agenda.schedule.triggers import (
    Trigger,
    made_at,
    made_cron,
    made_every,
    made_in,
    made_now,
    made_rrule,
    next_after,
)
from iai_daemon.config import Agent
from iai_daemon.errors import BadTrigger, NoSuchAgent, UsageError
from iai_daemon.tables import nearest
from iai_daemon.units import NEVER, parse_duration

MAX_MESSAGE = 20_000
MAX_COMMENT = 2_000
MAX_RETRIES = 20
# What fires once is tried again where nobody says how often; the next firing of the others comes anyway.
_RETRIES = 2
_LONGEST_WAIT = 30 * 86_400_000
_MADE: Mapping[str, tuple[CallType, Callable[[str, str, int], Trigger]]] = {
    "at": (CallType.ONCE, made_at),
    "in": (CallType.ONCE, made_in),
    "every": (CallType.RECURRING, made_every),
    "cron": (CallType.RECURRING, made_cron),
    "rrule": (CallType.RECURRING, made_rrule),
}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class When:
    """When a recall is wanted: exactly one of these is given. `zone`: which local time is meant; `after` is the tools' `in`."""

    zone: str
    at: str | None = None
    after: str | None = None
    every: str | None = None
    cron: str | None = None
    rrule: str | None = None
    now: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is to be carried out; durations as the settings write them. None: as usual."""

    catch_up: str | None = None
    catch_up_window: str | None = None
    overlap: str | None = None
    jitter: str | None = None
    retries: int | None = None
    backoff: str | None = None
    max_defer: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A recall that somebody wants. `agent`: None where there is only one; `until`: a time after which nothing fires any more."""

    message: str
    session_id: str
    when: When
    owner: str
    agent: str | None = None
    manner: Manner = Manner()
    until: str | None = None
    comment: str = ""
    made_by: str = "user"


def draft_of(wish: Wish, agents: Mapping[str, Agent], config: Path, now: int) -> tuple[Draft, Planned]:
    """The recall and its first firing. Raises UsageError (BadTrigger), NoSuchAgent. `config`: the settings' file, to be named."""
    call_type, trigger = trigger_of(wish.when, now)
    draft = Draft(
        session_id=session_id(wish.session_id),
        agent=agent_of(wish.agent, agents, config).name,
        message=message_of(wish.message),
        call_type=call_type,
        trigger=trigger,
        owner=wish.owner,
        made_by=wish.made_by,
        comment=_text(wish.comment, "comment", MAX_COMMENT) if wish.comment.strip() else "",
        policy=policy_of(wish.manner, call_type),
        expires_at=None if wish.until is None else _moment(wish.until, wish.when.zone, now),
    )
    return draft, first(draft, now)


def trigger_of(when: When, now: int) -> tuple[CallType, Trigger]:
    """Raises BadTrigger, and UsageError where not exactly one time is given."""
    texts = {"at": when.at, "in": when.after, "every": when.every, "cron": when.cron, "rrule": when.rrule}
    given = [(name, text) for name, text in texts.items() if text is not None]
    if len(given) + when.now != 1:
        names = [*(name for name, _ in given), *(["now"] if when.now else [])]
        said = "this one has " + " and ".join(names) if names else "this one does not say when"
        raise UsageError(problem=f"A recall has one of at, in, every, cron, rrule and now, and {said}.")
    if when.now:
        return CallType.IMMEDIATE, made_now(when.zone, now)
    ((name, text),) = given
    call_type, make = _MADE[name]
    return call_type, make(text, when.zone, now)


def replanned(recall: Recall, when: When, now: int) -> tuple[Trigger, Planned]:
    """Another plan for a recall, and its first firing. Raises UsageError (BadTrigger)."""
    _, trigger = trigger_of(when, now)
    return trigger, planned(recall, first_of(trigger, recall.expires_at, now))


def agent_of(name: str | None, agents: Mapping[str, Agent], config: Path) -> Agent:
    """The agent of this name, or the only one. Raises NoSuchAgent, UsageError."""
    if not agents:
        raise UsageError(
            problem=f"No agent is defined: say under [agents.NAME] in {config} what is to be started "
            "(`iai-daemon config init` shows an example)."
        )
    if name is None and len(agents) == 1:
        return next(iter(agents.values()))
    if name is None:
        raise UsageError(problem=f"Say which agent is to be woken: there are {', '.join(agents)}.")
    if name not in agents:
        told = name[:64] if name.strip() and name.isprintable() else repr(name[:64])
        raise NoSuchAgent(name=told, nearest=nearest(name, agents))
    return agents[name]


def session_id(text: str) -> str:
    """The id of a session. Raises UsageError for what could be none, or an option of the agent's command."""
    told = text.strip()
    if not told or not told.isprintable() or len(told) > 256 or told.startswith("-"):
        raise UsageError(
            problem="The session must be named by its id, of at most 256 characters on one line, which does not begin with -."
        )
    return told


def message_of(text: str) -> str:
    """What an agent is told. Raises UsageError."""
    return _text(text, "message", MAX_MESSAGE)


def policy_of(manner: Manner, call_type: CallType) -> Policy:
    """Raises UsageError."""
    usual = 0 if call_type is CallType.RECURRING else _RETRIES
    retries = usual if manner.retries is None else manner.retries
    if not 0 <= retries <= MAX_RETRIES:
        raise UsageError(problem=f"retries must be a number from 0 to {MAX_RETRIES}.")
    given = Policy(
        catch_up=None if manner.catch_up is None else CatchUp(manner.catch_up),
        catch_up_window=_duration(manner.catch_up_window, "catch-up-window"),
        overlap=Overlap(manner.overlap or Overlap.SKIP),
        jitter=_duration(manner.jitter, "jitter", _LONGEST_WAIT) or 0,
        retries=retries,
        max_defer=_duration(manner.max_defer, "max-defer"),
    )
    backoff = _duration(manner.backoff, "backoff", _LONGEST_WAIT)
    return given if backoff is None else replace(given, backoff=backoff)


def _duration(text: str | None, name: str, longest: int | None = None) -> int | None:
    """Milliseconds."""
    if text is None:
        return None
    try:
        seconds = parse_duration(text)
    except ValueError as cause:
        raise UsageError(problem=f"{name}: {cause}.") from cause
    if seconds == NEVER or (longest is not None and seconds * 1000 > longest):
        most = "a duration with an end, such as 48h" if longest is None else "at most 30d"
        raise UsageError(problem=f"{name} must be {most}.")
    return round(seconds * 1000)


def _moment(text: str, zone: str, now: int) -> int:
    """The moment that `until` names; it lies in the future, or nothing would fire."""
    try:
        moment = next_after(made_at(text, zone, now), now - 1)
    except BadTrigger as cause:
        raise BadTrigger(problem=f"until: {cause}") from cause
    if moment is None:
        raise BadTrigger(problem="until lies in the past: nothing would ever fire.")
    return moment


def _text(text: str, name: str, longest: int) -> str:
    told = text.strip()
    if not 0 < len(told) <= longest or _NO_TEXT.search(told):
        raise UsageError(
            problem=f"The {name} must be a text of 1 to {longest:,} characters; this one has {len(told):,}"
            + (", and some that no program can be given." if _NO_TEXT.search(told) else ".")
        )
    return told
