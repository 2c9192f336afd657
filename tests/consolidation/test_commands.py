"""Programs of the user's own as passes of a night, run by real workers."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Command
from iai_daemon.consolidation.night import Event, Night
from iai_daemon.consolidation.passes.commands import RunCommand, told
from iai_daemon.memory.nights import Outside
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.commands import STUBBORN, command, configure, is_gone, passes_of, pid_in, python
from tests.consolidation.evening import NOW, night, worker
from tests.consolidation.working import BACK, Worked, work
from tests.journeys.real import call, call_json, until

HOUR = 3_600_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands over what was orphaned")


def ended(home: Home, script: str, *arguments: object, **fields: Any) -> dict[str, Any]:
    """What one night says of this program."""
    configure(home, command(script, *arguments, **fields))
    report = work(home, alone=True).report
    assert report is not None
    found: dict[str, Any] = passes_of(report)["command:tidy"]
    return found


def test_a_command_runs_in_a_store_that_never_changes_and_tells_the_report_what_it_did(home: Home) -> None:
    script = """print("a log line"); print('{"examined": 12, "changed": 3, "said": "joined three"}')"""
    told_of = ended(home, script)
    assert {name: told_of[name] for name in ("status", "examined", "changed", "said")} == {
        "status": "done",
        "examined": 12,
        "changed": 3,
        "said": "joined three",
    }
    assert "joined three" in call(home, "nights", "show", "1").stdout


def test_it_is_due_again_when_its_last_end_is_as_long_ago_as_every_says(stores: Stores, home: Home) -> None:
    def due(ago: int, every: float = 7200.0) -> bool:
        each = RunCommand(Command("tidy", ("true",), every=every), home, 1.0)
        return bool(each.waiting(stores.nights, NOW + ago))

    assert due(0)
    report = night(stores, chosen=[RunCommand(Command("tidy", ("true",)), home, 1.0)])
    assert report.outcome == "completed"
    assert not due(0)
    assert not due(2 * HOUR - 1)
    assert due(2 * HOUR)
    assert due(-HOUR), "a clock that was set back blocks nothing"
    again = night(stores, chosen=[RunCommand(Command("tidy", ("true",)), home, 1.0)])
    assert (again.outcome, again.id) == ("nothing_to_do", None)


def test_what_stopped_half_way_by_itself_goes_on_in_five_minutes_and_is_no_failure(
    stores: Stores, home: Home
) -> None:
    half = RunCommand(Command("tidy", tuple(python("raise SystemExit(75)"))), home, 1.0)
    report = night(stores, chosen=[half])
    assert report.outcome == "completed"
    assert [each.said for each in report.passes if each.said] == ["stopped half way"]
    assert stores.nights.hindrances() == {}
    later = RunCommand(Command("tidy", ("true",)), home, 1.0)
    assert [later.waiting(stores.nights, NOW + each) for each in (299_999, 300_000)] == [0, 1]


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        ("raise SystemExit(0)", "done", ""),
        ("raise SystemExit(100)", "done", "nothing to do"),
        ("raise SystemExit(75)", "done", "stopped half way"),
        ("raise SystemExit(3)", "failed: it ended with status 3", ""),
        ("raise SystemExit('no such file')", "failed: it ended with status 1: no such file", ""),
        ("import os; os.kill(os.getpid(), 11)", "failed: it was ended by SIGSEGV", ""),
        ("print('[1, 2]')", "done", ""),
        ("print('x' * 10_000_000)", "done", ""),
    ],
)
def test_its_exit_status_decides(home: Home, script: str, status: str, said: str) -> None:
    found = ended(home, script)
    assert (found["status"], found["said"], found["examined"], found["changed"]) == (status, said, 0, 0)


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("", Outside()),
        ('{"changed": -1, "examined": true, "said": 7}', Outside()),
        ('{"changed": 1e400}', Outside()),
        ("[" * 100_000, Outside()),
        ('{"said": "' + "a\\n" * 500 + '"}', Outside(said=("a " * 100))),
        ('{"changed": 2}\n\n', Outside(changed=2)),
        ('{"changed": 2}\nbye', Outside()),
    ],
)
def test_what_it_says_last_is_bounded_and_whatever_is_no_answer_says_nothing(
    line: str, means: Outside
) -> None:
    assert told(line) == means


def test_it_gets_a_small_environment_the_home_of_its_user_and_nothing_to_read(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IAI_SECRET", "of nobody's business")
    monkeypatch.setenv("GRAPH", "work")
    script = """
import json, os, signal, sys
found = dict(os.environ, cwd=os.getcwd(), stdin=sys.stdin.read(), group=os.getpgid(0) == os.getpid())
found["interrupted"] = signal.getsignal(signal.SIGINT) is signal.default_int_handler
open(sys.argv[1], "w").write(json.dumps(found))
"""
    assert ended(home, script, tmp_path / "seen", env=["GRAPH", "UNSET"])["status"] == "done"
    seen = json.loads((tmp_path / "seen").read_text())
    assert (seen["GRAPH"], seen["IAI_DAEMON_HOME"]) == ("work", str(home.root))
    assert seen["IAI_DAEMON_YIELD_SIGNAL"] == "TERM"
    assert (seen["HOME"], seen["PATH"]) == (os.environ["HOME"], os.environ["PATH"])
    assert (seen["cwd"], seen["stdin"]) == (os.environ["HOME"], "")
    assert seen["group"], "a process group of its own"
    assert seen["interrupted"], "the worker ignores SIGINT, which is no reason for a program to do so"
    assert not {"IAI_SECRET", "UNSET", "PYTHONPATH", "OMP_NUM_THREADS"} & seen.keys()


def test_three_failures_put_it_into_quarantine_and_retry_lets_it_run_again(home: Home) -> None:
    for _ in range(3):
        assert ended(home, "raise SystemExit('broken')")["status"].startswith("failed")
    report = work(home, alone=True).report
    assert report is not None
    assert report["outcome"] == "nothing_to_do"
    assert call_json(home, "nights", "retry", "command:tidy")["cleared"]
    assert ended(home, "raise SystemExit(0)")["status"] == "done"


def test_a_program_that_is_not_there_is_a_failure_with_its_name_and_config_check_tells_before(
    home: Home,
) -> None:
    configure(home, {"name": "tidy", "argv": ["no-such-program"]})
    report = work(home, alone=True).report
    assert report is not None
    assert "there is no program no-such-program" in passes_of(report)["command:tidy"]["status"]
    checked = call(home, "config", "check")
    assert checked.returncode == 78
    assert "no program no-such-program that can be started" in checked.stderr + checked.stdout


def test_its_time_is_over_and_all_of_it_is_ended(home: Home, tmp_path: Path) -> None:
    found = ended(home, STUBBORN, tmp_path / "pid", timeout="300ms")
    assert found["status"] == "failed: it took longer than 300ms and was ended"
    assert (tmp_path / "pid.asked").exists()
    assert is_gone(pid_in(tmp_path / "pid"))


def come_back(home: Home, begun: Path, **fields: Any) -> tuple[Worked, float]:
    """Somebody comes back as soon as the program runs; seconds until the worker is gone."""
    watch = Stopwatch()

    def heard(night: Night, event: Event) -> None:
        if event["event"] == "pass" and event["pass"] == "command:tidy":
            until(begun.exists)
            nonlocal watch
            watch = Stopwatch()
            night.request_yield(BACK)

    return work(home, heard=heard, yield_within=1.0, alone=True, **fields), watch.seconds()


def test_somebody_comes_back_and_a_program_that_listens_stops_by_itself(home: Home, tmp_path: Path) -> None:
    polite = STUBBORN.replace('.asked").touch()', '.asked").touch() or sys.exit(75)')
    configure(home, command(polite, tmp_path / "pid"))
    worked, seconds = come_back(home, tmp_path / "pid")
    assert worked.report is not None
    assert (worked.report["outcome"], worked.report["reason"]) == ("yielded", BACK)
    assert worked.report["stopped"]["pass"] == "command:tidy"
    assert (tmp_path / "pid.asked").exists()
    assert seconds < 1.0
    next_night = ended(home, "raise SystemExit(0)")
    assert next_night["status"] == "done", "it is due at once, and no failure"


def test_somebody_comes_back_and_one_that_ignores_it_is_killed_with_all_it_started_in_time(
    home: Home, tmp_path: Path
) -> None:
    begun = tmp_path / "pid"
    script = f"""
import os, signal, sys
child = os.fork()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if not child:
    grandchild = os.fork()
    sys.argv[1] += ".grandchild" if not grandchild else ".child"
{STUBBORN.replace('signal.signal(signal.SIGTERM, lambda *_: pathlib.Path(sys.argv[1] + ".asked").touch())', "")}
"""
    configure(home, command(script, begun))
    family = [begun, Path(f"{begun}.child"), Path(f"{begun}.grandchild")]

    def heard(night: Night, event: Event) -> None:
        if event["event"] == "pass":
            until(lambda: all(each.exists() for each in family))
            night.request_yield(BACK)

    worked = work(home, heard=heard, yield_within=1.0, alone=True)
    assert worked.report is not None, "the worker itself gives way in time"
    assert worked.report["outcome"] == "yielded"
    assert worked.night.yield_seconds is not None
    assert worked.night.yield_seconds < 1.0
    assert [is_gone(pid_in(each)) for each in family] == [True] * 3


DAEMON = f"""
import os, sys
if not os.fork():
    os.setsid()
    if not os.fork():
        {STUBBORN.strip().replace(chr(10), chr(10) + " " * 8)}
    os._exit(0)
"""


@linux
def test_a_daemon_that_it_leaves_behind_is_ended_with_it(home: Home, tmp_path: Path) -> None:
    begun = tmp_path / "pid"
    wait = f"import os, time\nwhile not os.path.exists({str(begun)!r}): time.sleep(0.01)"
    assert ended(home, DAEMON + wait, begun)["status"] == "done"
    assert is_gone(pid_in(begun))


@linux
def test_a_worker_that_is_killed_leaves_nothing_of_its_program(home: Home, tmp_path: Path) -> None:
    begun = tmp_path / "pid"
    configure(home, command(DAEMON + "import time; time.sleep(600)", begun))
    with worker(home, alone=True) as process:
        until(begun.exists)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        until(lambda: is_gone(pid_in(begun)))


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_guard_that_is_ended_takes_its_program_along(
    home: Home, tmp_path: Path, number: signal.Signals
) -> None:
    begun = tmp_path / "pid"
    configure(home, command(STUBBORN, begun))

    def heard(_night: Night, event: Event) -> None:
        if event["event"] == "pass":
            until(begun.exists)
            guard = psutil.Process(pid_in(begun)).parent()
            assert guard is not None
            guard.send_signal(number)

    report = work(home, heard=heard, alone=True).report
    assert report is not None
    assert passes_of(report)["command:tidy"]["status"].startswith("failed")
    assert is_gone(pid_in(begun))


def test_a_dry_run_starts_no_program_and_says_so(home: Home, tmp_path: Path) -> None:
    configure(home, command("import sys; open(sys.argv[1], 'w')", tmp_path / "ran"), passes=("expire",))
    shown = call(home, "consolidate", "--dry-run")
    assert "command:tidy: not rehearsed: a dry run starts no other programs" in shown.stdout
    assert shown.returncode == 0
    assert not (tmp_path / "ran").exists()


def test_where_nights_only_propose_a_program_runs_only_when_a_person_names_it(
    home: Home, tmp_path: Path
) -> None:
    configure(home, command("import sys; open(sys.argv[1], 'a').write('.')", tmp_path / "ran"), review=True)
    assert call_json(home, "consolidate")["outcome"] == "nothing_to_do"
    assert not (tmp_path / "ran").exists()
    for times in (1, 2):
        assert call_json(home, "consolidate", "--pass", "command:tidy")["outcome"] == "completed"
        assert (tmp_path / "ran").read_text() == "." * times
    said = call(home, "consolidate", "--pass", "command:tidi").stderr
    assert 'There is no pass command:tidi: did you mean "command:tidy"?' in said


def test_it_needs_the_store_alone_unless_it_says_that_it_shares(home: Home) -> None:
    configure(home, command("", name="alone"), command("", name="shares", shares=True))
    report = work(home, alone=False).report
    assert report is not None
    assert list(passes_of(report)) == ["command:shares"]


def test_config_shows_them_sets_what_is_beside_them_and_leaves_them_to_an_editor(home: Home) -> None:
    configure(home, command("", name="graph"))
    home.config.write_text(
        home.config.read_text().partition("[[")[1] + home.config.read_text().partition("[[")[2]
    )
    before = home.config.read_text()
    assert before.startswith("[[consolidation.commands]]")
    assert call(home, "config", "check").returncode == 0
    assert call(home, "config", "set", "consolidation.interval", "2h").returncode == 0
    assert home.config.read_text().startswith(before.rstrip())
    settings = call_json(home, "config", "show")["settings"]["consolidation"]
    assert settings["interval"] == "2h"
    assert [each["name"] for each in settings["commands"]] == ["graph"]
    refused = call(home, "config", "set", "consolidation.commands", "[]")
    assert refused.returncode == 2
    assert "write [[consolidation.commands]] tables into" in refused.stderr
