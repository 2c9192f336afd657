"""Several daemons on one database: nobody is away while somebody is there, and whoever comes back anywhere ends the night."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import tomli_w

from iai_daemon.clock import Stopwatch
from iai_daemon.paths import Home
from tests.consolidation.commands import command, is_gone, pid_in
from tests.postgres import Server, running

from .real import SHORT, RunningDaemon, RunningWrapper, call, call_json, until
from .real import command as words_of

NewDatabase = Callable[[], str]
Hosts = Callable[..., "RunningHost"]

LEASE = 5.0
NO_NIGHTS = "enabled = false"
# What it writes is there at once and whole, and it ends when it is asked to.
BUSY = """
import os, sys, time
with open(sys.argv[1] + ".part", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
"""


def config(address: str, *, night: str = NO_NIGHTS, tick: str = "2s", idle_after: str = "2s") -> str:
    shared = SHORT.replace("[presence]", f'[presence]\nhost_lease = "{LEASE:g}s"')
    # Wrappers here say something only when they are made to; what is looked at once must not be over by then.
    shared = shared.replace('stale_after = "5s"', 'stale_after = "60s"')
    shared = shared.replace('tick = "2s"', f'tick = "{tick}"')
    shared = shared.replace('idle_after = "600ms"', f'idle_after = "{idle_after}"')
    return f'{shared}{night}\n[memory]\nstore = "{address}"\n'


def with_command(script: str, *arguments: object) -> str:
    table = {"consolidation": {"commands": [command(script, *arguments, shares=True)]}}
    return "passes = []\n" + tomli_w.dumps(table).replace("[consolidation]", "")


class RunningHost(RunningDaemon):
    """One home with its daemon and the wrappers of its user; `before` stands before the daemon's command."""

    def __init__(self, home: Home, settings: str, before: tuple[str, ...] = ()) -> None:
        self.home = home
        self.wrappers: list[RunningWrapper] = []
        home.create()
        home.config.write_text(settings)
        self.process = subprocess.Popen(
            [*before, *words_of(home, "run")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        until(lambda: self.process.poll() is not None or self._answers(), 20)
        assert self.process.poll() is None, self.process.communicate()

    def opens(self) -> RunningWrapper:
        self.wrappers.append(RunningWrapper(self.home))
        return self.wrappers[-1]

    def acts(self, wrapper: RunningWrapper) -> None:
        wrapper.send("tools/call")
        wrapper.answer()

    def sleeps(self) -> None:
        """Asked to; of a call elsewhere it hears up to a second later that it has been answered."""
        until(lambda: call(self.home, "sleep").returncode == 0)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def others(self) -> dict[str, dict[str, Any]]:
        """What it knows of other hosts, by the names of their homes."""
        return {each["name"].partition(":")[2]: each for each in self.status()["hosts"] if not each["this"]}

    def sees(self, *names: str) -> bool:
        return {name for name, each in self.others().items() if not each["lease_over"]} == set(names)

    def degraded(self) -> set[str]:
        return {each["what"] for each in self.status()["degraded"]}

    def logged(self, event: str) -> list[dict[str, Any]]:
        entries = (json.loads(line) for line in self.home.log.read_text().splitlines())
        return [each for each in entries if each["event"] == event]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Hosts]:
    """Starts the daemon of a home with this name."""
    started: list[RunningHost] = []

    def host(name: str, settings: str, before: tuple[str, ...] = ()) -> RunningHost:
        started.append(RunningHost(Home(tmp_path / name), settings, before))
        return started[-1]

    yield host
    for each in started:
        for wrapper in each.wrappers:
            wrapper.leave()
        each.stop()


def test_each_sees_the_other_and_whoever_is_active_there_keeps_it_awake(
    start: Hosts, new_database: NewDatabase
) -> None:
    settings = config(new_database(), idle_after="5s")
    mill, quern = start("mill", settings), start("quern", settings)
    until(lambda: mill.sees("quern") and quern.sees("mill"))
    quern.wait_state("BEDTIME")
    mill.acts(mill.opens())
    quern.wait_state("WAKE")
    reason = quern.status()["reason"]
    assert reason.startswith(("someone was active", "a new wrapper has settled"))
    assert reason.endswith(":mill, 1 wrapper open on " + reason.rpartition(" ")[2])
    told = until(lambda: quern.others()["mill"]["active"] and quern.others()["mill"])
    assert (told["state"], told["wrappers"], told["active"], told["lease_over"]) == ("WAKE", 1, 1, False)
    (this,) = [each for each in quern.status()["hosts"] if each["this"]]
    assert (this["name"].partition(":")[2], this["wrappers"], this["lease_over"]) == ("quern", 0, False)


def test_the_commands_tell_of_other_hosts(start: Hosts, new_database: NewDatabase) -> None:
    settings = config(new_database())
    mill, quern = start("mill", settings), start("quern", settings)
    wrapper = mill.opens()
    mill.acts(wrapper)
    until(lambda: quern.sees("mill") and quern.others()["mill"]["wrappers"] == 1)
    assert ":mill: " in call(quern.home, "status").stdout
    seen = call_json(quern.home, "presence")
    assert seen["wrappers"] == []
    (there,) = seen["elsewhere"]
    assert there["host"].endswith(":mill")
    assert not there["headless"]
    assert ":mill, " in call(quern.home, "presence").stdout


@pytest.mark.parametrize("killed", [False, True])
def test_who_is_gone_no_longer_counts(start: Hosts, new_database: NewDatabase, killed: bool) -> None:
    """At once after a clean end; after a kill when the lease is over."""
    settings = config(new_database())
    mill, quern = start("mill", settings), start("quern", settings)
    mill.opens()
    quern.wait_state("WAKE")
    quern.wait_state("IDLE", "idle")
    if killed:
        mill.kill()
    else:
        mill.stop()
    watch = Stopwatch()
    quern.wait_state("BEDTIME", "absent")
    if killed:
        assert LEASE / 2 < watch.seconds() < LEASE + 3.0
        assert quern.others()["mill"]["lease_over"]
        assert quern.logged("host has not been heard of")
        assert "has not been heard of for" in call(quern.home, "status").stdout
    else:
        assert watch.seconds() < LEASE / 2 + 1.0
        assert quern.others() == {}


def stopped_in(last: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """How the last night ended, and in which pass; what the server tells of it comes at a later look."""
    return (last["outcome"], last["stopped"]["pass"]) if last and last["stopped"] else None


def test_whoever_comes_back_on_one_host_ends_the_night_on_another_within_two_seconds(
    tmp_path: Path, start: Hosts, new_database: NewDatabase
) -> None:
    address, begun = new_database(), tmp_path / "pid"
    took = []
    mill = start("mill", config(address))
    wrapper = mill.opens()
    mill.acts(wrapper)
    quern = start("quern", config(address, night=with_command(BUSY, begun)))
    until(lambda: quern.sees("mill") and mill.sees("quern"))
    # What was done before is known there, too: else it ends the first night instead of what is done now.
    mill.acts(wrapper)
    quern.wait_state("WAKE")
    for _ in range(3):
        quern.sleeps()
        until(begun.exists, 20)
        until(lambda: mill.others()["quern"]["night"] is not None)
        watch = Stopwatch()
        mill.acts(wrapper)
        until(lambda: not quern.status()["consolidation"]["running"])
        took.append(watch.seconds())
        assert is_gone(pid_in(begun))
        begun.unlink()
        until(lambda: stopped_in(quern.status()["consolidation"]["last"]) == ("yielded", "command:tidy"))
    assert max(took) < 2.0, took
    assert statistics.median(took) < 1.5, took


def test_a_sleep_that_was_asked_for_on_one_host_is_about_that_host(
    start: Hosts, new_database: NewDatabase
) -> None:
    settings = config(new_database(), idle_after="1h")
    mill, quern = start("mill", settings), start("quern", settings)
    wrapper = mill.opens()
    mill.acts(wrapper)
    quern.wait_state("WAKE")
    until(lambda: quern.others()["mill"]["active"] == 1)
    quern.sleeps()
    assert quern.state() == ("BEDTIME", "asked")
    assert mill.state()[0] == "WAKE"
    mill.acts(wrapper)
    quern.wait_state("WAKE")


def test_a_call_in_flight_elsewhere_keeps_a_host_from_sleeping(
    start: Hosts, new_database: NewDatabase
) -> None:
    settings = config(new_database())
    mill, quern = start("mill", settings), start("quern", settings)
    wrapper = mill.opens()
    wrapper.send("tools/call")
    until(lambda: "in flight" in call(quern.home, "sleep").stderr)
    assert ":mill" in call(quern.home, "sleep").stderr
    wrapper.answer()
    quern.sleeps()


def test_three_hosts_with_a_server_that_crashes_find_each_other_again(start: Hosts) -> None:
    with running() as server:
        settings = config(_database(server))
        mill, quern, loom = (start(name, settings) for name in ("mill", "quern", "loom"))
        everybody = {"mill": mill, "quern": quern, "loom": loom}
        wrapper = mill.opens()
        mill.acts(wrapper)
        for name, each in everybody.items():
            until(lambda name=name, each=each: each.sees(*(everybody.keys() - {name})), 20)
        server.crash()
        for each in everybody.values():
            until(lambda each=each: "hosts" in each.degraded(), 20)
        until(quern.sees, 20)
        server.start()
        for name, each in everybody.items():
            until(lambda name=name, each=each: each.sees(*(everybody.keys() - {name})), 40)
            until(lambda each=each: "hosts" not in each.degraded())
        mill.acts(wrapper)
        quern.wait_state("WAKE")


def test_a_daemon_with_a_server_stays_small(start: Hosts, new_database: NewDatabase) -> None:
    """The driver and its libraries are all that it has more than one with a file."""
    settings = config(new_database())
    mill, quern = start("mill", settings), start("quern", settings)
    until(lambda: mill.sees("quern"))
    for each in (mill, quern):
        assert psutil.Process(each.process.pid).memory_info().rss < 60_000_000


def _database(server: Server) -> str:
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shared")
    return server.dsn("shared")


# --- two machines, as far as the network is concerned


class Cable:
    """A network of its own for processes that `before` starts, and the wire to it that can be cut; `server` is our end."""

    def __init__(self, number: int) -> None:
        self.name = f"iai{os.getpid() % 100_000}x{number}"
        self._wire = f"{self.name}w"
        self.network = f"10.213.{number}.0/30"
        self.server = f"10.213.{number}.1"
        self.before = ("ip", "netns", "exec", self.name)
        self._peer = f"10.213.{number}.2"

    def lay(self) -> None:
        """Raises CalledProcessError where that is not allowed."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self._wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("address", "add", f"{self.server}/30", "dev", self._wire)
        _ip("link", "set", self._wire, "up")
        _ip("-n", self.name, "address", "add", f"{self._peer}/30", "dev", "eth0")
        _ip("-n", self.name, "link", "set", "eth0", "up")
        _ip("-n", self.name, "link", "set", "lo", "up")

    def cut(self) -> None:
        _ip("link", "set", self._wire, "down")

    def mend(self) -> None:
        _ip("link", "set", self._wire, "up")

    def remove(self) -> None:
        for words in (("link", "delete", self._wire), ("netns", "delete", self.name)):
            subprocess.run([shutil.which("ip") or "ip", *words], check=False, capture_output=True, timeout=30)


def _ip(*words: str) -> None:
    subprocess.run([shutil.which("ip") or "ip", *words], check=True, capture_output=True, timeout=30)


@contextmanager
def cables(count: int) -> Iterator[list[Cable]]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("networks of their own take root and ip(8)")
    with ExitStack() as ends:
        laid = [Cable(number) for number in range(1, count + 1)]
        for each in laid:
            ends.callback(each.remove)
            try:
                each.lay()
            except subprocess.CalledProcessError as cause:
                pytest.skip(f"no network can be made here: {cause.stderr.decode().strip()}")
        yield laid


def test_a_network_that_is_cut_and_mended(tmp_path: Path, start: Hosts) -> None:
    with cables(2) as (first, second):
        trust = tmp_path / "hba"
        trust.write_text(
            "".join(f"host all all {net} trust\n" for net in ("127.0.0.1/32", first.network, second.network))
        )
        reached_at = f"127.0.0.1,{first.server},{second.server}"
        with running(listen_addresses=reached_at, hba_file=str(trust)) as server:
            address = _database(server)
            near, far = (address.replace("127.0.0.1", each.server) for each in (first, second))
            mill = start("mill", config(near), first.before)
            quern = start("quern", config(far), second.before)
            until(lambda: mill.sees("quern") and quern.sees("mill"), 20)
            wrapper = mill.opens()
            mill.acts(wrapper)
            quern.wait_state("WAKE")
            first.cut()
            watch = Stopwatch()
            until(quern.sees, 20)
            assert watch.seconds() < LEASE + 3.0
            until(lambda: "hosts" in mill.degraded(), 20)
            assert quern.degraded() == set()
            until(mill.sees, 20)
            until(lambda: "no night while other hosts cannot be seen" in mill.status()["reason"], 20)
            first.mend()
            until(lambda: mill.sees("quern") and quern.sees("mill"), 40)
            until(lambda: "hosts" not in mill.degraded())
            mill.acts(wrapper)
            quern.wait_state("WAKE")
