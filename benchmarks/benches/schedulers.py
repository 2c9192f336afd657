"""The agenda beside APScheduler 3 with its job store on a file of SQLite: both keep what is planned over a restart.

Each ratio is ours in theirs. Ours writes down more: the plan, its session, and the occurrence that will be claimed once and never twice.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.benches.agenda import add
from benchmarks.figures import Absent, Figure, ratio
from benchmarks.measuring import Effort, seconds
from benchmarks.peers import APSCHEDULER, found
from iai_daemon.agenda.store.opening import open_agenda
from iai_daemon.paths import Home

PLANNED = 1_000
_ASKED = 100
# The calls that its own scheduler makes each time it wakes up, and when somebody adds a job.
_THEIRS = """
import json, statistics, sys, time
from datetime import datetime, timedelta, timezone
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
number, asked, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(url=f"sqlite:///{path}")}, timezone="UTC")
scheduler.start(paused=True)
store = scheduler._jobstores["default"]
far, now = datetime.now(timezone.utc) + timedelta(days=1), datetime.now(timezone.utc)
began = time.perf_counter()
for each in range(number):
    scheduler.add_job(print, "date", run_date=far + timedelta(milliseconds=each), args=[f"n{each}"], id=f"n{each}")
added = (time.perf_counter() - began) / number
times = []
for _ in range(asked):
    began = time.perf_counter()
    store.get_due_jobs(now)
    store.get_next_run_time()
    times.append(time.perf_counter() - began)
scheduler.shutdown()
print(json.dumps({"added": added, "asked": statistics.median(times)}))
"""


def measure(effort: Effort) -> Iterator[Figure | Absent]:
    """Both in every round."""
    if absent := found(APSCHEDULER):
        yield absent
        return
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for _ in range(effort.turns(2, 5)):
        with tempfile.TemporaryDirectory() as name:
            ours.append(_ours(Path(name) / "home"))
            theirs.append(_theirs(Path(name) / "jobs.db"))
    name = APSCHEDULER.name
    for key, words in (("added", "one that is added"), ("asked", "asking what is due")):
        taken = ([each[key] for each in side] for side in (ours, theirs))
        yield ratio(f"{words}, of {PLANNED:,}", *taken, "s", name, needs=name)


def _ours(root: Path) -> dict[str, float]:
    home = Home(root)
    home.create()
    with closing(open_agenda(home)) as opened:
        agenda = opened.store
        far = time.time_ns() // 1_000_000 + 86_400_000
        added = seconds(lambda: [add(agenda, f"n{n}", far + n) for n in range(PLANNED)]) / PLANNED
        asked = statistics.median(seconds(lambda: agenda.next_try_at(0)) for _ in range(_ASKED))
    return {"added": added, "asked": asked}


def _theirs(path: Path) -> dict[str, float]:
    done = subprocess.run(
        [APSCHEDULER.path, "-c", _THEIRS, str(PLANNED), str(_ASKED), str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told
