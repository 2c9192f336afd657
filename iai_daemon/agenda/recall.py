"""The words of the agenda: recalls, their occurrences, the runs of agents, sessions, and what may become of each. Pure.

Every stamp is in milliseconds since the epoch. A recall is a plan, an occurrence one planned firing of it, a run one start of
an agent for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from iai_daemon.agenda.schedule.triggers import Trigger


class CallType(StrEnum):
    """How often a recall fires."""

    ONCE = "once"
    RECURRING = "recurring"
    IMMEDIATE = "immediate"


class Status(StrEnum):
    """Where a recall stands.

    PENDING: it is planned; a session has at most one such recall. RUNNING: its agent is at work, and what comes after is planned
    already. WAITING: planned, too, while the one pending recall of its session is another, made during its run. FIRED and FAILED:
    its plan is at its end; what recurs has fired then, what comes once has failed unless it was done. CANCELLED: somebody wanted
    that, or its only occurrence to be skipped.
    """

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    FIRED = "fired"
    FAILED = "failed"
    CANCELLED = "cancelled"


class State(StrEnum):
    """Where an occurrence stands. MISSED: nothing ran, against the plan; SKIPPED: nothing ran, as the plan or somebody wanted
    it; UNCONFIRMED: the agent ended well and did not say that it has done its work."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    RUNNING = "running"
    DONE = "done"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    MISSED = "missed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


# What may become of an occurrence. A claimed one that goes back to planned is known never to have started, a running one is
# known to have failed; one whose end is unknown fails.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.CLAIMED, State.MISSED, State.SKIPPED, State.CANCELLED}),
    State.CLAIMED: frozenset({State.RUNNING, State.PLANNED, State.MISSED, State.CANCELLED}),
    State.RUNNING: frozenset({State.DONE, State.UNCONFIRMED, State.FAILED, State.PLANNED}),
    **{
        state: frozenset[State]()
        for state in (
            State.DONE,
            State.UNCONFIRMED,
            State.FAILED,
            State.MISSED,
            State.SKIPPED,
            State.CANCELLED,
        )
    },
}


class CatchUp(StrEnum):
    """What becomes of what was missed: nothing, the newest is made up for, or each."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an occurrence that is due while the one before still runs."""

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a recall is carried out; durations in milliseconds. None: as the settings say.

    `jitter`: every occurrence is put off by a part of it, always the same one. `retries`: so many more runs after one that is
    known to have failed, `backoff` after it and twice as long each time.
    """

    catch_up: CatchUp | None = None
    catch_up_window: int | None = None
    overlap: Overlap = Overlap.SKIP
    jitter: int = 0
    retries: int = 0
    backoff: int = 60_000
    max_defer: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A recall that somebody wants. `owner`: the user whose it is; `made_by`: "user", or "agent" and what it calls itself."""

    session_id: str
    agent: str
    message: str
    call_type: CallType
    trigger: Trigger
    owner: str
    made_by: str = "user"
    comment: str = ""
    policy: Policy = Policy()
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """When something is to happen: by the plan, and when it is tried, which jitter and deferrals put off."""

    scheduled_for: int
    next_try_at: int


@dataclass(frozen=True, slots=True)
class Recall:
    """A recall as the store keeps it. `reason`: why its status is what it is, where that needs a word; `next_at`: when its
    planned occurrence is tried, if there is one."""

    id: int
    session_id: str
    agent: str
    message: str
    call_type: CallType
    trigger: Trigger
    owner: str
    made_by: str
    comment: str
    policy: Policy
    expires_at: int | None
    status: Status
    reason: str | None
    paused_at: int | None
    created_at: int
    updated_at: int
    next_at: int | None

    @property
    def is_live(self) -> bool:
        """Whether anything more is to come of it."""
        return self.status in (Status.PENDING, Status.RUNNING, Status.WAITING)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One planned firing. `seen_at`: when it was first seen to be due, in time; `attempts`: how many
    of its runs have ended; `swallowed`: for how many other ones it stands; `extra`: somebody wanted it, the plan does not know it;
    `settled_at`: when it came to its end; the rest tells of its last run.
    """

    id: int
    recall: int
    session_id: str
    scheduled_for: int
    state: State
    reason: str | None
    next_try_at: int
    seen_at: int | None
    deferrals: int
    attempts: int
    swallowed: int
    extra: bool
    holder: str | None
    started_at: int | None
    ended_at: int | None
    exit_status: int | None
    settled_at: int | None


@dataclass(frozen=True, slots=True)
class Deferral:
    """One time that an occurrence was put off: when, until when, why."""

    at: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is about to start. `token`: what proves that the agent confirms it, None where nothing needs to; kept as a
    hash."""

    agent: str
    session_id: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One start of an agent, for an occurrence. `output`: the end of what it wrote; `problem`: why it failed, in words."""

    id: int
    occurrence: int
    agent: str
    session_id: str
    started_at: int
    ended_at: int | None
    exit_status: int | None
    output: str
    problem: str | None
    needs_confirmation: bool
    confirmed_at: int | None
    pid: int | None
    process_start: int | None


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation. `client`: who named it first; `pending`: the id of its one pending recall."""

    id: str
    client: str | None
    registered_at: int
    closed_at: int | None
    pending: int | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What an agent used within some time: its runs, and their milliseconds."""

    runs: int = 0
    milliseconds: int = 0
