"""The worker as a real process: what it tells, how it yields, and what is left when it is killed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.consolidation.night import Event, Job, Night
from iai_daemon.errors import NightBusy, NightFailed
from iai_daemon.flock import FileLock, is_held
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day, export, listen, remember, work_in_a_process, worker
from tests.consolidation.working import whole_or_untouched
from tests.fakes import LONG, NOON
from tests.faults.seeds import luck

KILLS = 200 if LONG else 6


def wait_until(holds: Callable[[], bool]) -> None:
    watch = Stopwatch()
    while not holds():
        assert watch.seconds() < 20, "it did not come to that"
        pause(0.005)


def test_a_worker_tells_its_night_its_progress_and_its_report(stores: Stores, home: Home) -> None:
    a_day(stores, 300)
    events: list[Event] = []
    report = work_in_a_process(home, events.append)
    assert report is not None
    assert (report["outcome"], report["id"], report["expired_pruned"]) == ("completed", 1, 100)
    assert events[0] == {"event": "started", "night": 1}
    assert {event["event"] for event in events[1:-1]} == {"pass", "progress", "note"}
    assert events[-1] == {"event": "report", "report": report}
    assert report["cpu_seconds"] > 0
    assert 5e6 < report["peak_rss_bytes"] < 300e6
    assert stores.nights.night(1).report == report
    assert "100 past their time" in home.last_night.read_text()
    assert len(list(home.backups.iterdir())) == 1
    assert not is_held(home.consolidation_lock)


def test_a_second_worker_with_nothing_to_do_touches_no_file(stores: Stores, home: Home) -> None:
    a_day(stores)
    work_in_a_process(home)

    def seen() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}

    before = seen()
    report = work_in_a_process(home, asked=True)
    assert report is not None
    assert (report["outcome"], report["id"], report["nodes_embedded"]) == ("nothing_to_do", None, 0)
    assert {path for path, at in seen().items() if before.get(path) != at} <= {f"{home.memory}-shm"}


def test_a_dry_run_says_what_would_change_and_changes_nothing(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    before, files = export(stores), sorted(home.root.rglob("*"))
    planned = work_in_a_process(home, dry_run=True)
    assert planned is not None
    assert (planned["id"], planned["outcome"], planned["nodes_embedded"]) == (None, "completed", 61)
    assert planned["expired_pruned"] + planned["superseded_gc"] == 33
    assert len(planned["changes"]) == 33 + planned["gists_written"] == 34
    said = {
        "pass": "expire",
        "effect": "expired",
        "record": 2,
        "reason": "was to be kept until 2026-11-21T11:59:00.000Z",
    }
    assert said.items() <= planned["changes"][0].items()
    assert (export(stores), sorted(home.root.rglob("*"))) == (before, files)
    assert not stores.nights.nights()
    done = work_in_a_process(home)
    assert done is not None
    journal = stores.nights.journal(night=done["id"])
    assert [(each.record, each.reason) for each in journal] == [
        (change["record"], change["reason"]) for change in planned["changes"]
    ]


def test_a_worker_that_is_asked_to_yield_ends_within_its_batch(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)
    night = Night(Job(home.root, "night", "absent"), yield_within=1.0)

    def heard(event: Event) -> None:
        if event["event"] == "progress":
            night.request_yield("WAKE: claude called a tool")

    report = asyncio.run(night.run(heard))
    assert report is not None
    assert (report["outcome"], report["reason"]) == ("yielded", "WAKE: claude called a tool")
    assert report["yield_ms"] < 1000
    assert night.yield_seconds is not None
    assert report["yield_ms"] / 1000 <= night.yield_seconds < 1.0
    assert "yielded (WAKE: claude called a tool)" in home.last_night.read_text()
    assert not is_held(home.consolidation_lock)
    rest = work_in_a_process(home)
    assert rest is not None
    assert rest["expired_pruned"] + report["expired_pruned"] == 1000


def test_a_wish_to_yield_before_the_start_is_kept(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)
    night = Night(Job(home.root, "night", "absent"), yield_within=30.0)
    night.request_yield("Ctrl-C", cancelled=True)
    report = asyncio.run(night.run())
    assert report is not None
    assert (report["outcome"], report["reason"]) == ("cancelled", "Ctrl-C")


def test_a_worker_that_does_not_answer_is_killed_in_time(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)
    night = Night(Job(home.root, "night", "absent"), yield_within=0.25)

    def heard(event: Event) -> None:
        if event["event"] == "started":
            (child,) = psutil.Process().children()
            child.send_signal(signal.SIGSTOP)
            night.request_yield("WAKE")

    assert asyncio.run(night.run(heard)) is None
    assert night.yield_seconds is not None
    assert 0.15 < night.yield_seconds < 0.25
    whole_or_untouched(home)


def test_a_night_whose_task_is_cancelled_leaves_no_worker(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)

    async def begin_and_cancel() -> None:
        started = asyncio.Event()
        night = Night(Job(home.root, "night", "absent"), yield_within=1.0)
        task = asyncio.create_task(night.run(lambda _: started.set()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(begin_and_cancel())
    assert not psutil.Process().children()
    whole_or_untouched(home)


def test_a_kill_leaves_the_store_before_or_after_a_batch_and_the_next_night_ends_the_work(
    tmp_path: Path,
) -> None:
    undisturbed = killed_after(tmp_path / "undisturbed", None)
    chance = luck("workers")
    for number in range(KILLS):
        moment = (chance.randrange(4), chance.uniform(0.0, 0.0023 * KILLS / 2))
        assert killed_after(tmp_path / str(number), moment) == undisturbed


def killed_after(root: Path, moment: tuple[int, float] | None) -> str:
    """The export after a night that was killed so long after so many words, and the night that finished its work."""
    home = Home(root)
    home.create()
    with closing(open_stores(home)) as stores:
        a_day(stores, 600)
        if moment is not None:
            with worker(home) as process:
                for seen, _ in enumerate(listen(process)):
                    if seen == moment[0]:
                        break
                pause(moment[1])
                process.kill()
            whole_or_untouched(home)
            assert not is_held(home.consolidation_lock)
        report = work_in_a_process(home)
        assert report is not None
        assert report["outcome"] in ("completed", "nothing_to_do")
        assert stores.nights.counts("hash-256")["embedded"] == 601
        assert not stores.nights.unfinished_nights()
        whole_or_untouched(home)
        return export(stores)


def test_of_two_workers_one_is_told_that_the_other_has_the_lock(stores: Stores, home: Home) -> None:
    a_day(stores)
    held = FileLock(home.consolidation_lock)
    assert held.acquire("process 1, night (absent), since noon\n")
    with pytest.raises(NightBusy, match="process 1, night"):
        work_in_a_process(home)
    held.release()
    assert not stores.nights.nights()


def test_two_workers_at_once_do_the_work_once(stores: Stores, home: Home) -> None:
    a_day(stores, 600)
    with worker(home) as one, worker(home) as other:
        ends = [list(listen(process))[-1] for process in (one, other)]
    reports = [end["report"] for end in ends if end["event"] == "report"]
    assert sum(report["expired_pruned"] for report in reports) == 200
    assert len(stores.nights.journal(night=1)) + len(stores.nights.journal(night=2)) == 200 + 193 + 1


def test_a_worker_ends_with_its_parent(stores: Stores, home: Home) -> None:
    a_day(stores, 3000)
    program = (
        "import asyncio, sys; from pathlib import Path; from iai_daemon.consolidation.night import Job, Night\n"
        "job = Job(Path(sys.argv[1]), 'night', 'absent')\n"
        "asyncio.run(Night(job, 1.0).run(lambda event: print(event, flush=True)))"
    )
    with subprocess.Popen([sys.executable, "-c", program, home.root], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    wait_until(lambda: not is_held(home.consolidation_lock))
    whole_or_untouched(home)


def test_a_worker_whose_input_ends_stops_by_itself(stores: Stores, home: Home) -> None:
    """Where the kernel does not tell of a parent's death."""
    a_day(stores, 3000)
    with worker(home) as process:
        assert process.stdin is not None
        process.stdin.close()
        last = list(listen(process))[-1]
    assert (last["report"]["outcome"], last["report"]["reason"]) == (
        "cancelled",
        "the process that started it has gone",
    )


def test_a_worker_leaves_ctrl_c_to_its_parent_and_stops_in_order_when_told_to_end(
    stores: Stores, home: Home
) -> None:
    a_day(stores, 3000)
    with worker(home) as process:
        events = listen(process)
        next(events)
        process.send_signal(signal.SIGINT)
        next(events)
        process.send_signal(signal.SIGTERM)
        last = list(events)[-1]
        assert process.wait() == 0
    assert (last["report"]["outcome"], last["report"]["reason"]) == ("cancelled", "it was told to end")


def test_a_store_that_cannot_be_opened_is_told_in_one_sentence(home: Home) -> None:
    home.memory.write_text("not a database, but a letter of more than a hundred characters " * 3)
    with pytest.raises(NightFailed, match="belongs to another program"):
        work_in_a_process(home)


def test_a_bad_configuration_is_told_in_one_sentence(home: Home) -> None:
    home.config.write_text("[consolidation]\nmax_rounds = 0\n")
    with pytest.raises(NightFailed, match="max_rounds"):
        work_in_a_process(home)


def test_numpy_is_loaded_only_where_there_is_something_to_embed(stores: Stores, home: Home) -> None:
    home.config.write_text('[embedding]\nmodel = "none"\n')
    a_day(stores)
    report = work_in_a_process(home)
    assert report is not None
    assert (report["outcome"], report["nodes_embedded"]) == ("completed", 0)
    program = "import sys, iai_daemon.consolidation.worker, iai_daemon.consolidation.night; print('numpy' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "False"


def test_rounds_and_passes_may_be_asked_for(stores: Stores, home: Home) -> None:
    remember(stores, "the token is abc", expires_at=NOON - 60)
    report = work_in_a_process(home, asked=True, max_rounds=2, passes=["expire"])
    assert report is not None
    assert [each["expired_pruned"] for each in report["rounds"]] == [1, 0]
    assert {each["name"] for each in report["passes"]} == {"expire"}
