"""Stages for faults: a namespace whose disks, limits and machine may be broken, and the real processes that live in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from iai_daemon.paths import Home
from tests.journeys.real import RunningDaemon, RunningWrapper, command, until

# Wrappers refresh every 30 s: nobody goes stale meanwhile. What only a tick finds is found soon.
CONFIG = """
[presence]
stale_after = "90s"
settle_after = "100ms"
[lifecycle]
tick = "300ms"
idle_after = "200ms"
absent_for = "300ms"
[consolidation]
naps = false
interval = "0s"
"""
# Whatever is found is found by an event.
NO_TICK = CONFIG.replace('tick = "300ms"', 'tick = "1h"')


def also(directory: Path, config: str = CONFIG) -> str:
    """The same, with one more directory of wrappers."""
    return config.replace("[presence]", f'[presence]\nwrappers_dirs = ["{{home}}/wrappers", "{directory}"]')


class Stage:
    """A process that keeps namespaces of its own (`kinds` as unshare(1) names them) while it lives, and the way in."""

    def __init__(self, *kinds: str) -> None:
        if sys.platform != "linux" or not (shutil.which("unshare") and shutil.which("nsenter")):
            pytest.skip("no namespace can be made here without Linux, unshare and nsenter")
        private = ["--propagation", "private"] if "--mount" in kinds else []
        self._kinds = [kind for kind in kinds if kind != "--map-root-user"]
        words = ["unshare", *kinds, *private, "cat"]
        self._keeper = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(b"\n")
        self._keeper.stdin.flush()
        if not self._keeper.stdout.read(1):
            pytest.skip(f"no namespace can be made here: {self._keeper.communicate()[1].decode()}")

    @property
    def before(self) -> list[str]:
        """What to put before a command that is to run in here."""
        keep = ["--preserve-credentials"] if "--user" in self._kinds else []
        return ["nsenter", f"--target={self._keeper.pid}", *self._kinds, *keep, "--"]

    def run(self, *words: str | Path) -> None:
        """One command in here; raises CalledProcessError when it fails."""
        subprocess.run([*self.before, *map(str, words)], check=True, capture_output=True, timeout=30)

    def seen(self, path: Path) -> Path:
        """A path in here, as processes elsewhere reach it."""
        return Path(f"/proc/{self._keeper.pid}/root{path}")

    def close(self) -> None:
        self._keeper.communicate(timeout=10)


class _Daemon(RunningDaemon):
    """One that is started by other words, and found at another path, than usual."""

    def __init__(self, home: Home, words: Sequence[str]) -> None:
        self.home = home
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_started(self) -> None:
        until(lambda: self.process.poll() is not None or self._answers())
        assert self.process.poll() is None, self.process.communicate()


class Scene:
    """A daemon and a wrapper in a home whose surroundings are about to break.

    `home` is where the test finds it, `told` where the processes do, `before` stands before each of their commands.
    """

    def __init__(
        self, home: Home, config: str = CONFIG, *, before: Sequence[str] = (), told: Home | None = None
    ) -> None:
        self.home = home
        self.told = told or home
        self.before = before
        home.config.write_text(config)
        self.daemon = _Daemon(home, self.command("run"))

    def begin(self) -> None:
        """Until both are there, and the wrapper's user has done something for the first time."""
        self.daemon.wait_started()
        self.wrapper = RunningWrapper(self.told, before=self.before)
        self.act()
        self.wait_fresh(1)

    def command(self, *words: str) -> list[str]:
        return [*self.before, *command(self.told, *words)]

    def act(self) -> None:
        """The wrapper's user does something, and so it writes its heartbeat at once."""
        self.wrapper.send("tools/call")
        self.wrapper.answer()

    def wait_quiet(self) -> None:
        """Until nobody does anything any more, and the heartbeat, which is written once a second, says so, too."""
        until(lambda: any(each["activity_count"] and not each["in_flight"] for each in self._beats()))
        self.daemon.wait_state("IDLE")

    def _beats(self) -> list[dict[str, int]]:
        return [json.loads(path.read_text()) for path in self.home.wrappers.glob("heartbeat-*.json")]

    def degraded(self) -> dict[str, str]:
        """What does not work as it should, and why; every entry says what mends it."""
        found = self.daemon.status()["degraded"]
        assert all(each["what"] and each["why"] and each["fix"] for each in found)
        return {
            what: "; ".join(each["why"] for each in found if each["what"] == what)
            for what in {each["what"] for each in found}
        }

    def wait_degraded(self, what: str, *words: str) -> None:
        """Until the status says that this does not work, in these words; the daemon is still the one that was started."""
        until(lambda: all(word in self.degraded().get(what, "") for word in words))
        assert self.daemon.status()["pid"] == self.daemon.process.pid

    def wait_well(self, wrappers: int = 1) -> None:
        """Until the status has nothing to say, and so many wrappers are there."""
        self.wait_fresh(wrappers)
        until(lambda: not self.degraded())

    def assert_goes_on(self) -> None:
        """All is well again, and when everybody has left a night comes."""
        self.act()
        self.wait_well()
        self.leave_work()
        self.wait_night()

    def presence(self) -> dict[str, int]:
        """How many wrappers are FRESH, ORPHAN and so on, as the daemon has seen them last."""
        counts: dict[str, int] = self.daemon.status()["presence"]
        return counts

    def wait_fresh(self, wrappers: int) -> None:
        """Until so many are FRESH."""
        until(lambda: self.presence()["fresh"] == wrappers)

    def wait_tick(self) -> None:
        """Until a whole tick has begun and ended: nobody is answered meanwhile."""
        before = self.daemon.status()["tick"]["at"]
        until(lambda: self.daemon.status()["tick"]["at"] > before)

    def leave_work(self) -> None:
        """Something is due, and everybody leaves."""
        subprocess.run(
            self.command("memory", "add", "Frozen.", "--expires-at", "2020-01-01T00:00:00Z"),
            check=True,
            capture_output=True,
            timeout=30,
        )
        self.wrapper.leave()

    def wait_night(self) -> None:
        """Until a night has come to its end, of the daemon that was started."""
        until(lambda: (self.daemon.status()["consolidation"]["last"] or {}).get("outcome") == "completed", 20)
        assert self.daemon.status()["pid"] == self.daemon.process.pid

    def close(self) -> None:
        if self.wrapper.process.poll() is None:
            self.wrapper.leave()
        said = self.daemon.stop()
        assert (self.daemon.process.returncode, said) == (0, "")

    def abandon(self) -> None:
        """End both, whatever they have done, and show what the daemon has to say."""
        if self.home.log.exists():
            sys.stderr.write("\n".join(self.home.log.read_text().splitlines()[-20:]))
        if hasattr(self, "wrapper"):
            self.wrapper.kill()
        self.daemon.process.kill()
        self.daemon.process.communicate()


@contextmanager
def playing(
    home: Home, config: str = CONFIG, *, before: Sequence[str] = (), told: Home | None = None
) -> Iterator[Scene]:
    """A scene, until its processes have ended as they should."""
    scene = Scene(home, config, before=before, told=told)
    try:
        scene.begin()
        yield scene
    except BaseException:
        scene.abandon()
        raise
    scene.close()


@contextmanager
def wrapping(home: Home, before: Sequence[str] = ()) -> Iterator[RunningWrapper]:
    """One more wrapper, for a time."""
    wrapper = RunningWrapper(home, before=before)
    try:
        yield wrapper
    finally:
        wrapper.leave()


@contextmanager
def staging(*kinds: str) -> Iterator[Stage]:
    stage = Stage(*kinds)
    try:
        yield stage
    finally:
        stage.close()


@contextmanager
def mounting() -> Iterator[Stage]:
    """A namespace whose mounts nobody else sees."""
    if os.geteuid():
        pytest.skip("only root can mount")
    with staging("--mount") as stage:
        yield stage
