"""What is kept in files is killed, or fails, at every system call of its writing: there is the old or the new, and never a part."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from iai_daemon import clock, lines
from iai_daemon.config import load
from iai_daemon.control.client import ask
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.lifecycle import history, saved
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks
from iai_daemon.presence.heartbeat import Heartbeat, parse
from tests.faults.injecting import CHANGES, KILLED, REFUSED, Call, Deed, deed, looking_at
from tests.journeys.real import RunningDaemon

# A daemon that ends writes all that it keeps of the lifecycle: the standing, the history, who was here.
STATE = """
from pathlib import Path
from iai_daemon.clock import Now
from iai_daemon.lifecycle.books import Books
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.states import State
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks

NOON = Now(1_795_262_400.0, 10_000.0, 10_000.0)

def prepare(root):
    books = Books(Home(Path(root)), "a-boot")
    books.resume(NOON)
    standing = Standing(State.BEDTIME, 9_000.0, 9_000.0, rule="asked", reason="somebody asked")
    def act():
        books.tell(Transition(NOON.wall, State.IDLE, State.BEDTIME, "asked", "somebody asked", {}))
        books.keep(standing, NOON, Clocks(), closing=True)
        if books.trouble:
            raise OSError(str(books.trouble))
    return act
"""
SETTINGS = """
import io, tempfile
from contextlib import redirect_stdout
from iai_daemon.__main__ import main

def change(root):
    return main(["--home", root, "config", "set", "lifecycle.tick", "10s"])

# Everything that this loads late is loaded by now.
with tempfile.TemporaryDirectory() as elsewhere, redirect_stdout(io.StringIO()):
    change(elsewhere)

def prepare(root):
    def act():
        if status := change(root):
            raise OSError(f"exit status {status}")
    return act
"""
# The second one, which takes the first one's place. The wrapper says what went wrong, and relays.
HEARTBEAT = """
import iai_heartbeat as wrapper

def prepare(root):
    seen = wrapper.Seen()
    beat = wrapper.Heartbeat(root, wrapper.describe("cat", 1, 1), seen)
    beat.keep()
    def act():
        seen.activity_count, seen.news, seen.urgent = 7, True, True
        beat.keep()
    return act
"""


@dataclass(frozen=True)
class Kept:
    """Something that is written. `look` tells what is there, and fails where it is not whole."""

    program: str
    look: Callable[[Home], object]


def _standing(home: Home) -> object:
    resumed = saved.resume(home.state, clock.read(), "a-boot")
    assert resumed.trouble is None
    return resumed.standing.state, resumed.standing.rule


def _tick(home: Home) -> object:
    return load(home).lifecycle.tick, home.config.read_text()


def _activity(home: Home) -> object:
    (path,) = home.wrappers.glob("heartbeat-*.json")
    beat = parse(path.name, path.read_bytes(), 0.0)
    assert isinstance(beat, Heartbeat)
    assert beat.fallback is None
    return beat.activity_count


KEPT = {
    "state": Kept(STATE, _standing),
    "settings": Kept(SETTINGS, _tick),
    "heartbeat": Kept(HEARTBEAT, _activity),
}


def a_home(root: Path) -> Home:
    """As it was before."""
    home = Home(root)
    home.create()
    home.config.write_text("# mine\n[lifecycle]\ntick = '20s'\n")
    now = clock.read()
    saved.save(home.state, Standing(State.IDLE, now.awake, now.awake, rule="idle"), now, "a-boot", Clocks())
    return home


@dataclass(frozen=True)
class Tried:
    """What is written, how, at which calls it can be met, and what there is before and after."""

    what: Kept
    deed: Deed
    calls: list[Call]
    whole: tuple[object, object]


@pytest.fixture(params=KEPT)
def tried(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tried]:
    what = KEPT[request.param]
    with deed(what.program, tmp_path / "calls") as done:
        home = a_home(tmp_path / "undisturbed")
        before = 0 if request.param == "heartbeat" else what.look(home)
        calls = done.calls(home.root)
        assert {"openat", "write", "close", "rename"} <= {each.name for each in calls}
        yield Tried(what, done, calls, (before, what.look(home)))


def test_whatever_the_system_call_at_which_it_is_killed_the_old_stands_or_the_new(
    tried: Tried, tmp_path: Path
) -> None:
    found = []
    for number, call in enumerate(tried.calls):
        home = a_home(tmp_path / str(number))
        assert tried.deed.do(home.root, call.killed()) == KILLED, call
        found.append(tried.what.look(home))
        _assert_followed(home)
    assert found == sorted(found, key=tried.whole.index), "what is there once stays"
    assert set(found) == set(tried.whole)


def _assert_followed(home: Home) -> None:
    """No half line is taken for a whole one, and who comes next goes on behind it."""
    lines.append(home.history, {"to": "WAKE", "rule": "started"}, 10_000)
    told = [each["rule"] for each in history.read(home.history)]
    assert told in (["started"], ["asked", "started"], ["asked", "stopped", "started"]), told
    for path in home.wrappers.glob("*.json"):
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_whatever_the_system_call_that_fails_the_old_stands_or_the_new_and_nothing_lies_about(
    tried: Tried, tmp_path: Path
) -> None:
    """A write that fails is an error with a name, and not the end of who wrote."""
    for number, call in enumerate(each for each in tried.calls if each.name in CHANGES):
        for error in ("ENOSPC", "EIO"):
            home = a_home(tmp_path / f"{number} {error}")
            assert tried.deed.do(home.root, call.failing(error)) in (0, REFUSED), (call, error)
            assert tried.what.look(home) in tried.whole, (call, error)
            assert not [path for path in home.root.rglob("*.tmp") if call.name not in ("unlink", "unlinkat")]


# --- a real daemon, which is asked to sleep and dies in writing it down

CONFIG = """
[lifecycle]
tick = "1h"
idle_after = "1h"
[consolidation]
enabled = false
"""
OF_A_SAVE = ("openat", "write", "fsync", "close", "rename")


@pytest.mark.parametrize("call", OF_A_SAVE)
def test_a_daemon_that_dies_in_writing_its_state_is_followed_by_one_that_knows_where_it_stood(
    home: Home, call: str
) -> None:
    daemon = RunningDaemon(home, CONFIG)
    temporary = home.state.with_name(f".{home.state.name}.{daemon.process.pid}.tmp")
    watched = ("-P", str(temporary), "-e", Call(call, 1).killed())
    with looking_at(daemon.process.pid, *watched), suppress(DaemonAway, DaemonMute):
        ask(home, "sleep", {"for": "1h"})
    assert daemon.process.wait(20) == KILLED
    daemon.process.communicate()
    following = RunningDaemon(home, CONFIG)
    try:
        seen = following.status()
        assert (seen["state"], seen["rule"]) == ("IDLE", "nobody")
        assert not seen["degraded"]
    finally:
        assert following.stop() == ""
    told = [(each["to"], each["rule"]) for each in history.read(home.history)]
    assert told[:2] == [("WAKE", "started"), ("IDLE", "nobody")]
    assert told[2:] in ([("BEDTIME", "asked"), ("IDLE", "started")], [("IDLE", "started")])
