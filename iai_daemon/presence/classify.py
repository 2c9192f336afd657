"""Judge one heartbeat: FRESH, STALE, ORPHAN or INVALID, and why. Pure; the scanner hands in what it has seen."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from iai_daemon.presence.heartbeat import SCHEMA, Heartbeat
from iai_daemon.units import NEVER, say_duration

# So many hexadecimal digits tell sessions apart.
_DIGEST = 32
# How far a process' start and the heartbeat's `started_at` may lie apart and still be the same process.
_SAME_START = 5.0


class Status(StrEnum):
    """What a heartbeat file tells of its wrapper."""

    FRESH = "FRESH"
    STALE = "STALE"
    ORPHAN = "ORPHAN"
    INVALID = "INVALID"


class Lock(StrEnum):
    """What a probe of the heartbeat's lock found; unknown where the file system or the file did not let us ask."""

    HELD = "held"
    FREE = "free"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Process:
    """One process in the table; `group` is its process group's id. None is not known.

    `start` is in clock ticks since boot, `started_at` in seconds since the epoch.
    """

    pid: int
    parent: int | None
    zombie: bool
    start: int | None
    started_at: float | None
    group: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found behind a heartbeat: its lock, the process of its pid, and this machine's boot.

    `clock_stepped`: the wall clock has stepped while we looked, so wall-clock starts prove nothing.
    """

    lock: Lock
    process: Process | None
    boot_id: str | None
    clock_stepped: bool


@dataclass(frozen=True, slots=True)
class Wrapper:
    """One wrapper as one scan sees it. The times ending in `_at` are on the awake clock. `host`: the other host that tells of it;
    `session_digest`: where that is another host of the same user, what tells its session from all others."""

    path: str
    status: Status
    reason: str
    beat: Heartbeat | None = None
    active_at: float | None = None
    settled_at: float = -NEVER
    stale_at: float = NEVER
    headless: bool = False
    host: str | None = None
    session_digest: str | None = None

    def has_settled(self, now: float) -> bool:
        """Whether it has lived long enough to be more than a probe, at `now` (awake clock)."""
        return self.settled_at <= now

    def is_active(self, now: float, idle_after: float) -> bool:
        """Present, and its user did something within `idle_after` (or it is too old to say) at `now` (awake clock)."""
        if self.status is not Status.FRESH or self.beat is None:
            return False
        if not self.beat.reports_activity:
            return True
        return self.active_at is not None and now - self.active_at < idle_after


def digest_of(session: str) -> str:
    """What tells a session from all others, and does not tell its name."""
    return hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]


@dataclass(frozen=True, slots=True)
class SessionsAtWork:
    """In words, by the session; of those at work on other hosts only the digest is known."""

    here: Mapping[str, str]
    elsewhere: Mapping[str, str]

    def get(self, session: str) -> str | None:
        """That it is at work, in words; None where nobody is known to work in it."""
        return self.here.get(session) or self.elsewhere.get(digest_of(session))


@dataclass(frozen=True, slots=True)
class Trouble:
    """What was wrong with the looking itself: why it does not work as it should, and what mends it, in words."""

    why: str
    fix: str


@dataclass(frozen=True)
class Presence:
    """Everybody a scan has seen, and what was wrong with the looking.

    `elsewhere`: who is present on other hosts that share our memory. `out_of_sight`: there may be others whom nobody can tell of
    now.
    """

    wrappers: tuple[Wrapper, ...] = ()
    trouble: tuple[Trouble, ...] = ()
    elsewhere: tuple[Wrapper, ...] = ()
    out_of_sight: bool = False

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        found = Counter(wrapper.status for wrapper in self.wrappers)
        return {status: found[status] for status in Status}

    @cached_property
    def present(self) -> tuple[Wrapper, ...]:
        """The FRESH ones here."""
        return tuple(wrapper for wrapper in self.wrappers if wrapper.status is Status.FRESH)

    @property
    def in_flight(self) -> int:
        """Calls of present wrappers that have no answer yet."""
        return sum(wrapper.beat.in_flight for wrapper in self.present if wrapper.beat)

    @property
    def in_flight_elsewhere(self) -> str | None:
        """A host where a call has no answer yet."""
        return next(
            (wrapper.host for wrapper in self.elsewhere if wrapper.beat and wrapper.beat.in_flight), None
        )

    @property
    def sessions(self) -> Mapping[tuple[str, str], str | None]:
        """The sessions that present wrappers name: (session, wrapper's file) and what the client calls itself."""
        return {
            (wrapper.beat.session_id, wrapper.path): wrapper.beat.client_name
            for wrapper in self.present
            if wrapper.beat is not None and wrapper.beat.session_id
        }

    def clients(self, now: float, idle_after: float) -> Mapping[str, bool]:
        """What people's present wrappers call their clients, and whether one of those is active at `now` (awake clock)."""
        found: dict[str, bool] = {}
        for wrapper in self.present:
            if wrapper.beat is not None and wrapper.beat.client_name and not wrapper.headless:
                name = wrapper.beat.client_name
                found[name] = found.get(name, False) or wrapper.is_active(now, idle_after)
        return found

    def sessions_at_work(self, now: float, idle_after: float) -> SessionsAtWork:
        """The sessions of which a wrapper is active at `now` (awake clock), here or on another host of the same user."""
        here = {
            wrapper.beat.session_id: _at_work(wrapper)
            for wrapper in self.present
            if wrapper.beat is not None and wrapper.beat.session_id and wrapper.is_active(now, idle_after)
        }
        elsewhere = {
            wrapper.session_digest: f"{_at_work(wrapper)} on {wrapper.host}"
            for wrapper in self.elsewhere
            if wrapper.session_digest and wrapper.is_active(now, idle_after)
        }
        return SessionsAtWork(here, elsewhere)


def _at_work(wrapper: Wrapper) -> str:
    client = wrapper.beat.client_name if wrapper.beat else None
    return f"its session is at work in {client or 'a client'}"


def classify(
    beat: Heartbeat, age: float, stale_after: float, look: Callable[[], Evidence]
) -> tuple[Status, str]:
    """The status of a readable heartbeat whose last refresh is `age` seconds old, and the reason in words.

    Exactly `stale_after` is still fresh. `look` is asked only when the age leaves the question open.
    """
    limit = say_duration(stale_after)
    if round(age, 4) > stale_after:
        return Status.STALE, f"refreshed {say_duration(age)} ago (limit {limit}){_note(beat)}"
    evidence = look()
    orphaned = why_orphaned(beat, evidence)
    if orphaned:
        return Status.ORPHAN, orphaned + _note(beat)
    return Status.FRESH, f"refreshed within {limit}, {_proof(beat, evidence)}{_note(beat)}"


def _proof(beat: Heartbeat, evidence: Evidence) -> str:
    if beat.locked and evidence.lock is Lock.HELD:
        return "its lock is held"
    return "on another machine or boot" if _is_elsewhere(beat, evidence) else f"process {beat.pid} runs"


def _note(beat: Heartbeat) -> str:
    """What a reader should know of how the file was read."""
    if beat.fallback:
        return f" ({beat.fallback}: taken from the file's name and time)"
    if beat.schema_version > SCHEMA:
        return f" (schema {beat.schema_version} is newer than ours, read as {SCHEMA})"
    return ""


def why_orphaned(beat: Heartbeat, evidence: Evidence) -> str | None:
    """Why nobody is behind a heartbeat, in words; None when somebody is, or may be."""
    if beat.locked and evidence.lock is Lock.FREE:
        return "its lock is free: the wrapper has died"
    proven_alive = beat.locked and evidence.lock is Lock.HELD
    if not proven_alive:
        if beat.pid <= 0:
            return f"pid {beat.pid} is no process"
        if _is_elsewhere(beat, evidence):
            return None
        gone = _why_gone(beat, evidence)
        if gone:
            return gone
    return _why_parentless(beat, evidence, proven_alive=proven_alive)


def _is_elsewhere(beat: Heartbeat, evidence: Evidence) -> bool:
    """Another machine or boot: our process table knows nothing of it, its refresh alone decides.

    Who names a boot where the kernel names none is on another machine: a Linux in a virtual machine of macOS.
    """
    return bool(beat.boot_id and beat.boot_id != evidence.boot_id)


def _why_gone(beat: Heartbeat, evidence: Evidence) -> str | None:
    process = evidence.process
    if process is None:
        return f"process {beat.pid} is gone"
    if process.zombie:
        return f"process {beat.pid} is a zombie"
    if beat.process_start is not None and process.start is not None:
        another = beat.process_start != process.start
    else:
        another = (
            beat.started_at is not None
            and process.started_at is not None
            and not evidence.clock_stepped
            and abs(process.started_at - beat.started_at) > _SAME_START
        )
    return f"pid {beat.pid} belongs to another process now" if another else None


def _why_parentless(beat: Heartbeat, evidence: Evidence, *, proven_alive: bool) -> str | None:
    process = evidence.process
    if process is None or process.parent is None or beat.parent_pid is None:
        return None
    # A wrapper in a container is alive by its lock, and its pid may be somebody else's here: only a proven identity counts.
    if proven_alive and (beat.process_start is None or beat.process_start != process.start):
        return None
    if process.parent != beat.parent_pid:
        return f"its client (pid {beat.parent_pid}) is gone"
    return None
