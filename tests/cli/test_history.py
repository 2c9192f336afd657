"""`iai-daemon history`: what it draws, what it lists, and that neither a store nor a daemon is needed for it."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.claim import claim
from iai_daemon.cli.hypnogram import BLOCKS, MARGIN, PLAIN, Signs, draw
from iai_daemon.clock import read
from iai_daemon.lifecycle import history
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.history import SLEPT, STOPPED, Transition
from iai_daemon.lifecycle.hypnogram import Night, Stretch
from iai_daemon.lifecycle.states import State
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.cli.calling import at_a_terminal
from tests.cli.inside import call, call_json, refused, said
from tests.consolidation.evening import a_day, a_night, night
from tests.fakes import NOON, FakeClock
from tests.journeys.real import SHORT, RunningDaemon, RunningWrapper, until
from tests.lifecycle.world import DAY, HOUR, MINUTE

BERLIN = ZoneInfo("Europe/Berlin")


def a_week(first: str) -> tuple[list[Stretch], list[Night]]:
    """Seven days of one who works from 8 to 18 by the clock on the wall, with a nap at noon and a night after work."""
    stretches, nights = [], []
    for number in range(7):
        midnight = datetime.fromisoformat(first) + timedelta(days=number)

        def at(hour: int, minute: int = 0, midnight: datetime = midnight) -> float:
            return (midnight + timedelta(hours=hour, minutes=minute)).replace(tzinfo=BERLIN).timestamp()

        hours = ((0, "BEDTIME"), (8, "WAKE"), (12, "IDLE"), (13, "WAKE"), (18, "BEDTIME"), (24, ""))
        for (begin, state), (end, _) in pairwise(hours):
            stretches.append(Stretch(at(begin), at(end), state, "rule", "reason"))
        nights.append(Night(2 * number + 1, "nap", at(12, 10), at(12, 11), "completed"))
        nights.append(Night(2 * number + 2, "night", at(18, 3), at(18, 20), "completed"))
    return stretches, nights


def drawn(stretches: Sequence[Stretch], nights: Sequence[Night], width: int, signs: Signs = BLOCKS) -> str:
    rows = draw(stretches, nights, zone=BERLIN, width=width, signs=signs)
    return "\n".join(row.line for row in rows) + "\n"


GOLDEN_WEEK = """\
WAKE        ▅█▅█▄     ▆▇▅█▃     ▆▇▆█▃     ▇▆▆█▂     ▇▆▇█▂     █▅▇█▁     ▅█▅█▄
IDLE         ▁▃        ▁▃        ▁▂        ▂▂        ▂▁        ▃▁         ▃
BEDTIME  ███▃   ▄█████▂   ▅█████▂   ▅█████▁   ▆█████▁   ▆█████▁   ▇█████▃   ▄██
nights        ○ ●2     ○3 ●4     ○5 ●6     ○7 ●8     ○9 ●10    ○  ●12     ○ ●14
         ┬────────┬─────────┬─────────┬─────────┬─────────┬─────────┬──────────
         Mon 19   Tue 20    Wed 21    Thu 22    Fri 23    Sat 24    Sun 25
         ● night  ○ nap  ░ not known
"""
GOLDEN_SPRING_WEEK = """\
WAKE        ▅█▅█▄     ▅█▅█▅     ▄█▅█▅     ▄█▅█▆     ▃█▅█▆     ▃█▅█▇     ▆█▅█▄
IDLE          ▃         ▃         ▃         ▃         ▃         ▃        ▁▃
BEDTIME  ███▃   ▄█████▃   ▃█████▄   ▃█████▄   ▂█████▅   ▂█████▅   ▁█████▂   ▄██
nights        ○ ●2      ○ ●4      ○ ●6      ○ ●8      ○ ●10     ○ ●12     ○ ●14
         ┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────
         Mon 23    Tue 24    Wed 25    Thu 26    Fri 27    Sat 28    Sun 29
         ● night  ○ nap  ░ not known
"""
GOLDEN_LONG_DAY = """\
WAKE                                ████████████   ███████████████
IDLE                                            ███
BEDTIME  ███████████████████████████                              ██████████████████
nights                                          ○13               ●14
         ┬───────────┬────────┬────────┬────────┬────────┬────────┬────────┬────────
         Sun         03:00    06:00    09:00    12:00    15:00    18:00    21:00
         ● night  ○ nap  ░ not known
"""
GOLDEN_SHORT_DAY = """\
WAKE                          ############   ###############
IDLE                                      ###
BEDTIME  #####################                              ##################
nights                                    n13               N14
         +-----+--------+--------+--------+--------+--------+--------+--------
         Sun   03:00    06:00    09:00    12:00    15:00    18:00    21:00
         N night  n nap  : not known
"""


def test_the_week_in_which_summer_time_ends_has_an_hour_more_on_its_sunday() -> None:
    stretches, nights = a_week("2026-10-19")
    assert stretches[-1].until - stretches[0].since == 169 * HOUR
    assert drawn(stretches, nights, 70) == GOLDEN_WEEK


def test_the_week_in_which_it_begins_has_one_less() -> None:
    stretches, nights = a_week("2026-03-23")
    assert stretches[-1].until - stretches[0].since == 167 * HOUR
    assert drawn(stretches, nights, 70) == GOLDEN_SPRING_WEEK


def test_on_the_days_themselves_every_hour_stands_where_it_is() -> None:
    stretches, nights = a_week("2026-10-19")
    assert drawn(stretches[-5:], nights[-2:], 75) == GOLDEN_LONG_DAY
    stretches, nights = a_week("2026-03-23")
    assert drawn(stretches[-5:], nights[-2:], 69, PLAIN) == GOLDEN_SHORT_DAY


def test_an_hour_that_clocks_show_twice_is_named_twice() -> None:
    stretches, _ = a_week("2026-10-19")
    axis = drawn(stretches[-5:], [], 200).splitlines()[-2]
    assert re.findall(r"Sun|\d\d:00", axis)[:5] == ["Sun", "01:00", "02:00", "02:00", "03:00"]
    stretches, _ = a_week("2026-03-23")
    axis = drawn(stretches[-5:], [], 200).splitlines()[-2]
    assert re.findall(r"Sun|\d\d:00", axis)[:4] == ["Sun", "01:00", "03:00", "04:00"]


def test_a_moment_shows_and_so_does_what_is_not_known() -> None:
    stretches = [
        Stretch(0.0, 40_000.0, "BEDTIME", "r", ""), Stretch(40_000.0, 40_002.0, "WAKE", "r", ""),
        Stretch(40_002.0, 60_000.0, "BEDTIME", "r", ""), Stretch(60_000.0, DAY, None, None, ""),
    ]  # fmt: skip
    wake, idle, bedtime, *_ = drawn(stretches, [], 72).splitlines()
    assert wake == f"WAKE     {' ' * 33}▁{' ' * 16}{'░' * 22}"
    assert idle == f"IDLE     {' ' * 50}{'░' * 22}"
    assert bedtime == f"BEDTIME  {'█' * 50}{'░' * 22}"


def test_of_a_night_and_a_nap_in_one_column_the_night_is_seen_and_numbers_stand_where_there_is_room() -> None:
    stretches = [Stretch(0.0, DAY, "IDLE", "r", "")]
    nights = [
        Night(7, "night", 100.0, 200.0, "completed"), Night(8, "nap", 300.0, 400.0, "completed"),
        Night(9, "nap", 40_000.0, 40_100.0, "completed"), Night(10, "night", 42_000.0, 42_100.0, "completed"),
        Night(11, "night", DAY - 10, DAY, None),
    ]  # fmt: skip
    row = drawn(stretches, nights, 48).splitlines()[3]
    assert row == f"nights   ●7{' ' * 20}○●10{' ' * 21}●"


WORLDS = st.lists(
    st.tuples(st.floats(0.001, 40_000.0), st.sampled_from([*(state.value for state in State), None])),
    min_size=1,
    max_size=12,
)


@given(world=WORLDS, width=st.integers(-5, 300), begin=st.integers(0, 2**31))
def test_every_stretch_is_seen_in_its_columns(
    world: list[tuple[float, str | None]], width: int, begin: int
) -> None:
    stretches, at = [], float(begin)
    for seconds, state in world:
        stretches.append(Stretch(at, at + seconds, state, None, ""))
        at += seconds
    for signs in (BLOCKS, PLAIN):
        rows = draw(stretches, [], zone=BERLIN, width=width, signs=signs)
        assert len({len(row.text) for row in rows[:-2]}) == 1
        columns = len(rows[0].text)
        column = (at - begin) / columns
        for each in stretches:
            middle = min(columns - 1, int(((each.since + each.until) / 2 - begin) / column))
            cells = {row.label: row.text[middle] for row in rows[:3]}
            if each.state is not None and each.seconds > column * 1e-6:
                assert cells[each.state] in signs.heights
            elif each.state is None and each.seconds >= 1.5 * column:
                assert signs.unknown in cells.values()


def test_any_range_from_a_second_to_centuries_has_an_axis() -> None:
    for seconds in (1.0, MINUTE, HOUR, DAY, 3 * DAY, 30 * DAY, 365 * DAY, 50 * 365 * DAY):
        for width in (10, 71, 500):
            rows = draw(
                [Stretch(NOON - seconds, NOON, "WAKE", "r", "")], [], zone=None, width=width, signs=PLAIN
            )
            labels = rows[-2].text.split()
            assert len(" ".join(labels)) <= width
            assert seconds < HOUR or width < 71 or labels


# What stands in the file of a home: two days until now.


def went(home: Home, at: float, to: str, rule: str, reason: str = "as it was") -> None:
    history.append(home.history, Transition(at, "WAKE", to, rule, reason, {}).plain())


@pytest.fixture
def lived(home: Home) -> Home:
    """A daemon that slept with its machine and was stopped an hour ago."""
    now = read().wall
    went(home, now - 2 * DAY, "WAKE", "started", "the daemon has started")
    went(home, now - 30 * HOUR, "IDLE", "nobody", "no wrapper is open")
    went(home, now - 20 * HOUR, "BEDTIME", "absent", "no wrapper open for 2 min")
    asleep = Standing(State.BEDTIME, since=0.0, last_active=0.0, rule="absent", reason="nobody")
    history.append(home.history, history.mark(SLEPT, now - 9 * HOUR, now - 12 * HOUR, asleep))
    went(home, now - 9 * HOUR, "WAKE", "active", "claude is at work \x1b[2J")
    history.append(home.history, history.mark(STOPPED, now - HOUR, now - HOUR, asleep))
    return home


def test_everything_of_the_last_day_is_told_in_its_order(lived: Home) -> None:
    with closing(open_stores(lived)) as stores:
        a_night(stores, round((read().wall - 19 * HOUR) * 1000))
    lines = said(lived, "history").splitlines()
    assert re.fullmatch(r"\w{3} \d+ \w{3} \d{4} \d\d:\d\d to .*, local time \(.+\)", lines[0])
    assert lines[1] == "WAKE 8 h, IDLE 4 h, BEDTIME 8 h, not known 4 h; 1 night, 0 naps"
    assert lines[2] == "2 transitions:"
    told = [line[12:] for line in lines[3:] if line.startswith("  ")]
    assert told == [
        "WAKE    → BEDTIME  absent: no wrapper open for 2 min",
        "night 1, completed after 1 s: nothing changed",
        "the machine slept for 3 h; BEDTIME goes on",
        "WAKE    → WAKE     active: claude is at work �[2J",
        "the daemon was stopped in BEDTIME",
    ]


def test_a_night_says_what_it_did_and_how_that_is_taken_back(home: Home) -> None:
    clock = FakeClock(wall=read().wall - HOUR)
    went(home, read().wall - 2 * HOUR, "BEDTIME", "absent")
    with closing(open_stores(home)) as stores:
        a_day(stores)
        night(stores, clock=clock)
    assert "night 1, completed after 0 s: " in said(home, "history")
    assert "; `iai-daemon nights undo 1` takes it back" in said(home, "history")
    said(home, "nights", "undo", "1")
    assert "; taken back" in said(home, "history")
    assert "takes it back" not in said(home, "history")


def test_for_programs_all_transitions_are_there_as_ever_and_the_last_day_beside_them(lived: Home) -> None:
    told = call_json(lived, "history")
    assert [each["to"] for each in told["transitions"]] == ["WAKE", "IDLE", "BEDTIME", "WAKE"]
    assert told["transitions"] == history.read(lived.history)
    assert [each["state"] for each in told["stretches"]] == ["IDLE", "BEDTIME", None, "WAKE", None]
    assert told["stretches"][2]["reason"] == "the machine slept"
    assert told["totals"]["unknown"] == pytest.approx(4 * HOUR, abs=60)
    assert (told["nights"], told["nights_missing"]) == ([], "there is no memory yet")
    assert [each["to"] for each in call_json(lived, "history", "--limit", "1")["transitions"]] == ["WAKE"]


def test_a_range_is_one_for_programs_too(lived: Home) -> None:
    def transitions(*words: str) -> list[str]:
        return [each["to"] for each in call_json(lived, "history", *words)["transitions"]]

    assert transitions("--day") == ["BEDTIME", "WAKE"]
    assert transitions("--week") == ["WAKE", "IDLE", "BEDTIME", "WAKE"]
    assert transitions("--since", "10h") == ["WAKE"]
    stamp = call_json(lived, "history")["transitions"][1]["at"]
    assert transitions("--since", stamp) == ["IDLE", "BEDTIME", "WAKE"]
    assert transitions("--since", stamp[:10]) == transitions("--since", f"{stamp[:10]} 00:00")
    span = call_json(lived, "history", "--since", "90m")["stretches"]
    assert [each["state"] for each in span] == ["WAKE", None]


@pytest.mark.parametrize(
    "wanted", ["yesterday", "", "5", "never", "2999-01-01", "200d x", "1969-01-01", "0s"]
)
def test_a_time_that_is_none_or_not_past_is_refused_with_an_example(home: Home, wanted: str) -> None:
    assert "--since" in refused(home, "history", "--since", wanted, status=2)


def test_with_a_limit_the_newest_are_told_and_of_how_many(lived: Home) -> None:
    lines = said(lived, "history", "--week", "--limit", "1").splitlines()
    assert lines[3] == "the newest 1 of 4 transitions:"
    assert [line[12:] for line in lines[4:] if line.startswith("  ")] == [
        "WAKE    → WAKE     active: claude is at work �[2J",
        "the daemon was stopped in BEDTIME",
    ]


def test_where_nothing_has_happened_yet_that_is_said(home: Home) -> None:
    assert said(home, "history", "--drawing") == "no transitions yet\n"
    assert not home.memory.exists()


def test_a_home_without_a_memory_says_so_and_makes_none(lived: Home) -> None:
    assert "nights are not known: there is no memory yet\n" in said(lived, "history")
    assert not lived.memory.exists()


def test_a_memory_that_cannot_be_asked_costs_the_nights_alone(lived: Home) -> None:
    lived.memory.write_bytes(b"this is somebody else's file")
    assert "belongs to another program" in said(lived, "history")
    told = call_json(lived, "history")
    assert len(told["transitions"]) == 4
    assert "belongs to another program" in told["nights_missing"]
    lived.memory.unlink()
    lived.config.write_text("[memory]\nstore = 'postgresql://127.0.0.1:1/none'\n")
    assert "nights are not known: " in said(lived, "history", "--week")
    lived.config.write_text("[memory\n")
    assert "nights are not known: " in said(lived, "history")


def test_who_holds_the_memory_for_himself_holds_nothing_up(lived: Home) -> None:
    open_stores(lived).close()
    with closing(sqlite3.connect(lived.memory, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        done = subprocess.run(
            [sys.executable, "-m", "iai_daemon", "--home", str(lived.root), "history"],
            capture_output=True, text=True, check=False, timeout=8,
        )  # fmt: skip
    assert done.returncode == 0, done
    assert "nights are not known: " in done.stdout
    assert "2 transitions:" in done.stdout


def test_while_a_daemon_runs_its_state_holds_until_now(home: Home) -> None:
    went(home, read().wall - HOUR, "WAKE", "active")
    home.attendance.touch()
    os.utime(home.attendance, (read().wall - MINUTE,) * 2)
    assert [each["state"] for each in call_json(home, "history")["stretches"]] == [None, "WAKE", None]
    with claim(home):
        assert [each["state"] for each in call_json(home, "history")["stretches"]] == [None, "WAKE"]


@pytest.mark.parametrize("columns", [80, 200])
def test_on_a_terminal_it_is_drawn_over_its_width_and_nothing_is_wrapped(lived: Home, columns: int) -> None:
    shown = at_a_terminal(lived, "history", COLUMNS=str(columns), LC_ALL="C.UTF-8").replace("\r\n", "\n")
    rows = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.split("\n\n")[0].splitlines()]
    assert [row.split(" ")[0] for row in rows[:4]] == ["WAKE", "IDLE", "BEDTIME", "nights"]
    assert len(rows[4]) == columns - 1
    assert all(len(row) < columns for row in rows)
    assert set(rows[0][MARGIN:]) <= set(f" {BLOCKS.heights}{BLOCKS.unknown}")
    assert "2 transitions:" in shown


def test_it_is_coloured_where_that_is_wanted_and_drawn_in_ascii_where_nothing_else_is_shown(
    lived: Home,
) -> None:
    assert "\x1b[1;33mWAKE" in at_a_terminal(lived, "history", LC_ALL="C.UTF-8")
    plain = at_a_terminal(lived, "history", NO_COLOR="1", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert "\x1b" not in plain
    assert plain.isascii()
    assert "WAKE    -> BEDTIME" in plain
    assert "####" in plain


def test_without_a_terminal_it_is_drawn_only_when_asked(lived: Home) -> None:
    assert "█" not in said(lived, "history")
    asked = said(lived, "history", "--drawing")
    assert "█" in asked
    assert "\x1b" not in asked
    assert max(map(len, asked.splitlines()[:5])) == 79
    assert "█" not in at_a_terminal(lived, "history", "--no-drawing", LC_ALL="C.UTF-8")


# With real processes.


@pytest.fixture
def daemon(home: Home) -> Iterator[RunningDaemon]:
    running = RunningDaemon(home)
    yield running
    running.stop()


def wait_attended(home: Home, words: str, count: int = 1) -> None:
    until(lambda: home.attendance.read_text().count(words) >= count)


def test_a_client_that_comes_works_and_goes_is_in_the_books_and_so_is_a_clean_stop(
    home: Home, daemon: RunningDaemon
) -> None:
    wrapper = RunningWrapper(home)
    try:
        wait_attended(home, '"active": 0')
        wrapper.send("tools/call")
        wait_attended(home, '"active": 1')
        wrapper.answer()
        wait_attended(home, '"active": 0', 2)
    finally:
        wrapper.leave()
    wait_attended(home, '"clients": {}', 2)
    daemon.stop()
    assert '"mark": "stopped", "clients": {}' in home.attendance.read_text().splitlines()[-1]
    assert call_json(home, "history")["stretches"][-1]["reason"] == "the daemon was stopped"


def test_after_a_kill_the_next_start_says_until_when_it_is_known_to_have_lived(
    home: Home, daemon: RunningDaemon
) -> None:
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.communicate()
    killed = read().wall
    again = RunningDaemon(home, SHORT)
    try:
        starts = [each for each in call_json(home, "history")["transitions"] if each["rule"] == "started"]
        assert "known_until" not in starts[0]
        lived_until = datetime.fromisoformat(starts[1]["known_until"]).timestamp()
        assert killed - 30 < lived_until <= killed + 0.001
        reasons = [each["reason"] for each in call_json(home, "history")["stretches"]]
        assert "no daemon was running, or it was killed" in reasons
    finally:
        again.stop()


def test_every_sign_takes_one_cell() -> None:
    for signs in (BLOCKS, PLAIN):
        for sign in (*signs.heights, signs.unknown, signs.night, signs.nap, signs.line, signs.tick):
            assert unicodedata.east_asian_width(sign) not in ("W", "F")
            assert len(sign) == 1


def test_a_file_that_cannot_be_read_is_a_sentence(home: Home) -> None:
    home.history.mkdir()
    done = call(home, "history")
    assert (done.returncode, done.stderr) == (1, f"iai-daemon: Is a directory: {home.history}\n")
