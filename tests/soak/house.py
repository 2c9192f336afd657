"""The house of the soak: a home of its own, its settings, the daemon and the commands, and what others leave in it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.control import client
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home

# Writes down that it runs, and then does, fails, hangs, or leaves a child behind that hangs.
_AGENT = """
import os, signal, sys, time
ledger, kind, message = sys.argv[1:]
with open(ledger, "a") as file:
    file.write(message.rpartition("] ")[2] + "\\n")
time.sleep(0.3)
if kind == "forks" and os.fork():
    os._exit(0)
if kind in ("hangs", "forks"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
sys.exit(kind == "fails")
"""
_SETTINGS = """
[presence]
stale_after = "60s"
settle_after = "200ms"
[lifecycle]
tick = "1s"
idle_after = "2s"
absent_for = "1500ms"
[consolidation]
interval = "0s"
# More than the second that is promised: a soak measures no times, and a machine under load is none that fails.
yield_within = "10s"
[agenda]
defer_when_busy = "1s"
max_defer = "10s"
[log]
max_size = "200KB"
keep = 100
"""
_AN_AGENT = """
[agents.{kind}]
command = {command}
timeout = "3s"
max_runs_per_day = 100000
max_minutes_per_day = 100000
"""
_GRACE = 25.0


@dataclass(slots=True)
class Errand:
    """A command that runs. `then`: who is told of its exit status, and of what it said, when it has ended."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    out: IO[bytes]
    err: IO[bytes]
    then: Callable[[int, bytes], None]


class House:
    """One home below `root`. `crashes`: what commands said that ended as none may."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = Home(root / "home")
        self.home.create()
        (root / "user").mkdir()
        self.ledger = root / "woken.txt"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("IAI_", "XDG_"))},
            "HOME": str(root / "user"),
            "IAI_SOAK": str(root),
        }
        self.home.config.write_text(
            _SETTINGS + "".join(map(self._agent, ("does", "fails", "hangs", "forks"))), encoding="utf-8"
        )
        self.lives = 0
        self.crashes: list[str] = []
        self.daemon: subprocess.Popen[bytes] | None = None
        self._errands: list[Errand] = []
        self._hostile: list[Path] = []

    def _agent(self, kind: str) -> str:
        command = [sys.executable, "-I", "-S", "-c", _AGENT, str(self.ledger), kind, "{context}"]
        return _AN_AGENT.format(kind=kind, command=json.dumps(command))

    def said(self, name: str) -> Path:
        """Where a process may write what it has to say."""
        return self.root / f"said-{name}.txt"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "iai_daemon", "--home", str(self.home.root), *words]

    # The daemon.

    def start(self) -> None:
        """Begin another life of the daemon."""
        self.lives += 1
        with self.said("daemon").open("ab") as said:
            self.daemon = subprocess.Popen(
                self.command("run"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.environment,
                start_new_session=True,
            )

    def keep_running(self) -> bool:
        """As a service manager does; whether it had to."""
        if self.daemon is not None and self.daemon.poll() is None:
            return False
        self.start()
        return True

    def status(self) -> dict[str, Any] | None:
        """None while it does not answer."""
        try:
            return client.status(self.home)
        except (DaemonAway, DaemonMute):
            return None

    def stop(self) -> int | None:
        """The exit status of an orderly end; None where it had to be killed."""
        if self.daemon is None:
            return 0
        self.daemon.terminate()
        try:
            return self.daemon.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
            return None

    # The commands.

    def send(self, *words: str, then: Callable[[int, bytes], None] = lambda _status, _out: None) -> None:
        """Start a command; nobody waits for it."""
        out, err = self._a_file(), self._a_file()
        process = subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=self.environment,
            start_new_session=True,
        )
        self._errands.append(Errand(words, process, out, err, then))

    def _a_file(self) -> IO[bytes]:
        """Without a name; whoever collects the errand closes it."""
        return tempfile.TemporaryFile(dir=self.root)

    def collect(self) -> None:
        """Those that have ended."""
        for errand in [each for each in self._errands if each.process.poll() is not None]:
            self._errands.remove(errand)
            status = errand.process.returncode
            with errand.out, errand.err:
                errand.out.seek(0)
                errand.err.seek(0)
                said, errors = errand.out.read(), errand.err.read().decode(errors="replace")
            if "Traceback" in errors or status < 0:
                self.crashes.append(
                    f"iai-daemon {' '.join(errand.words)[:80]} ended with {status}: {errors[-600:]}"
                )
            errand.then(status, said)

    def collect_all(self, seconds: float = 60.0) -> None:
        """To the end of each; who takes longer is killed, and told."""
        watch = Stopwatch()
        while self._errands and watch.seconds() < seconds:
            self.collect()
            pause(0.05)
        for errand in self._errands:
            errand.process.kill()
            errand.process.wait()
        self.collect()

    def ask(self, *words: str) -> bytes:
        """One command to its end: what it wrote."""
        done = subprocess.run(
            self.command(*words),
            capture_output=True,
            check=False,
            env=self.environment,
            timeout=120,
            start_new_session=True,
        )
        if done.returncode:
            self.crashes.append(
                f"iai-daemon {' '.join(words)} ended with {done.returncode}: {done.stderr[-600:]!r}"
            )
        return done.stdout

    def ask_json(self, *words: str) -> Any:
        """The same with `--json`: its answer. Raises ValueError where it has none."""
        return json.loads(self.ask(*words, "--json"))

    # What others leave behind.

    def leave_hostile_heartbeats(self, dead: int) -> None:
        """Files that nobody should have written, under names of a process that is gone."""
        folder, mark = self.home.wrappers, os.urandom(3).hex()

        def name(what: str) -> Path:
            path = folder / f"heartbeat-{dead}-{mark}{what}.json"
            self._hostile.append(path)
            return path

        name("torn").write_bytes(b'{"pid": 4')
        name("long").write_bytes(b" " * 70_000)
        name("deep").write_bytes(b"[" * 60_000)
        name("zero").write_text(
            json.dumps({"pid": 0, "last_refresh": "2099-01-01T00:00:00Z", "activity_count": 1e308})
        )
        name("other").write_text(json.dumps({"pid": 1, "last_refresh": "yesterday", "last_activity": []}))
        name("link").symlink_to("/dev/zero")
        name("folder").mkdir()
        os.mkfifo(name("pipe"))
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(name("socket")))

    def sweep_hostile_heartbeats(self) -> None:
        for path in self._hostile:
            with contextlib.suppress(FileNotFoundError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        self._hostile.clear()
