"""Who was here when: what the daemon writes down of it, and what is read of that."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon import lines
from iai_daemon.claim import claim
from iai_daemon.lifecycle import attendance, history, roll_call
from iai_daemon.lifecycle.attendance import attended
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.roll_call import RollCall, clients
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.units import NEVER, format_stamp, parse_stamp
from tests.fakes import BOOT_ID, NOON, FakeClock

IDLE_AFTER = 300.0
AWAKE = FakeClock().now().awake


def open_client(
    name: str | None = "claude",
    process: int | None = 1,
    *,
    active_at: float | None = None,
    settled_at: float = 0.0,
    headless: bool = False,
    status: Status = Status.FRESH,
) -> Wrapper:
    """A wrapper of a client's; the times on the awake clock."""
    beat = Heartbeat(7, "u", 0.0, reports_activity=True, client_name=name, parent_pid=process)
    return Wrapper(f"{name}-{process}", status, "", beat, active_at, settled_at, headless=headless)


def here(*wrappers: Wrapper) -> dict[str, dict[str, int]]:
    return clients(Presence(wrappers), AWAKE, IDLE_AFTER)


def test_open_clients_are_counted_by_name_and_by_process() -> None:
    assert here() == {}
    found = here(
        open_client("claude", 1), open_client("claude", 1, active_at=AWAKE - 10), open_client("claude", 2),
        open_client("cursor", 3, active_at=AWAKE - IDLE_AFTER), open_client("cursor", None), open_client("cursor", None),
    )  # fmt: skip
    assert found == {"claude": {"open": 2, "active": 1}, "cursor": {"open": 2, "active": 0}}


def test_agents_probes_and_who_is_gone_are_nobody() -> None:
    nobody = (
        open_client("agent", headless=True),
        open_client("probe", settled_at=AWAKE + 1),
        open_client("gone", status=Status.STALE),
        Wrapper("broken", Status.INVALID, "not JSON"),
    )
    assert here(*nobody) == {}
    busy = open_client("quick", settled_at=AWAKE + 1, active_at=AWAKE)
    assert here(*nobody, busy) == {"quick": {"open": 1, "active": 1}}


def test_a_name_is_a_line_of_a_terminal_and_its_length_has_a_bound() -> None:
    names = [None, "", " \n\t ", "\x1b[2J\u202eevil\nname", "x" * 10_000, "\ud800"]
    found = here(*(open_client(name, number) for number, name in enumerate(names)))
    assert set(found) == {"unnamed", "[2J evil name", "x" * 64}
    assert found["unnamed"]["open"] == 4


def test_of_very_many_clients_the_active_ones_are_told() -> None:
    idle = [open_client(f"a{number:03}", number) for number in range(100)]
    active = [open_client(f"z{number:03}", 1000 + number, active_at=AWAKE) for number in range(20)]
    found = here(*idle, *active)
    assert len(found) == roll_call.MOST_CLIENTS
    assert sum(each["active"] for each in found.values()) == 20


def test_the_first_line_says_until_when_the_daemon_before_was_there() -> None:
    clock = FakeClock()
    first = RollCall(NOON - 600).take(Presence((open_client(),)), clock.now(), IDLE_AFTER, None)
    assert first == {
        "at": format_stamp(NOON),
        "mark": "started",
        "known_until": format_stamp(NOON - 600),
        "clients": {"claude": {"open": 1, "active": 0}},
    }
    assert RollCall(None).take(Presence(), clock.now(), IDLE_AFTER, None) == {
        "at": format_stamp(NOON),
        "mark": "started",
        "clients": {},
    }


def test_only_a_change_is_a_line_and_within_a_second_there_is_one_however_much_changes() -> None:
    clock, call = FakeClock(), RollCall(None)
    one, two = Presence((open_client(),)), Presence((open_client(), open_client("cursor", 2)))

    def take(presence: Presence) -> dict[str, object] | None:
        return call.take(presence, clock.now(), IDLE_AFTER, None)

    take(Presence())
    clock.advance(0.4)
    assert take(one) is None
    assert call.next_at == AWAKE + 1.0
    clock.advance(0.3)
    assert take(Presence()) is None
    assert call.next_at == NEVER, "it is as it was"
    assert take(two) is None
    clock.advance(call.next_at - clock.awake)
    line = take(two)
    assert line is not None
    assert line["clients"] == here(*two.wrappers)
    clock.advance(60.0)
    assert take(two) is None
    assert take(one) is not None


def test_who_does_nothing_for_a_while_is_open_and_no_longer_active() -> None:
    clock, call = FakeClock(), RollCall(None)
    presence = Presence((open_client(active_at=AWAKE),))
    call.take(presence, clock.now(), IDLE_AFTER, None)
    assert call.take(presence, clock.advance(IDLE_AFTER - 1), IDLE_AFTER, None) is None
    line = call.take(presence, clock.advance(1.0), IDLE_AFTER, None)
    assert line is not None
    assert line["clients"] == {"claude": {"open": 1, "active": 0}}


def told(
    at: float, known_until: float | None = None, mark: str | None = None, **open_: int
) -> dict[str, Any]:
    """A line, so many seconds after noon; each client is open, and so many of it are active."""
    line: dict[str, Any] = {"at": format_stamp(NOON + at)}
    if known_until is not None:
        line["known_until"] = format_stamp(NOON + known_until)
    if mark is not None:
        line["mark"] = mark
    return {**line, "clients": {name: {"open": 1, "active": active} for name, active in open_.items()}}


def seen(
    told_lines: list[dict[str, Any]], until: float = 3600.0, known_until: float = NEVER
) -> dict[str, list[tuple[float, float, bool]]]:
    found = attended(told_lines, NOON, NOON + until, known_until=NOON + known_until)
    return {
        name: [(each.since - NOON, each.until - NOON, each.active) for each in stretches]
        for name, stretches in found.items()
    }


def test_each_client_has_its_own_times_and_what_others_do_does_not_cut_them() -> None:
    lines_ = [
        told(-60, claude=1),
        told(300, claude=1, cursor=0),
        told(600, claude=0, cursor=0),
        told(900, cursor=0),
    ]
    assert seen(lines_) == {
        "claude": [(0, 600, True), (600, 900, False)],
        "cursor": [(300, 3600, False)],
    }


def test_a_gap_is_no_attendance() -> None:
    stopped = [told(0, claude=1), told(600, mark="stopped"), told(1200, 600, "started", claude=1)]
    assert seen(stopped) == {"claude": [(0, 600, True), (1200, 3600, True)]}
    killed = [told(0, claude=1), told(1200, 300, "started", claude=0)]
    assert seen(killed, known_until=2000.0) == {"claude": [(0, 300, True), (1200, 2000, False)]}
    slept = [told(0, claude=0), told(3000, 60, "slept", claude=0)]
    assert seen(slept) == {"claude": [(0, 60, False), (3000, 3600, False)]}


@pytest.mark.parametrize(
    "clients_",
    [None, [], "claude", {"claude": None}, {"claude": {"open": "many"}}, {"claude": {"active": 1}}],
    ids=str,
)
def test_a_line_that_tells_of_nobody_ends_what_was_before(clients_: object) -> None:
    odd = {"at": format_stamp(NOON + 60), "clients": clients_}
    assert seen([told(0, claude=1), odd]) == {"claude": [(0, 60, True)]}


COUNTS: Any = st.fixed_dictionaries({"open": st.integers(0, 2), "active": st.integers(0, 2)}) | st.none()
LINES = st.lists(
    st.fixed_dictionaries(
        {"at": st.one_of(st.integers(-60, 4000).map(lambda at: format_stamp(NOON + at)), st.just("soon"))},
        optional={
            "known_until": st.integers(-60, 4000).map(lambda at: format_stamp(NOON + at)),
            "mark": st.sampled_from(["stopped", "started", "slept"]),
            "clients": st.dictionaries(st.sampled_from(["a", "b"]), COUNTS) | st.none(),
        },
    ),
    max_size=10,
)


@given(told_lines=LINES)
def test_the_times_of_a_client_never_overlap_and_lie_in_the_range(
    told_lines: list[Mapping[str, object]],
) -> None:
    for stretches in attended(told_lines, NOON, NOON + 3600).values():
        assert all(NOON <= each.since < each.until <= NOON + 3600 for each in stretches)
        for one, other in pairwise(stretches):
            assert one.until <= other.since
            assert one.until < other.since or one.active != other.active


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Keeper:
    """A daemon's books in a home, looked into under a time that is handed in."""

    def __init__(self, home: Home, clock: FakeClock) -> None:
        self.home = home
        self.clock = clock
        self.standing = Standing(State.WAKE, since=clock.awake, last_active=clock.awake)
        self.books = Books(home, BOOT_ID)
        self.books.resume(clock.now())

    def look(self, *wrappers: Wrapper) -> None:
        now = self.clock.now()
        self.books.attend(Presence(wrappers), self.standing, now, IDLE_AFTER)
        self.books.keep(self.standing, now, Clocks())

    def stop(self) -> None:
        self.books.keep(self.standing, self.clock.now(), Clocks(), closing=True)


def written(home: Home) -> list[tuple[float, str | None, list[str]]]:
    """The lines of the file: seconds after noon, the mark, and who was here."""
    found = [json.loads(line) for line in home.attendance.read_text().splitlines()]
    return [
        (round(parse_stamp(each["at"]) - NOON, 3), each.get("mark"), list(each["clients"])) for each in found
    ]


def test_the_file_is_ours_alone_and_has_a_start_each_change_and_a_stop(home: Home, clock: FakeClock) -> None:
    keeper = Keeper(home, clock)
    keeper.look()
    for wrappers in ((open_client(),), (open_client(),), ()):
        clock.advance(30.0)
        keeper.look(*wrappers)
    clock.advance(30.0)
    keeper.stop()
    assert written(home) == [
        (0, "started", []),
        (30, None, ["claude"]),
        (90, None, []),
        (120, "stopped", []),
    ]
    assert stat.S_IMODE(home.attendance.stat().st_mode) == 0o600
    assert attendance.read(home.attendance, NOON, NOON + 200) == {
        "claude": [attendance.Attended(NOON + 30, NOON + 90, active=False)]
    }


def test_a_daemon_that_was_killed_is_known_to_have_lived_to_the_minute(home: Home, clock: FakeClock) -> None:
    first = Keeper(home, clock)
    for _ in range(7):
        first.look(open_client())
        clock.advance(30.0)
    assert history.known_until(home, clock.wall) == NOON + 180
    clock.advance(3600.0)
    second = Keeper(home, clock)
    assert second.books.last_sign == NOON + 180
    second.look(open_client())
    found = attendance.read(home.attendance, NOON, clock.wall + 60)
    assert [(each.since - NOON, each.until - NOON) for each in found["claude"]] == [(0, 180), (3810, 3870)]


def test_while_a_daemon_runs_what_it_wrote_last_holds_until_now(home: Home, clock: FakeClock) -> None:
    with claim(home):
        Keeper(home, clock).look(open_client())
        assert history.known_until(home, NOON + 5000) == NOON + 5000
    assert history.known_until(home, NOON + 5000) == NOON


def test_a_machine_that_slept_is_marked_before_what_its_waking_changed(home: Home, clock: FakeClock) -> None:
    keeper = Keeper(home, clock)
    keeper.look(open_client())
    clock.advance(30.0)
    clock.suspend(7200.0)
    keeper.look(open_client())
    (mark,) = [each for each in history.entries(home.history) if "mark" in each]
    assert mark == {
        "at": format_stamp(NOON + 7230), "mark": "slept", "why": "the machine slept", "known_until": format_stamp(NOON + 30),
        "state": "WAKE", "rule": "started", "reason": "just started",
    }  # fmt: skip
    assert history.read(home.history) == []
    found = attendance.read(home.attendance, NOON, NOON + 7300)
    assert [(each.since - NOON, each.until - NOON) for each in found["claude"]] == [(0, 30), (7230, 7300)]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_a_clock_that_was_set_is_marked_and_a_small_step_is_not(
    home: Home, clock: FakeClock, seconds: float
) -> None:
    keeper = Keeper(home, clock)
    keeper.look()
    clock.advance(30.0)
    clock.step(seconds)
    keeper.look()
    clock.advance(30.0)
    clock.step(20.0)
    keeper.look()
    (mark,) = history.entries(home.history)
    assert (mark["mark"], mark["at"], mark["known_until"]) == (
        "stepped", format_stamp(NOON + 30 + seconds), format_stamp(NOON + 30),
    )  # fmt: skip


def test_a_full_disk_is_waited_out_and_nothing_is_missing(home: Home, clock: FakeClock) -> None:
    home.attendance.mkdir()
    keeper = Keeper(home, clock)
    for number in range(3):
        keeper.look(open_client(f"client {number}"))
        clock.advance(10.0)
    assert str(home.attendance) in keeper.books.trouble["attendance"]
    home.attendance.rmdir()
    keeper.look(open_client("client 2"))
    assert keeper.books.trouble == {}
    assert [who for _, _, who in written(home)] == [["client 0"], ["client 1"], ["client 2"]]


def test_a_file_that_somebody_deletes_is_begun_anew_with_who_is_here(home: Home, clock: FakeClock) -> None:
    keeper = Keeper(home, clock)
    keeper.look(open_client())
    home.attendance.unlink()
    for _ in range(3):
        clock.advance(30.0)
        keeper.look(open_client())
    assert written(home) == [(90, None, ["claude"])]
    assert keeper.books.trouble == {}


def test_the_file_is_rotated_and_the_older_one_is_read(home: Home, clock: FakeClock) -> None:
    keeper = Keeper(home, clock)
    keeper.look(open_client())
    with home.attendance.open("ab") as file:
        file.write(b" " * (roll_call.MAX_BYTES - 200) + b"\n")
    clock.advance(30.0)
    keeper.look()
    clock.advance(30.0)
    keeper.look(open_client())
    assert lines.older(home.attendance).stat().st_size > roll_call.MAX_BYTES - 200
    found = attendance.read(home.attendance, NOON, NOON + 90)
    assert [(each.since - NOON, each.until - NOON) for each in found["claude"]] == [(0, 30), (60, 90)]


def test_a_link_in_its_place_is_neither_written_nor_touched(
    home: Home, clock: FakeClock, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious\n")
    before = victim.stat().st_mtime_ns
    home.attendance.symlink_to(victim)
    keeper = Keeper(home, clock)
    for _ in range(3):
        keeper.look(open_client())
        clock.advance(60.0)
    assert str(home.attendance) in keeper.books.trouble["attendance"]
    assert (victim.read_text(), victim.stat().st_mtime_ns) == ("precious\n", before)
