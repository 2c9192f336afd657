"""Several daemons, as of several machines, with one memory on a server: one night at a time, and the same nights for all."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from iai_daemon.errors import DaemonMute
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.evening import a_day
from tests.postgres import running

from .real import SHORT, RunningDaemon, call, call_json, until

HERE = socket.gethostname()


def config(address: str) -> str:
    return f'{SHORT}[memory]\nstore = "{address}"\n'


@pytest.fixture
def host(tmp_path: Path) -> Callable[[str, str], Home]:
    """Makes the home of another machine, with its memory at this address."""

    def make(name: str, address: str) -> Home:
        home = Home(tmp_path / name)
        home.create()
        home.config.write_text(config(address))
        return home

    return make


@pytest.fixture
def start() -> Iterator[Callable[[Home, str], RunningDaemon]]:
    with ExitStack() as started:

        def start_one(home: Home, address: str) -> RunningDaemon:
            daemon = RunningDaemon(home, config(address))
            started.callback(daemon.stop)
            return daemon

        yield start_one


Host = Callable[[str, str], Home]
Start = Callable[[Home, str], RunningDaemon]


def fill(home: Home, memories: int) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, memories)


def logged(home: Home, event: str) -> int:
    return sum(json.loads(line)["event"] == event for line in home.log.read_text().splitlines())


def nights(home: Home) -> list[tuple[int, str]]:
    return [(each["id"], each["outcome"]) for each in call_json(home, "nights", "list")["nights"]]


def degraded(daemon: RunningDaemon) -> dict[str, str]:
    """What does not work, by name; nothing while it does not answer."""
    try:
        return {each["what"]: each["why"] for each in daemon.status()["degraded"]}
    except DaemonMute:
        return {}


def last(daemon: RunningDaemon) -> tuple[int | None, str | None]:
    found = daemon.status()["consolidation"]["last"] or {}
    return found.get("id"), found.get("outcome")


def test_one_night_is_done_once_and_is_the_same_night_on_both(
    new_database: Callable[[], str], host: Host, start: Start
) -> None:
    address = new_database()
    mill, barn = host("mill", address), host("barn", address)
    fill(mill, 120)
    daemons = [start(home, address) for home in (mill, barn)]
    for daemon in daemons:
        until(lambda: last(daemon)[1] == "completed", 60)  # noqa: B023 -- it is asked at once
    assert last(daemons[0]) == last(daemons[1])
    assert nights(mill) == nights(barn)
    with closing(open_stores(barn)) as stores:
        counts = stores.nights.counts("hash-256")
        assert (counts["expired"], counts["embedded"]) == (40, counts["total"])
        assert len(stores.tasks.tasks()) == 1
    fill(barn, 30)
    until(lambda: last(daemons[0])[0] == last(daemons[1])[0] != 1, 60)
    assert nights(mill) == nights(barn)
    for daemon in daemons:
        assert not [each for each in daemon.status()["degraded"] if each["what"] in ("nights", "store")]


def test_while_a_night_runs_on_one_host_another_says_so_and_begins_none(
    new_database: Callable[[], str], host: Host, start: Start
) -> None:
    address = new_database()
    mill, barn = host("mill", address), host("barn", address)
    fill(mill, 4000)
    at_work = start(mill, address)
    until(lambda: at_work.status()["consolidation"]["pass"] == "embed", 60)
    waiting = start(barn, address)
    until(lambda: waiting.status()["consolidation"]["elsewhere"] == HERE, 20)
    assert not waiting.status()["consolidation"]["running"]
    assert at_work.status()["consolidation"]["elsewhere"] is None
    refused = call(barn, "consolidate")
    assert refused.returncode != 0
    assert f"on {HERE}, process" in refused.stderr
    begun = logged(barn, "night starts")
    until(lambda: last(waiting)[1] == "completed", 120)
    assert logged(barn, "night starts") <= begun + 1
    assert not [each for each in waiting.status()["degraded"] if each["what"] == "nights"]


def test_a_daemon_says_that_its_server_is_frozen_and_nights_come_again_after_it(
    host: Host, start: Start
) -> None:
    with running(synchronous_commit="on") as server:
        address = server.dsn("postgres")
        mill = host("mill", address)
        fill(mill, 60)
        daemon = start(mill, address)
        until(lambda: last(daemon)[1] == "completed", 60)
        server.freeze()
        until(lambda: "cannot be used now" in degraded(daemon).get("store", ""), 30)
        server.thaw()
        until(lambda: daemon.status()["store"]["memories"], 60)
        fill(mill, 30)
        until(lambda: (last(daemon)[0] or 0) > 1, 60)
        assert "store" not in degraded(daemon)
