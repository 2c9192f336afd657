"""End the servers that killed wrappers have left behind, as the wrappers would have done. Called after each look.

Who waits at the end of a pipe sees that its wrapper has died, and leaves; what stays is asked to go, and then made to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from iai_daemon.clock import Now
from iai_daemon.presence.classify import Presence, Process, Status
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.presence.processes import Processes
from iai_daemon.units import NEVER

# In seconds: a server's time to leave by itself, and then SIGTERM's; and SIGKILL's.
GRACE, KILLED_IN = 5.0, 1.0

# A process, by its pid and its start in clock ticks since boot.
ServerIdentity = tuple[int, int]


class Verdict(Enum):
    """What became of the server behind a heartbeat that is ORPHAN or STALE."""

    ORPHANED = auto()
    GONE = auto()
    UNSETTLED = auto()


def judge(beat: Heartbeat, writer: Process | None, child: Process | None, boot_id: str | None) -> Verdict:
    """ORPHANED needs proof of everything; GONE is final; UNSETTLED: its wrapper lives, or we cannot see enough now. Pure.

    `writer` and `child` are what the process table holds now under the two pids that the heartbeat names.
    """
    if beat.boot_id is None or beat.boot_id != boot_id:
        return Verdict.GONE
    if (
        beat.process_start is None
        or beat.child_pid is None
        or beat.child_pid <= 1
        or beat.child_start is None
    ):
        return Verdict.GONE
    if child is None or child.zombie:
        return Verdict.GONE
    if child.start is None:
        return Verdict.UNSETTLED
    # A wrapper makes its server the leader of a process group: whatever is none was not started by one.
    if child.start != beat.child_start or child.group != child.pid:
        return Verdict.GONE
    return Verdict.ORPHANED if _has_gone(beat, writer) and child.parent != beat.pid else Verdict.UNSETTLED


def _has_gone(beat: Heartbeat, writer: Process | None) -> bool:
    if writer is None or writer.zombie:
        return True
    return writer.start is not None and writer.start != beat.process_start


class Hands(Protocol):
    """What reaches processes; a small fake stands in for it in tests."""

    def members(self, group: int, now: Now) -> list[Process]:
        """The living processes of a process group."""
        ...

    def signal(self, process: ServerIdentity, number: int, now: Now) -> bool:
        """Send a signal to this very process, if it is our user's; False when it was not sent. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """A server that was ended, or that nothing ends (`by` is None); `wrapper` is the pid that it was left by."""

    server: str | None
    pid: int
    wrapper: int
    by: str | None


@dataclass(slots=True)
class _Leaving:
    """A server that has to go: what it is told next, and when (awake clock); the processes of its group that were told."""

    beat: Heartbeat
    server: ServerIdentity
    next_at: float
    told: set[ServerIdentity] = field(default_factory=set)
    signals: tuple[str, ...] = ()


class Orphans:
    """The servers that are being ended. At rest it costs a look at two counts."""

    def __init__(self, processes: Processes, hands: Hands, signals: Mapping[str, int]) -> None:
        """`signals`: SIGTERM and SIGKILL, by their names and in that order."""
        self._processes = processes
        self._hands = hands
        self._numbers = dict(signals)
        self._settled: set[ServerIdentity] = set()
        self._leaving: dict[ServerIdentity, _Leaving] = {}

    @property
    def next_at(self) -> float:
        """When the next of them has had its time, on the awake clock."""
        return min((each.next_at for each in self._leaving.values()), default=NEVER)

    def look(self, presence: Presence, now: Now) -> list[Ended]:
        """Take in who was left behind, go on with those that have had their time; returns those that are over with."""
        if presence.counts[Status.ORPHAN] or presence.counts[Status.STALE]:
            self._take_in(presence, now)
        elif self._settled:
            self._settled.clear()
        due = [each for each in self._leaving.values() if each.next_at <= now.awake]
        return [ended for each in due if (ended := self._go_on(each, now))]

    def _take_in(self, presence: Presence, now: Now) -> None:
        named: set[ServerIdentity] = set()
        for wrapper in presence.wrappers:
            beat = wrapper.beat
            if wrapper.status not in (Status.ORPHAN, Status.STALE) or beat is None:
                continue
            if beat.child_pid is None or beat.child_start is None:
                continue
            server = (beat.child_pid, beat.child_start)
            named.add(server)
            if server in self._settled or server in self._leaving:
                continue
            verdict = self._judge(beat, now)
            if verdict is Verdict.GONE:
                self._settled.add(server)
            elif verdict is Verdict.ORPHANED:
                self._leaving[server] = _Leaving(beat, server, now.awake + GRACE)
        self._settled &= named

    def _judge(self, beat: Heartbeat, now: Now) -> Verdict:
        writer = self._processes.look_up(beat.pid, now)
        child = self._processes.look_up(beat.child_pid or 0, now)
        return judge(beat, writer, child, self._processes.boot_id)

    def _go_on(self, leaving: _Leaving, now: Now) -> Ended | None:
        """The next signal to those that are still there; the end of it when nobody is, or when there is none left."""
        left = self._left(leaving, now)
        signal = next((name for name in self._numbers if name not in leaving.signals), None)
        if left and signal:
            told = {each for each in left if self._hands.signal(each, self._numbers[signal], now)}
            leaving.told |= told
            if told:
                leaving.signals = (*leaving.signals, signal)
                leaving.next_at = now.awake + (KILLED_IN if signal == "SIGKILL" else GRACE)
                return None
            left = self._left(leaving, now)
        del self._leaving[leaving.server]
        self._settled.add(leaving.server)
        if not left and not leaving.signals:
            return None  # it has left by itself
        by = None if left else leaving.signals[-1]
        return Ended(leaving.beat.server, leaving.server[0], leaving.beat.pid, by)

    def _left(self, leaving: _Leaving, now: Now) -> set[ServerIdentity]:
        """Who of its group still lives. The group is still its own as long as one whom we know is in it."""
        group = leaving.server[0]
        if not leaving.told:
            if self._judge(leaving.beat, now) is not Verdict.ORPHANED:
                return set()
            return self._group(group, now) | {leaving.server}
        known = {each for each in leaving.told if self._is_alive(each, now)}
        members = self._group(group, now)
        return known | members if known & members else known

    def _group(self, group: int, now: Now) -> set[ServerIdentity]:
        return {(each.pid, each.start) for each in self._hands.members(group, now) if each.start is not None}

    def _is_alive(self, process: ServerIdentity, now: Now) -> bool:
        seen = self._processes.look_up(process[0], now)
        return seen is not None and not seen.zombie and seen.start == process[1]
