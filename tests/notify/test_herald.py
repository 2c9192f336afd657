"""Who is told of a night, of which, and what happens when that goes wrong: real programs below real guards."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.notify import channels
from iai_daemon.notify.desktop import LINUX, MACOS, words
from iai_daemon.notify.news import News, worth_telling
from iai_daemon.notify.running import run
from iai_daemon.paths import Home
from tests.journeys.real import until
from tests.notify import telling
from tests.notify.telling import Stage, news, program, report, settings, told

NOTIFY_SEND = "notify-send"


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory in which programs are found."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


# Of which nights.


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (news(), True),
        (news(kind="nap"), False),
        (news(report=report(superseded_gc=0)), False),
        (news(report=report(superseded_gc=0, proposed=1)), True),
        (news(report=report(superseded_gc=0, held_back=1)), True),
        (news(report=report(superseded_gc=0, passes=[{"status": "failed: of x"}])), True),
        (news(report=report(superseded_gc=0, passes=[{"status": "deferred: x"}])), False),
        (news(outcome="yielded"), True),
        (news(outcome="cancelled", report=report(superseded_gc=0)), False),
        (news(outcome="failed", report=report(superseded_gc=0)), True),
        (News(None, "night", "failed", trouble="no worker can be started"), True),
        (News(None, "night", "failed"), False),
    ],
)
def test_nights_that_changed_planned_or_failed_something_are_told_and_no_nap(
    said: News, wanted: bool
) -> None:
    assert worth_telling(said) is wanted


def test_what_nobody_wants_to_hear_starts_nothing_and_loads_nothing(home: Home, bin_: Path) -> None:
    command = program(bin_, "tell")
    stage = Stage(home)
    stage.tell(news())
    wanted = Stage(home, command=[command])
    wanted.tell(news(kind="nap"))
    assert told(command) == []


# The user's program.


def test_the_program_gets_the_note_and_is_told_of_which_night_it_is(
    home: Home, bin_: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "nobody's business")
    monkeypatch.setenv("LANG", "C.UTF-8")
    command = program(bin_, "tell")
    stage = Stage(home, command=[command, "--to", "$HOME; rm *"])
    stage.tell(news(note="Last night: “night 7”.\n"))
    ((arguments, given, environment),) = told(command)
    assert arguments == ["--to", "$HOME; rm *"]
    assert given == "Last night: “night 7”.\n"
    wanted = {"IAI_NIGHT": "7", "IAI_KIND": "night", "IAI_OUTCOME": "completed", "IAI_HOME": str(home.root)}
    assert wanted.items() <= environment.items()
    assert environment["PATH"] == str(bin_)
    assert environment["HOME"] == os.environ["HOME"]
    assert "SECRET_TOKEN" not in environment
    assert stage.degraded == []


def test_nights_are_told_one_after_the_other_and_of_too_many_the_newest(home: Home, bin_: Path) -> None:
    command = program(bin_, "tell", "import time; time.sleep(0.1)")
    stage = Stage(home, command=[command])

    async def tell() -> None:
        stage.herald.tell(news(1))
        await telling.until(lambda: told(command))
        for number in range(2, 8):
            stage.herald.tell(news(number))
        await stage.told()

    asyncio.run(tell())
    assert [environment["IAI_NIGHT"] for _, _, environment in told(command)] == ["1", "5", "6", "7"]
    assert sum(each.kwargs.get("event") == "not told of a night" for each in stage.logged.calls) == 3


def test_a_program_that_fails_is_told_until_one_succeeds(home: Home, bin_: Path) -> None:
    fails = program(bin_, "tell", "print('no route to\\x1b[2J the phone', file=sys.stderr); sys.exit(3)")
    stage = Stage(home, command=[fails])
    stage.tell(news())
    (wrong,) = stage.degraded
    assert wrong["what"] == "notify"
    assert wrong["why"] == f"notify.command: {fails} ended with status 3: no route to [2J the phone"
    assert "iai-daemon config set notify.command" in wrong["fix"]
    program(bin_, "tell")
    stage.tell(news(8))
    assert stage.degraded == []


def test_a_program_that_is_not_there_or_no_program_is_told(home: Home, bin_: Path) -> None:
    stage = Stage(home, command=["not-there"])
    stage.tell(news())
    assert "there is no program not-there" in stage.degraded[0]["why"]
    nonsense = bin_ / "nonsense"
    nonsense.write_bytes(b"\x7fELF nonsense")
    nonsense.chmod(0o700)
    stage = Stage(home, command=[nonsense])
    stage.tell(news())
    assert "cannot be started" in stage.degraded[0]["why"]


def test_other_settings_take_what_was_wrong_with_those_of_before_away(home: Home, bin_: Path) -> None:
    stage = Stage(home, command=["not-there"])
    stage.tell(news())
    stage.herald.reload(settings(command=["not-there"]))
    assert stage.degraded, "nothing has changed"
    stage.herald.reload(settings(command=[program(bin_, "tell")]))
    assert stage.degraded == []
    stage.tell(news(8))
    assert len(told(bin_ / "tell")) == 1


def test_a_program_that_hangs_forks_and_ignores_its_end_is_gone_after_its_time(
    home: Home, bin_: Path, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    then = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "for _ in range(2):\n    if os.fork() == 0:\n        os.setsid()\n        break\n"
        f"open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"
    )
    command = program(bin_, "tell", then)
    watch = Stopwatch()
    wrong = asyncio.run(channels.run_command([str(command)], home, news(), limit=1.5))
    assert wrong is not None
    assert "took longer than 1.5 s and was ended" in wrong[0]
    assert watch.seconds() < 1.5 + 3 + 2
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 3
    if sys.platform == "linux":
        until(lambda: not any(psutil.pid_exists(pid) for pid in started))


def test_whatever_a_program_writes_only_its_end_is_kept_and_nothing_waits_for_it(
    home: Home, bin_: Path
) -> None:
    loud = program(bin_, "tell", "for _ in range(300): os.write(1, b'x' * 65536)\nsys.exit('\\nat the end')")
    wrong = asyncio.run(channels.run_command([str(loud)], home, news()))
    assert wrong is not None
    assert wrong[0].endswith("at the end")
    assert len(wrong[0]) < 400


def test_a_program_that_reads_nothing_of_a_note_that_is_too_long_is_not_waited_for(
    home: Home, tmp_path: Path
) -> None:
    deaf = tmp_path / "deaf"
    deaf.write_text(f"#!{sys.executable}\n")
    deaf.chmod(0o700)
    assert asyncio.run(channels.run_command([str(deaf)], home, news(note="ä" * 100_000))) is None
    reads = program(tmp_path / "bin", "reads")
    ended = asyncio.run(run([str(reads)], {"PYTHONUTF8": "1"}, "ä" * 100_000, 20))
    assert ended.status == 0, ended.said
    ((_, given, _),) = told(reads)
    assert given == "ä" * 8192


def test_a_daemon_that_stops_ends_what_it_is_telling_and_tells_nobody_any_more(
    home: Home, bin_: Path
) -> None:
    hangs = program(bin_, "tell", "import time; time.sleep(600)")
    stage = Stage(home, command=[hangs])

    async def stop() -> None:
        stage.herald.tell(news(1))
        stage.herald.tell(news(2))
        await telling.until(lambda: told(hangs))
        await stage.herald.close()
        stage.herald.tell(news(3))
        assert not stage.herald.busy

    watch = Stopwatch()
    asyncio.run(stop())
    assert watch.seconds() < 10
    assert len(told(hangs)) == 1


# The desktop.


def test_the_desktop_is_told_what_was_done_and_nobodys_words(home: Home, bin_: Path) -> None:
    sends = program(bin_, NOTIFY_SEND)
    stage = Stage(home, desktop=True)
    stage.tell(news(note='Last night.\n  "The password is swordfish" gave way to "…"\n'))
    ((arguments, given, _),) = told(sends)
    assert arguments == [
        "--app-name=iai-daemon",
        "--",
        "iai-daemon: night 7 completed",
        "2 replaced by newer facts.",
    ]
    assert given == ""
    assert stage.degraded == []


def test_a_desktop_program_that_is_missing_is_told_with_the_package_that_brings_it(
    home: Home, bin_: Path
) -> None:
    stage = Stage(home, desktop=True)
    stage.tell(news())
    (wrong,) = stage.degraded
    assert wrong["why"] == "there is no program notify-send that could notify you"
    assert "libnotify-bin" in wrong["fix"]
    program(bin_, NOTIFY_SEND)
    stage.tell(news(8))
    assert stage.degraded == []


def test_a_desktop_that_cannot_be_reached_is_told_with_how_a_service_gets_to_know_it(
    home: Home, bin_: Path
) -> None:
    program(bin_, NOTIFY_SEND, "sys.exit('Cannot autolaunch D-Bus without X11 $DISPLAY')")
    ran = program(bin_, "tell")
    stage = Stage(home, desktop=True, command=[ran])
    stage.tell(news())
    (wrong,) = stage.degraded
    assert "Cannot autolaunch D-Bus" in wrong["why"]
    assert "import-environment" in wrong["fix"]
    assert len(told(ran)) == 1, "one does not keep the other from being told"


HOSTILE = '-e \\n <b>&amp;</b> "; do shell script "touch x" \x1b[2J\nnext'


def test_no_text_is_taken_for_an_option_for_markup_or_for_script() -> None:
    linux, mac = words(LINUX, "--help", HOSTILE), words(MACOS, "iai-daemon: night", HOSTILE)
    assert linux[1:3] == ["--", "--help"]
    assert linux[3] == '-e \\\\n &lt;b&gt;&amp;amp;&lt;/b&gt; "; do shell script "touch x" [2J next'
    assert mac[:6] == [
        *("-e", "on run argv"),
        *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
        *("-e", "end run"),
    ]
    assert mac[6:] == ["iai-daemon: night", '-e \\n <b>&amp;</b> "; do shell script "touch x" [2J next']
    assert all(len(each) <= 1200 for each in words(LINUX, "&" * 5000, "<" * 5000))


def test_on_macos_the_texts_are_arguments_of_the_script(home: Home, bin_: Path) -> None:
    script = program(bin_, "osascript")
    said = news(summary="-- \"quoted\" & 'more'")
    assert asyncio.run(channels.tell_desktop(home, said, "darwin")) is None
    ((arguments, _, _),) = told(script)
    assert arguments[-2:] == ["iai-daemon: night 7 completed", "-- \"quoted\" & 'more'"]
    script.unlink()
    wrong = asyncio.run(channels.tell_desktop(home, said, "darwin"))
    assert wrong is not None
    assert "osascript" in wrong[0]
