"""`iai-daemon logs`: what a person sees of the log, and that following it leaves nothing out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.cli.logs import Tail, parsed, readable
from iai_daemon.config import Log
from iai_daemon.log import close_log, open_log
from iai_daemon.paths import Home
from tests.cli.inside import call_json, said


def write(home: Home, *entries: dict[str, object]) -> None:
    with home.log.open("a") as log:
        log.writelines(json.dumps(each) + "\n" for each in entries)


def entry(number: int) -> dict[str, object]:
    return {"event": f"e{number}", "level": "info", "timestamp": "2026-11-21T12:00:00.000000Z"}


def events(lines: list[bytes]) -> list[str]:
    return [str(json.loads(line)["event"]) for line in lines]


def rotate(path: Path) -> None:
    for number in (3, 2, 1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))


def test_a_line_reads_time_level_event_and_fields(home: Home) -> None:
    write(
        home,
        {
            **entry(1),
            "event": "IDLE → WAKE",
            "rule": "active",
            "reason": "a call came",
            "fresh": 1,
            "names": ["a"],
        },
        {
            **entry(2),
            "event": "tick failed",
            "level": "error",
            "exception": "Traceback:\n  line\nOSError: no",
        },
    )
    assert said(home, "logs").splitlines() == [
        '2026-11-21 12:00:00  IDLE → WAKE  rule=active reason="a call came" fresh=1 names=["a"]',
        "2026-11-21 12:00:00  error: tick failed",
        "    Traceback:",
        "      line",
        "    OSError: no",
    ]


def test_the_log_that_the_daemon_writes_is_read(home: Home) -> None:
    log = open_log(home.log, Log(), None)
    try:
        log.info("started", version="0.1.0", pid=7)
    finally:
        close_log()
    (told,) = call_json(home, "logs")["entries"]
    assert (told["event"], told["level"], told["version"], told["pid"]) == ("started", "info", "0.1.0", 7)
    assert said(home, "logs").rstrip().endswith("  started  version=0.1.0 pid=7")


def test_without_a_log_that_is_said(home: Home) -> None:
    assert "nothing is logged yet" in said(home, "logs")
    assert call_json(home, "logs")["entries"] == []


def test_the_newest_are_shown_over_rotations(home: Home) -> None:
    for number in range(6):
        write(home, entry(number))
        if number in (1, 3):
            rotate(home.log)
    assert [each["event"] for each in call_json(home, "logs", "-n", "5")["entries"]] == [
        f"e{n}" for n in range(1, 6)
    ]
    assert call_json(home, "logs", "-n", "0")["entries"] == []
    assert len(call_json(home, "logs")["entries"]) == 6


def test_what_would_command_a_terminal_is_shown_as_text(home: Home) -> None:
    write(home, {**entry(1), "event": "a\x1b[2Jb\rc", "field": "\x1b]0;x\x07\u202e"})
    shown = said(home, "logs")
    assert shown.rstrip("\n").isprintable()
    assert "a\\x1b[2Jb\\rc" in shown


@given(st.binary())
def test_any_bytes_are_an_entry_and_a_line_for_a_person(line: bytes) -> None:
    assert all(each.isprintable() for each in readable(parsed(line)).split("\n"))


@given(
    st.dictionaries(
        st.sampled_from(["timestamp", "level", "event", "exception", "x"]),
        st.none() | st.integers() | st.text(),
    )
)
def test_any_object_is_readable(told: dict[str, object]) -> None:
    assert all(each.isprintable() for each in readable(told).split("\n"))


def test_following_goes_through_every_rotation_and_repeats_nothing(home: Home) -> None:
    write(home, entry(0))
    with closing(Tail(home.log)) as tail:
        assert events(tail.newest(10)) == ["e0"]
        assert list(tail.more()) == []
        write(home, entry(1))
        assert events(list(tail.more())) == ["e1"]
        write(home, entry(2))
        rotate(home.log)
        write(home, entry(3))
        rotate(home.log)
        write(home, entry(4))
        rotate(home.log)
        assert events(list(tail.more())) == ["e2", "e3", "e4"]
        write(home, entry(5))
        assert events(list(tail.more())) == ["e5"]
        home.log.unlink()
        write(home, entry(6))
        assert events(list(tail.more())) == ["e6"]
        home.log.write_text("")
        assert list(tail.more()) == []
        write(home, entry(7))
        assert events(list(tail.more())) == ["e7"]


def test_a_line_that_is_half_written_is_shown_when_it_is_whole(home: Home) -> None:
    with closing(Tail(home.log)) as tail:
        assert tail.newest(10) == []
        text = json.dumps(entry(1))
        home.log.write_text(text[:10])
        assert list(tail.more()) == []
        home.log.write_text(text + "\n")
        assert events(list(tail.more())) == ["e1"]


@pytest.mark.parametrize("as_json", [False, True])
def test_follow_shows_what_comes_as_it_comes_until_it_is_ended(home: Home, as_json: bool) -> None:
    write(home, entry(1))
    words = [
        sys.executable,
        "-m",
        "iai_daemon",
        "--home",
        str(home.root),
        "logs",
        "-f",
        *(["--json"] if as_json else []),
    ]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        assert following.stdout
        assert "e1" in following.stdout.readline()
        write(home, entry(2))
        line = following.stdout.readline()
        assert json.loads(line)["event"] == "e2" if as_json else line == "2026-11-21 12:00:00  e2\n"
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=10) == 130
