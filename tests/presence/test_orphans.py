"""Servers whose wrapper was killed are ended by their recorded pid and start, and nothing else ever is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import pytest

from iai_daemon import clock as clocks
from iai_daemon.clock import Now
from iai_daemon.presence.classify import Presence, Process, Status, Wrapper
from iai_daemon.presence.hands import SIGNALS, SystemHands
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.presence.orphans import GRACE, Ended, Orphans, Verdict, judge
from iai_daemon.presence.processes import SystemProcesses
from tests.fakes import BOOT_ID, NOON, FakeClock, FakeProcesses, process
from tests.journeys.real import until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="starts in clock ticks are known on Linux only")
WRAPPER, SERVER = 4242, 4243
BEAT = Heartbeat(
    WRAPPER, "u", NOON, boot_id=BOOT_ID, process_start=500_000, child_pid=SERVER, child_start=500_001, server="npx"
)  # fmt: skip
ORPHAN = process(SERVER, parent=1, start=500_001)
ORPHAN = replace(ORPHAN, group=SERVER)


class FakeHands:
    """Signals that are noted, and obeyed by those who are not `deaf` to them."""

    def __init__(self, processes: FakeProcesses) -> None:
        self._processes = processes
        self.sent: list[tuple[int, int]] = []
        self.deaf: dict[int, set[int]] = {}
        self.denied = False

    def members(self, group: int, now: Now) -> list[Process]:  # noqa: ARG002 -- of the protocol
        return [each for each in self._processes.running.values() if each.group == group]

    def signal(self, process: tuple[int, int], number: int, now: Now) -> bool:  # noqa: ARG002 -- of the protocol
        seen = self._processes.running.get(process[0])
        if self.denied or seen is None or seen.start != process[1]:
            return False
        self.sent.append((process[0], number))
        if number not in self.deaf.get(process[0], ()):
            self._processes.end(process[0])
        return True


@pytest.fixture
def processes() -> FakeProcesses:
    return FakeProcesses(ORPHAN)


@pytest.fixture
def hands(processes: FakeProcesses) -> FakeHands:
    return FakeHands(processes)


@pytest.fixture
def orphans(processes: FakeProcesses, hands: FakeHands) -> Orphans:
    return Orphans(processes, hands, SIGNALS)


def _seen(status: Status = Status.ORPHAN, beat: Heartbeat = BEAT) -> Presence:
    return Presence((Wrapper("heartbeat", status, "why", beat),))


def _ends(orphans: Orphans, clock: FakeClock, presence: Presence | None = None) -> list[Ended]:
    """What is over with after each of the three times of grace."""
    found = orphans.look(presence or _seen(), clock.now())
    for _ in range(3):
        found += orphans.look(presence or _seen(), clock.advance(GRACE))
    return found


# --- what is judged


def test_a_living_server_of_a_dead_wrapper_is_orphaned() -> None:
    assert judge(BEAT, None, ORPHAN, BOOT_ID) is Verdict.ORPHANED
    assert judge(BEAT, process(WRAPPER, zombie=True), ORPHAN, BOOT_ID) is Verdict.ORPHANED
    assert judge(BEAT, process(WRAPPER, start=600_000), ORPHAN, BOOT_ID) is Verdict.ORPHANED


@pytest.mark.parametrize(
    ("writer", "child"),
    [
        (process(WRAPPER), ORPHAN),
        (None, replace(ORPHAN, parent=WRAPPER)),
        (None, replace(ORPHAN, start=None)),
        (process(WRAPPER, start=None), ORPHAN),
    ],
    ids=["its wrapper lives", "it is its child", "its start is hidden", "the wrapper's start is hidden"],
)
def test_while_anything_is_not_proven_nothing_is_done(writer: Process | None, child: Process) -> None:
    assert judge(BEAT, writer, child, BOOT_ID) is Verdict.UNSETTLED


@pytest.mark.parametrize(
    "beat",
    [
        replace(BEAT, child_start=None),
        replace(BEAT, child_pid=None),
        replace(BEAT, child_pid=1, child_start=500_001),
        replace(BEAT, child_start=500_002),
        replace(BEAT, process_start=None),
        replace(BEAT, boot_id=None),
        replace(BEAT, boot_id="another"),
    ],
    ids=["no start", "no child", "pid 1", "another start", "no start of its own", "no boot", "another boot"],
)
def test_a_heartbeat_that_does_not_identify_a_process_here_ends_none(beat: Heartbeat) -> None:
    assert judge(beat, None, replace(ORPHAN, pid=beat.child_pid or SERVER), BOOT_ID) is Verdict.GONE
    assert judge(beat, None, ORPHAN, BOOT_ID) is Verdict.GONE


@pytest.mark.parametrize(
    "child", [None, replace(ORPHAN, zombie=True), replace(ORPHAN, group=17), replace(ORPHAN, group=None)]
)
def test_what_is_no_process_or_leads_no_group_was_started_by_no_wrapper(child: Process | None) -> None:
    assert judge(BEAT, None, child, BOOT_ID) is Verdict.GONE


def test_where_the_kernel_tells_no_boot_nothing_is_ended() -> None:
    assert judge(BEAT, None, ORPHAN, None) is Verdict.GONE


# --- what is done


def test_it_gets_its_own_time_then_sigterm_and_that_is_told_once(
    orphans: Orphans, hands: FakeHands, clock: FakeClock
) -> None:
    assert orphans.look(_seen(), clock.now()) == []
    assert (hands.sent, orphans.next_at) == ([], clock.awake + GRACE)
    assert orphans.look(_seen(), clock.advance(GRACE)) == []
    assert hands.sent == [(SERVER, signal.SIGTERM)]
    assert orphans.look(_seen(), clock.advance(GRACE)) == [Ended("npx", SERVER, WRAPPER, "SIGTERM")]
    assert _ends(orphans, clock) == []
    assert len(hands.sent) == 1
    assert orphans.next_at == float("inf")


def test_a_stubborn_one_is_killed_with_its_whole_group_and_nobody_elses(
    orphans: Orphans, hands: FakeHands, processes: FakeProcesses, clock: FakeClock
) -> None:
    its_child = replace(process(5000, parent=SERVER, start=7), group=SERVER)
    another = replace(process(5001, parent=1, start=8), group=5001)
    processes.running |= {5000: its_child, 5001: another}
    hands.deaf = {SERVER: {signal.SIGTERM}, 5000: {signal.SIGTERM}}
    assert _ends(orphans, clock) == [Ended("npx", SERVER, WRAPPER, "SIGKILL")]
    assert sorted(hands.sent) == [(pid, number) for pid in (SERVER, 5000) for number in (9, 15)]
    assert list(processes.running) == [5001]


def test_a_child_that_outlives_its_leader_is_killed_by_its_own_identity(
    orphans: Orphans, hands: FakeHands, processes: FakeProcesses, clock: FakeClock
) -> None:
    processes.running[5000] = replace(process(5000, parent=SERVER, start=7), group=SERVER)
    hands.deaf = {5000: {signal.SIGTERM}}
    orphans.look(_seen(), clock.now())
    orphans.look(_seen(), clock.advance(GRACE))
    # The leader's pid goes to somebody else meanwhile.
    processes.running[SERVER] = replace(process(SERVER, start=9), group=17)
    assert orphans.look(_seen(), clock.advance(GRACE)) == []
    assert hands.sent[-1] == (5000, signal.SIGKILL)
    assert [each.by for each in orphans.look(_seen(), clock.advance(GRACE))] == ["SIGKILL"]
    assert SERVER in processes.running


def test_a_pid_that_passes_to_another_process_while_it_has_its_time_is_left_alone(
    orphans: Orphans, hands: FakeHands, processes: FakeProcesses, clock: FakeClock
) -> None:
    orphans.look(_seen(), clock.now())
    processes.running[SERVER] = replace(ORPHAN, start=500_002)
    assert _ends(orphans, clock) == []
    assert hands.sent == []


def test_one_that_leaves_by_itself_is_not_worth_a_word(
    orphans: Orphans, hands: FakeHands, processes: FakeProcesses, clock: FakeClock
) -> None:
    orphans.look(_seen(), clock.now())
    processes.end(SERVER)
    assert _ends(orphans, clock) == []
    assert hands.sent == []


def test_what_no_signal_ends_is_told_once_and_left(
    orphans: Orphans, hands: FakeHands, clock: FakeClock
) -> None:
    hands.deaf = {SERVER: {signal.SIGTERM, signal.SIGKILL}}
    assert _ends(orphans, clock) == [Ended("npx", SERVER, WRAPPER, None)]
    assert _ends(orphans, clock) == []
    assert len(hands.sent) == 2


def test_a_process_that_may_not_be_signalled_is_told_once_and_left(
    orphans: Orphans, hands: FakeHands, clock: FakeClock
) -> None:
    hands.denied = True
    assert _ends(orphans, clock) == [Ended("npx", SERVER, WRAPPER, None)]
    assert _ends(orphans, clock) == []


def test_a_heartbeat_that_is_stale_ends_nothing_while_its_wrapper_lives_and_its_server_when_it_is_gone(
    orphans: Orphans, hands: FakeHands, processes: FakeProcesses, clock: FakeClock
) -> None:
    processes.running[WRAPPER] = process(WRAPPER)
    assert _ends(orphans, clock, _seen(Status.STALE)) == []
    assert hands.sent == []
    processes.end(WRAPPER)
    assert [each.by for each in _ends(orphans, clock, _seen(Status.STALE))] == ["SIGTERM"]


@pytest.mark.parametrize("status", [Status.FRESH, Status.INVALID])
def test_a_fresh_heartbeat_ends_nothing_whatever_it_says(
    orphans: Orphans, hands: FakeHands, clock: FakeClock, status: Status
) -> None:
    assert _ends(orphans, clock, _seen(status)) == []
    assert hands.sent == []


def test_copies_of_a_heartbeat_end_one_server_once(
    orphans: Orphans, hands: FakeHands, clock: FakeClock
) -> None:
    copies = Presence(tuple(Wrapper(f"{n}", Status.ORPHAN, "why", BEAT) for n in range(3)))
    assert len(_ends(orphans, clock, copies)) == 1
    assert len(hands.sent) == 1


def test_at_rest_nobody_is_looked_up(orphans: Orphans, processes: FakeProcesses, clock: FakeClock) -> None:
    seen = _seen(beat=replace(BEAT, child_start=1))
    orphans.look(seen, clock.now())
    asked = processes.asked
    for _ in range(10):
        orphans.look(seen, clock.advance(30))
    assert processes.asked == asked
    for status in (Status.FRESH, Status.INVALID):
        orphans.look(_seen(status), clock.advance(30))
    assert processes.asked == asked
    assert orphans.next_at == float("inf")


# --- with real processes

_FAMILY = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child:
    print(os.getpid(), child, flush=True)
while True:
    signal.pause()
"""


@contextmanager
def _left_behind() -> Iterator[tuple[int, int]]:
    """A server and its child, both deaf to SIGTERM, whose starter is gone."""
    starting = f"import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-S', '-c', {_FAMILY!r}], process_group=0)"
    done = subprocess.Popen([sys.executable, "-c", starting], stdout=subprocess.PIPE)
    assert done.stdout is not None
    server, child = map(int, done.stdout.readline().split())
    done.wait()
    done.stdout.close()
    try:
        yield server, child
    finally:
        for pid in (server, child):
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGKILL)


def _start(pid: int) -> int:
    seen = SystemProcesses().look_up(pid, clocks.read())
    assert seen is not None
    assert seen.start is not None
    return seen.start


def _is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@LINUX
def test_a_real_family_that_is_deaf_is_ended_and_a_process_beside_it_is_not(clock: FakeClock) -> None:
    processes = SystemProcesses()
    orphans = Orphans(processes, SystemHands(processes), SIGNALS)
    with _left_behind() as (server, child), _left_behind() as (other, _):
        beat = replace(
            BEAT, pid=2**30, boot_id=processes.boot_id, child_pid=server, child_start=_start(server)
        )
        seen = Presence(
            (
                Wrapper("a", Status.ORPHAN, "why", beat),
                Wrapper("b", Status.ORPHAN, "why", replace(beat, child_pid=other)),
            )
        )
        orphans.look(seen, clock.now())
        orphans.look(seen, clock.advance(GRACE))
        assert _is_running(server)
        orphans.look(seen, clock.advance(GRACE))
        until(lambda: not (_is_running(server) or _is_running(child)))
        assert [each.by for each in orphans.look(seen, clock.advance(GRACE))] == ["SIGKILL"]
        assert _is_running(other), "its start was not the recorded one"


@LINUX
def test_hands_reach_a_process_by_its_start_only() -> None:
    processes = SystemProcesses()
    hands, now = SystemHands(processes), clocks.read()
    with _left_behind() as (server, child):
        start = _start(server)
        assert {each.pid for each in hands.members(server, now)} == {server, child}
        assert not hands.signal((server, start + 1), signal.SIGKILL, now)
        assert not hands.signal((2**30, start), signal.SIGKILL, now)
        assert hands.signal((server, start), signal.SIGKILL, now)
        until(lambda: not _is_running(server))
        assert not hands.signal((server, start), signal.SIGKILL, now)


@LINUX
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a process of another user's")
def test_the_process_of_another_user_is_never_signalled() -> None:
    processes = SystemProcesses()
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, user=65534) as other:
        assert not SystemHands(processes).signal(
            (other.pid, _start(other.pid)), signal.SIGTERM, clocks.read()
        )
        other.communicate(timeout=10)
    assert other.returncode == 0
