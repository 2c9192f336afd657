"""state.json: what a restart goes on from, and what it does with a file that it cannot use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iai_daemon.clock import Now
from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Asked, Overdue, Standing, decide
from iai_daemon.lifecycle.saved import Resumed, resume, save
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.ageing import Clocks, Era
from iai_daemon.presence.classify import Presence
from iai_daemon.units import NEVER
from tests.fakes import BOOT_ID, NOON, FakeClock
from tests.lifecycle.world import wrapper

STANDING = Standing(
    State.BEDTIME,
    since=9000.0,
    last_active=8000.5,
    absent_since=8880.25,
    asked=Asked(State.BEDTIME, at=9000.0, until=20_000.0),
    rule="asked",
    reason="asked to sleep",
)

CLOCKS = Clocks(
    (
        Era(5_000.0, Now(NOON - 8000, 7_000.0, 7_000.0)),
        Era(7_010.0, Now(NOON, 10_000.0, 13_600.0), asleep=3600.0),
    ),
    stepped=True,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def _again(path: Path, standing: Standing, before: Now, after: Now, boot_id: str | None = BOOT_ID) -> Resumed:
    save(path, standing, before, BOOT_ID, CLOCKS)
    return resume(path, after, boot_id)


@pytest.mark.parametrize(
    "standing",
    [
        STANDING,
        Standing(State.WAKE, since=1.0, last_active=2.0),
        Standing(State.WAKE, since=1.0, last_active=2.0, asked=Asked(State.WAKE, at=1.0, until=NEVER)),
        Standing(
            State.IDLE,
            since=1.0,
            last_active=-4000.0,
            absent_since=1.0,
            rule="nobody",
            reason="no wrapper is open",
        ),
    ],
)
def test_a_standing_is_the_same_after_a_restart(path: Path, standing: Standing) -> None:
    now = FakeClock().now()
    assert _again(path, standing, now, now) == Resumed(standing, CLOCKS)


@pytest.mark.parametrize("step", [0, 7200, -7200])
def test_time_goes_on_over_a_restart_whatever_the_wall_clock_does_meanwhile(path: Path, step: float) -> None:
    clock = FakeClock()
    before = clock.now()
    clock.step(step)
    standing = _again(path, STANDING, before, clock.advance(60)).standing
    assert standing.last_active == pytest.approx(STANDING.last_active, abs=0.001)
    assert standing.absent_since == pytest.approx(STANDING.absent_since, abs=0.001)
    assert standing.asked is not None
    assert standing.asked.until == pytest.approx(20_000, abs=0.001)


@pytest.mark.parametrize("asleep", [3600, 86_400])
def test_time_asleep_is_neither_idleness_nor_absence_over_a_restart_either(path: Path, asleep: float) -> None:
    clock = FakeClock()
    before = clock.now()
    clock.suspend(asleep)
    standing = _again(path, STANDING, before, clock.advance(60)).standing
    assert standing.last_active == pytest.approx(STANDING.last_active, abs=0.001)
    assert standing.absent_since == pytest.approx(STANDING.absent_since, abs=0.001)


def test_a_later_start_knows_what_the_clocks_were_and_whether_they_had_stepped(path: Path) -> None:
    clock = FakeClock()
    before = clock.now()
    save(path, STANDING, before, BOOT_ID, CLOCKS)
    resumed = resume(path, clock.advance(60), BOOT_ID)
    assert resumed.clocks == CLOCKS
    assert resume(path, Now(clock.wall, 50.0, 50.0), "another boot").clocks is None


def test_after_a_reboot_absence_counts_from_before_it(path: Path) -> None:
    before = FakeClock().now()
    after = Now(before.wall + 600, awake=50.0, boot=50.0)
    standing = _again(path, STANDING, before, after, boot_id="another boot").standing
    assert standing.absent_since == pytest.approx(50 - 600 - (before.awake - 8880.25), abs=0.001)


def test_nothing_that_was_noted_lies_in_the_future_when_the_clock_was_set_back_in_another_boot(
    path: Path,
) -> None:
    before = FakeClock().now()
    after = Now(before.wall - 86_400, awake=50.0, boot=50.0)
    standing = _again(path, STANDING, before, after, boot_id="another boot").standing
    assert standing.since == standing.last_active == standing.absent_since == 50.0
    assert standing.asked is not None
    assert standing.asked.at == 50.0


def test_without_a_name_of_the_boot_the_wall_clock_is_believed(path: Path) -> None:
    clock = FakeClock()
    before = clock.now()
    assert _again(path, STANDING, before, clock.advance(60), boot_id=None).standing.last_active == 8000.5


def test_a_missing_file_is_a_fresh_start_and_no_trouble(path: Path) -> None:
    now = FakeClock().now()
    fresh = Standing(State.WAKE, since=now.awake, last_active=now.awake)
    assert resume(path, now, BOOT_ID) == Resumed(fresh)


def _damaged() -> list[bytes]:
    now = FakeClock().now()
    good: dict[str, Any] = {
        "schema": 1, "state": "IDLE", "since": "2026-11-21T11:00:00.000Z", "rule": "idle", "reason": "",
        "last_active": "2026-11-21T11:00:00.000Z", "absent_since": None, "asked": None, "slept_at": None,
        "clock": {"wall": now.wall, "awake": now.awake, "boot": now.boot, "boot_id": BOOT_ID, "stepped": False, "eras": []},
    }  # fmt: skip
    without = [
        {key: value for key, value in good.items() if key != gone}
        for gone in ("state", "since", "last_active", "absent_since", "asked", "slept_at", "clock")
    ]
    with_other = [
        {"state": "SLEEPING"}, {"state": None}, {"since": 12}, {"since": None}, {"last_active": "yesterday"}, {"absent_since": []},
        {"asked": {"state": "WAKE"}}, {"asked": {"state": "NAP", "at": None, "until": None}},
        {"clock": {"boot_id": BOOT_ID}}, {"clock": None}, {"clock": 7},
        *({"clock": good["clock"] | {"eras": eras}} for eras in (None, [7], [{"began": 1, "asleep": 0, "last": {}}])),
        *({"clock": good["clock"] | {"wall": wall}} for wall in ("x", float("nan"), float("inf"), 10**400)),
    ]  # fmt: skip
    damaged = [json.dumps(each).encode() for each in (*without, *(good | other for other in with_other))]
    text = json.dumps(good).encode()
    return [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"IDLE"',
        b"\xff\xfe",
        b"[" * 100_000,
        text[:-20],
        b"{}",
        *damaged,
    ]


@pytest.mark.parametrize("data", _damaged(), ids=lambda data: data[:60].decode(errors="replace"))
def test_a_damaged_or_foreign_file_is_a_fresh_start_that_says_so(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    resumed = resume(path, FakeClock().now(), BOOT_ID)
    assert resumed.clocks is None
    assert resumed.standing.state is State.WAKE
    assert resumed.trouble == f"{path} is damaged: started afresh"


def test_a_file_that_cannot_be_read_is_a_fresh_start_that_says_so(path: Path) -> None:
    path.mkdir()
    resumed = resume(path, FakeClock().now(), BOOT_ID)
    assert resumed.clocks is None
    assert resumed.trouble == f"{path} cannot be read (Is a directory): started afresh"


@given(
    some.recursive(
        some.none() | some.integers() | some.text(max_size=5) | some.floats(), some.lists, max_leaves=3
    )
)
def test_no_value_in_any_field_ends_a_start(tmp_path: Path, value: object) -> None:
    path = tmp_path / "state.json"
    save(path, STANDING, FakeClock().now(), BOOT_ID, CLOCKS)
    content = json.loads(path.read_bytes())
    for key in content:
        path.write_text(json.dumps(content | {key: value}))
        assert resume(path, FakeClock().now(), BOOT_ID).standing.since <= FakeClock().awake


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("asked", [None, Asked(State.BEDTIME, at=9000.0), Asked(State.WAKE, at=9000.0)])
def test_a_restart_from_any_state_with_somebody_at_work_is_wake(
    path: Path, state: State, asked: Asked | None
) -> None:
    clock = FakeClock()
    standing = Standing(state, since=9000.0, last_active=9000.0, asked=asked)
    resumed = _again(path, standing, clock.now(), clock.advance(10)).standing
    here = Presence((wrapper(active=clock.awake - 5),))
    assert decide(resumed, here, clock.awake, Lifecycle(), Overdue(now=True)).standing.state is State.WAKE


def test_what_is_written_is_for_people_too(path: Path) -> None:
    save(path, STANDING, FakeClock().now(), BOOT_ID, CLOCKS)
    content = json.loads(path.read_bytes())
    assert content["schema"] == 1
    assert content["state"] == "BEDTIME"
    assert content["absent_since"] == "2026-11-21T11:41:20.250Z"
    assert content["clock"]["wall"] == NOON
