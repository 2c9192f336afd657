"""Memory: a worker keeps to its limit, a pass that needs more takes less at a time, and a kill by the kernel is recognised."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.consolidation.child import kills_for_memory
from iai_daemon.errors import NightFailed
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, a_day, remember
from tests.consolidation.own_worker import HUNGER, program
from tests.consolidation.working import whole_or_untouched, work
from tests.project.source import ROOT

LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits and counts a process' own memory"
)


def allow(home: Home, size: str) -> None:
    home.config.write_text(f'[consolidation]\nmemory_limit = "{size}"\n')


def take(stores: Stores, records: int, content: str = "note", **fields: Any) -> None:
    at = NOW / 1000 - 600
    drafts = [Draft(f"{number} {content}", created_at=at + number, **fields) for number in range(records)]
    stores.memory.import_many(drafts, NOW)


@LINUX
def test_a_pass_that_needs_more_than_the_limit_takes_half_as_much_the_next_night_and_gets_through(
    stores: Stores, home: Home
) -> None:
    take(stores, 30)
    allow(home, "256MB")
    failed = work(home, program("hungry")).report
    assert failed is not None
    assert (failed["outcome"], failed["reason"]) == (
        "failed",
        "the pass hungry failed (it had too little memory)",
    )
    assert stores.nights.hindrances()["hungry"].portion == 8
    done = work(home, program("hungry")).report
    assert done is not None
    assert (done["outcome"], done["passes"][0]["examined"]) == ("completed", 30)
    assert 8 * HUNGER < done["peak_rss_bytes"] < 256e6
    assert stores.nights.hindrances()["hungry"].portion == 8
    assert stores.nights.hindrances()["hungry"].failures == 0


def test_the_same_pass_gets_through_at_once_where_it_may_have_the_memory(stores: Stores, home: Home) -> None:
    take(stores, 30)
    done = work(home, program("hungry")).report
    assert done is not None
    assert (done["outcome"], stores.nights.hindrances()) == ("completed", {})
    assert done["peak_rss_bytes"] > 16 * HUNGER


@LINUX
def test_a_database_that_runs_out_of_memory_in_the_middle_of_a_batch_leaves_nothing_of_it(
    stores: Stores, home: Home
) -> None:
    take(stores, 10)
    allow(home, "600MB")
    failed = work(home, program("verbose")).report
    assert failed is not None
    assert failed["reason"] == "the pass verbose failed (it had too little memory)"
    assert (stores.nights.counts()["total"], stores.nights.journal(night=1)) == (10, [])
    whole_or_untouched(home)


@LINUX
def test_the_smallest_limit_is_enough_for_every_pass_however_long_the_notes(
    stores: Stores, home: Home
) -> None:
    take(stores, 150, "🦉" * 65_000)
    a_day(stores, 300)
    allow(home, "128MB")
    done = work(home).report
    assert done is not None
    assert (done["outcome"], done["embedding_coverage"]) == ("completed", 1.0)


def test_a_limit_that_would_end_every_night_is_refused(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    allow(home, "127MB")
    with pytest.raises(NightFailed, match=r"consolidation\.memory_limit must be at least 128MB"):
        work(home)


@contextlib.contextmanager
def group(memory: str) -> Iterator[Path]:
    """A control group of our own, below the one that we are in, which may have so much memory."""
    if sys.platform != "linux":
        pytest.skip("only Linux has control groups")
    inside = dict(line.split(":", 2)[1:] for line in Path("/proc/self/cgroup").read_text().splitlines())
    if "memory" not in inside:
        pytest.skip("the memory controller of the first version is not in use here")
    made = Path(f"/sys/fs/cgroup/memory{inside['memory']}") / f"iai-daemon-tests-{os.getpid()}"
    try:
        made.mkdir()
        (made / "memory.limit_in_bytes").write_text(memory)
    except OSError as cause:
        pytest.skip(f"no control group can be made here: {cause}")
    try:
        yield made
    finally:
        made.rmdir()


# A night as its parent sees it: the report's outcome, else how the worker ended.
PARENT = """
import sys
from pathlib import Path
from iai_daemon.paths import Home
from tests.consolidation.own_worker import program
from tests.consolidation.working import work
worked = work(Home(Path(sys.argv[1])), program("hungry"))
print(worked.report["outcome"] if worked.report else worked.said)
"""


def work_in(group: Path, home: Home) -> str:
    """A night whose parent and worker are both in that group."""
    enter = f'echo $$ > {group}/cgroup.procs && exec "$@"'
    words = ["/bin/sh", "-c", enter, "sh", sys.executable, "-c", PARENT, str(home.root)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    return done.stdout.strip()


def test_a_worker_that_the_kernel_kills_for_memory_is_known_as_such_and_the_next_one_takes_less(
    stores: Stores, home: Home
) -> None:
    take(stores, 30)
    said = "the kernel killed its worker because memory ran short in the pass hungry"
    with group("220M") as small:
        assert work_in(small, home) == said
        assert work_in(small, home) == "completed"
    killed = stores.nights.night(1)
    assert (killed.outcome, killed.reason) == ("failed", f"{said}; what it had done stands")
    assert stores.nights.hindrances()["hungry"].portion == 8
    whole_or_untouched(home)
    assert not home.killed_night.exists()


@pytest.mark.parametrize(
    ("groups", "counter"),
    [
        ("0::/user.slice/a b:c", "sys/fs/cgroup/user.slice/a b:c/memory.events"),
        ("9:name=systemd:/\n4:cpu,memory:/jobs/7\n0::/", "sys/fs/cgroup/memory/jobs/7/memory.oom_control"),
        ("", "proc/vmstat"),
        (None, "proc/vmstat"),
    ],
)
def test_kills_are_counted_where_this_machine_counts_them(
    tmp_path: Path, groups: str | None, counter: str
) -> None:
    assert kills_for_memory(tmp_path) is None
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 11\noom_kill 4\n")
    if groups is not None:
        (tmp_path / "proc/self/cgroup").write_text(groups + "\n")
    (tmp_path / counter).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / counter).write_text("oom 99\noom_kill 3\noom_group_kill 12\n")
    assert kills_for_memory(tmp_path) == 3
