"""What the soak sees from outside: figures of processes and files, and whether what must never be otherwise is so."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from iai_daemon.agenda.recall import State
from tests.soak.accounting import DEGRADED
from tests.soak.figures import Measure
from tests.soak.guests import Guest
from tests.soak.house import House

_MB = 1e6
# How much the daemon may grow in one life beyond its warm-up, and hold; and what nothing of the home may exceed.
MEASURES = (
    Measure("daemon RSS", "MB", _MB, bound=1.5),
    Measure("daemon descriptors", "", bound=2),
    Measure("daemon threads", "", bound=1),
    Measure("daemon children", "", bound=1),
    Measure("wrapper RSS, largest", "MB", _MB, bound=1.0),
    Measure("heartbeat files", ""),
    Measure("store", "MB", _MB),
    Measure("store's log (WAL)", "MB", _MB, most=24.0),
    Measure("home", "MB", _MB),
)


def figures(house: House, guests: Iterable[Guest]) -> dict[str, float]:
    """By the names of MEASURES; what cannot be seen at this moment is left out."""
    seen: dict[str, float] = {}
    if house.daemon is not None and house.daemon.poll() is None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(house.daemon.pid)
            with process.oneshot():
                seen["daemon RSS"] = process.memory_info().rss
                seen["daemon threads"] = process.num_threads()
            seen["daemon descriptors"] = process.num_fds()
            seen["daemon children"] = len(process.children(recursive=True))
    sizes = []
    for guest in guests:
        with contextlib.suppress(psutil.Error):
            sizes.append(psutil.Process(guest.process.pid).memory_info().rss)
    if sizes:
        seen["wrapper RSS, largest"] = max(sizes)
    memory = house.home.memory
    seen["store"], seen["store's log (WAL)"] = _size(memory), _size(memory.with_name(memory.name + "-wal"))
    seen["home"] = sum(_size(path) for path in house.home.root.rglob("*"))
    seen["heartbeat files"] = sum(1 for _ in house.home.wrappers.iterdir())
    return seen


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def ours(house: House) -> Iterator[psutil.Process]:
    """Every process that the soak and what it started have started, and that has not ended; by a variable of the environment,
    or by the home in its command line: agents get an environment of their own."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == psutil.Process().pid:
                continue
            environment = process.environ()
            if environment.get("IAI_SOAK") == str(house.root) or str(house.root) in " ".join(
                process.cmdline()
            ):
                yield process


def children(house: House) -> list[psutil.Process]:
    """What the daemon has started, and what that has."""
    if house.daemon is None:
        return []
    try:
        return psutil.Process(house.daemon.pid).children(recursive=True)
    except psutil.Error:
        return []


def wrong_about_daemons(house: House) -> Iterator[str]:
    """There is one, and it is the one that was started."""
    found = [each.pid for each in ours(house) if _is_daemon(each)]
    if house.daemon is not None and house.daemon.poll() is None and found != [house.daemon.pid]:
        yield f"daemons {found}, where {house.daemon.pid} alone was started"


def _is_daemon(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[-1:] == ["run"]
    return False


def wrong_about_status(
    status: dict[str, Any], present: int, deeds: Mapping[str, int], *, settled: bool
) -> Iterator[str]:
    """The state is explained by who is there, and what does not work by what was done. `present`: how many wrappers live;
    `settled`: nobody came or went lately."""
    presence, state = status["presence"], status["state"]
    if presence["active"] and state != "WAKE":
        yield f"somebody is active, and it is {state} ({status['rule']})"
    if state == "WAKE" and status["rule"] == "active" and not presence["fresh"]:
        yield "it is WAKE because of somebody active, and nobody is here"
    if settled and presence["fresh"] != present:
        yield f"{presence['fresh']} wrappers are FRESH where {present} live: {presence}"
    if status["tick"]["failures"]:
        yield f"the loop has failed {status['tick']['failures']} times"
    for each in status["degraded"]:
        if not any(cause.explains(each) and deeds.get(cause.cause) for cause in DEGRADED):
            yield f"degraded: {each['what']}: {each['why']}"


def at_work(house: House, status: dict[str, Any] | None, occurrences: Iterable[dict[str, Any]]) -> str:
    """Who or what is not at rest; empty when everything is."""
    if status is None:
        return "the daemon does not answer"
    if status["presence"]["fresh"]:
        return f"wrappers are FRESH: {status['here']}"
    if status["consolidation"]["running"]:
        return f"a night runs: {status['consolidation']}"
    last = status["consolidation"]["last"]
    if last is not None and last["outcome"] not in ("completed", "nothing_to_do"):
        return f"the last night was {last['outcome']}, and another one comes"
    waiting = [each for each in occurrences if each["state"] in (State.PLANNED, State.CLAIMED, State.RUNNING)]
    if waiting:
        return f"a recall is {waiting[0]['state']}"
    return next(
        (f"{each.name()} {each.pid} is still there" for each in ours(house) if not _is_daemon(each)), ""
    )


def wrong_about_nights(
    nights: Iterable[dict[str, Any]], deeds: Mapping[str, int], days: int
) -> Iterator[str]:
    """None has failed but those that were killed, and at least one came to its end."""
    failed = [each for each in nights if each["outcome"] == "failed"]
    if len(failed) > deeds.get("kill the worker", 0) + deeds.get("kill the daemon", 0):
        yield from (f"night {each['id']} failed: {each['reason']}" for each in failed)
    if days > 1 and not any(each["outcome"] == "completed" for each in nights):
        yield "no night has completed"


def wrong_about_recalls(house: House, occurrences: Iterable[dict[str, Any]]) -> Iterator[str]:
    """No agent was woken twice for one time, none that is done was never woken, and none is left in the middle."""
    woken = Counter(house.ledger.read_text(encoding="utf-8").split() if house.ledger.exists() else [])
    yield from (f"{message} was woken {count} times" for message, count in woken.items() if count > 1)
    done = 0
    for each in occurrences:
        done += each["state"] == State.DONE
        if each["state"] in (State.CLAIMED, State.RUNNING):
            yield f"recall {each['recall']} is left {each['state']}"
    if done > len(woken):
        yield f"{done} occurrences are done, and {len(woken)} agents were woken"


def wrong_about_store(house: House, told: set[str]) -> Iterator[str]:
    """It is whole, and holds everything that was told."""
    connection = sqlite3.connect(house.home.memory)
    try:
        for pragma in ("integrity_check", "foreign_key_check"):
            rows = connection.execute(f"PRAGMA {pragma}").fetchall()
            if rows not in ([("ok",)], []):
                yield f"{pragma}: {rows[:3]}"
    finally:
        connection.close()
    kept = {json.loads(line)["content"] for line in house.ask("memory", "export").splitlines()}
    lost = sorted(told - kept)
    if lost:
        yield f"{len(lost)} of {len(told)} memories are not there any more, such as {lost[0]!r}"


def log_entries(house: House) -> Iterator[dict[str, Any]]:
    """All of the daemon's log, in files that were rotated, too."""
    for path in sorted(
        house.home.log.parent.glob(f"{house.home.log.name}*"), key=lambda path: path.stat().st_mtime
    ):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def said_unasked(house: House) -> Iterator[str]:
    """What processes wrote to standard error."""
    for path in sorted(house.root.glob("said-*.txt")):
        if text := path.read_text(encoding="utf-8", errors="replace").strip():
            yield f"{path.stem.removeprefix('said-')} said: {text[-600:]}"
