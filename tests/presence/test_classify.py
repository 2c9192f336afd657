"""The four verdicts in their order, with plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.presence.classify import Evidence, Lock, Presence, Status, Wrapper, classify
from iai_daemon.presence.heartbeat import Heartbeat
from tests.fakes import BOOT_ID, NOON, process

BEAT = Heartbeat(
    pid=4242,
    uuid="u",
    last_refresh=NOON,
    started_at=NOON - 600,
    process_start=500_000,
    parent_pid=1,
    boot_id=BOOT_ID,
)
LOCKED = replace(BEAT, locked=True)
OLD = replace(BEAT, process_start=None)
SEEN = Evidence(Lock.UNKNOWN, process(4242), BOOT_ID, clock_stepped=False)
GONE = replace(SEEN, process=None)
HELD = replace(SEEN, lock=Lock.HELD)


def _classify(beat: Heartbeat, evidence: Evidence, age: float = 5.0) -> tuple[Status, str]:
    return classify(beat, age, 90.0, lambda: evidence)


@pytest.mark.parametrize(
    ("beat", "evidence", "status", "reason"),
    [
        (BEAT, SEEN, Status.FRESH, "process 4242 runs"),
        (BEAT, GONE, Status.ORPHAN, "process 4242 is gone"),
        (BEAT, replace(SEEN, process=process(4242, zombie=True)), Status.ORPHAN, "process 4242 is a zombie"),
        (
            BEAT,
            replace(SEEN, process=process(4242, start=500_001)),
            Status.ORPHAN,
            "belongs to another process now",
        ),
        (BEAT, replace(SEEN, process=process(4242, started_at=NOON - 9)), Status.FRESH, "process 4242 runs"),
        (OLD, replace(SEEN, process=process(4242, started_at=NOON - 595)), Status.FRESH, "process 4242 runs"),
        (
            OLD,
            replace(SEEN, process=process(4242, started_at=NOON - 594)),
            Status.ORPHAN,
            "belongs to another",
        ),
        (
            OLD,
            replace(SEEN, process=process(4242, started_at=NOON), clock_stepped=True),
            Status.FRESH,
            "runs",
        ),
        (
            replace(OLD, started_at=None),
            replace(SEEN, process=process(4242, started_at=NOON)),
            Status.FRESH,
            "runs",
        ),
        (BEAT, replace(SEEN, process=process(4242, start=None, started_at=None)), Status.FRESH, "runs"),
        (BEAT, replace(SEEN, process=process(4242, parent=77)), Status.ORPHAN, "its client (pid 1) is gone"),
        (
            replace(BEAT, parent_pid=None),
            replace(SEEN, process=process(4242, parent=77)),
            Status.FRESH,
            "runs",
        ),
        (BEAT, replace(SEEN, process=process(4242, parent=None)), Status.FRESH, "runs"),
        (replace(BEAT, pid=0), GONE, Status.ORPHAN, "pid 0 is no process"),
        (LOCKED, HELD, Status.FRESH, "its lock is held"),
        (LOCKED, replace(SEEN, lock=Lock.FREE), Status.ORPHAN, "its lock is free: the wrapper has died"),
        (LOCKED, SEEN, Status.FRESH, "process 4242 runs"),
        (LOCKED, GONE, Status.ORPHAN, "process 4242 is gone"),
        # In a container: alive by its lock, whatever the pid means here.
        (LOCKED, replace(HELD, process=None), Status.FRESH, "its lock is held"),
        (LOCKED, replace(HELD, process=process(4242, start=9, parent=77)), Status.FRESH, "its lock is held"),
        (
            LOCKED,
            replace(HELD, process=process(4242, parent=77)),
            Status.ORPHAN,
            "its client (pid 1) is gone",
        ),
        # Another machine or boot on the same home: our process table says nothing of it.
        (replace(BEAT, boot_id="other"), GONE, Status.FRESH, "on another machine or boot"),
        (BEAT, replace(GONE, boot_id=None), Status.FRESH, "on another machine or boot"),
        (replace(BEAT, boot_id=None), GONE, Status.ORPHAN, "is gone"),
        (replace(BEAT, boot_id=None), replace(GONE, boot_id=None), Status.ORPHAN, "is gone"),
    ],
)
def test_a_recent_heartbeat_is_judged_by_what_is_behind_it(
    beat: Heartbeat, evidence: Evidence, status: Status, reason: str
) -> None:
    seen, said = _classify(beat, evidence)
    assert seen is status
    assert reason in said


@pytest.mark.parametrize("evidence", [SEEN, GONE, HELD])
@pytest.mark.parametrize("beat", [BEAT, LOCKED])
def test_stale_wins_over_everything(beat: Heartbeat, evidence: Evidence) -> None:
    assert _classify(beat, evidence, 90.001)[0] is Status.STALE


def test_exactly_the_limit_is_fresh_and_a_millisecond_more_is_not() -> None:
    assert _classify(BEAT, SEEN, 90.0)[0] is Status.FRESH
    assert _classify(BEAT, SEEN, 90.001) == (Status.STALE, "refreshed 90 s ago (limit 90 s)")


def test_what_stands_behind_a_stale_heartbeat_is_not_asked() -> None:
    def look() -> Evidence:
        raise AssertionError("asked")

    assert classify(BEAT, 91.0, 90.0, look)[0] is Status.STALE


@given(
    some.builds(
        Heartbeat, pid=some.integers(-(2**31), 2**31), uuid=some.text(), last_refresh=some.floats(0, 1e10),
        locked=some.booleans(), process_start=some.none() | some.integers(), started_at=some.none() | some.floats(0, 1e10),
        parent_pid=some.none() | some.integers(), boot_id=some.none() | some.text(),
    ),
    some.builds(
        Evidence, some.sampled_from(Lock), some.none() | some.just(process(4242)), some.none() | some.text(), clock_stepped=some.booleans()
    ),
    some.floats(-1e9, 1e9),
)  # fmt: skip
def test_every_heartbeat_has_a_verdict_and_a_reason(beat: Heartbeat, evidence: Evidence, age: float) -> None:
    status, reason = _classify(beat, evidence, age)
    assert status is not Status.INVALID
    assert reason


def test_a_presence_counts_every_status_and_the_calls_of_those_who_are_here() -> None:
    beat = replace(BEAT, in_flight=2)
    wrappers = tuple(Wrapper("p", status, "", beat) for status in (Status.FRESH, Status.FRESH, Status.STALE))
    presence = Presence(wrappers)
    assert presence.counts == {Status.FRESH: 2, Status.STALE: 1, Status.ORPHAN: 0, Status.INVALID: 0}
    assert len(presence.present) == 2
    assert presence.in_flight == 4
