"""Runs one bench in a process of its own, with a place of its own, and sees to it that nothing of it stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import peers
from benchmarks.figures import Result, from_json
from benchmarks.measuring import Effort

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
BENCHES = (
    "wrapper", "relays", "server", "servers", "rest", "daemon", "presence", "commands", "agenda", "schedulers",
    "night", "users", "likeness", "corrections", "quality", "memory", "postgres",
)  # fmt: skip
# Seconds in which a bench must be over, and in which one that is stopped puts away what it has started.
_LONGEST, _GRACE = 1800, 30


class BenchFailed(Exception):
    """A bench that gave no figures, or left something behind."""


def run(name: str, effort: Effort) -> Result:
    """Measure. Raises BenchFailed with what is known of it."""
    peers.prepare(peers.BESIDE.get(name, ()))
    place = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    place.chmod(0o711)  # a server of a database runs as another user below it
    temporary, found = place / "tmp", place / "found.json"
    temporary.mkdir(mode=0o711)
    try:
        status = _follow([sys.executable, "-m", "benchmarks.one", name, str(found), *_words(effort)], place)
        told = found.read_text(encoding="utf-8") if found.exists() else ""
    finally:
        left = _left(place)
        shutil.rmtree(place, ignore_errors=True)
    if status or not told:
        raise BenchFailed(f"{name} ended with status {status}")
    if left:
        raise BenchFailed(f"{name} left behind: {', '.join(left)}")
    return from_json(json.loads(told))


def _words(effort: Effort) -> list[str]:
    words = ["--quick"] if effort.quick else []
    for option in ("rounds", "records", "data"):
        value = getattr(effort, option)
        words += [f"--{option}", str(value)] if value is not None else []
    return words


def _follow(argv: Sequence[str], place: Path) -> int:
    """In a session of its own: who stops us with Ctrl-C stops it by us, once, so that it can put its things away."""
    process = subprocess.Popen(argv, cwd=ROOT, env=_environment(place), start_new_session=True)
    try:
        return process.wait(_LONGEST)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _environment(place: Path) -> dict[str, str]:
    """Nothing of the home of whoever measures, and a name by which all that is started here is known."""
    foreign = ("IAI_", "XDG_", "TESTS_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "HOME": str(place), "TMPDIR": str(place / "tmp")}


def _left(place: Path) -> list[str]:
    """Files, and processes that were started there; these are ended. What ends by itself gets a moment."""
    deadline = time.monotonic() + 5.0
    while (started := _started_in(place)) and time.monotonic() < deadline:
        psutil.wait_procs(started, 0.1)
    for process in started:
        process.kill()
    files = [path.name for path in (place / "tmp").iterdir()]
    return [*files, *(f"the process {process.pid}" for process in started)]


def _started_in(place: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(place / "tmp"):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def write(result: Result, folder: Path) -> None:
    """Beside the results of the other benches."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(result.as_json(), indent=1, ensure_ascii=False)
    (folder / f"{result.bench}.json").write_text(text + "\n", encoding="utf-8")


def results(folder: Path = RESULTS) -> list[Result]:
    """Those in this folder, in the order in which the benches run."""
    found = [from_json(json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
    order = {name: place for place, name in enumerate(BENCHES)}
    return sorted(found, key=lambda each: (order.get(each.bench, len(order)), each.bench))
