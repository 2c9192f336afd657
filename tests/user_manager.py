"""A real systemd user manager for a test: in namespaces of its own, for an ordinary user, gone with everything below it afterwards.

    with user_manager(tmp_path) as manager:
        manager.run(["systemctl", "--user", "status"])

It takes root. Where a machine cannot, the test is skipped with the reason.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from tests.project.source import ROOT

# Whom the kernel takes for nobody in particular, on every system.
UID = 65534
_RUNTIME = Path(f"/run/user/{UID}")
_TOOLS = ("unshare", "nsenter", "setpriv", "mount", "systemctl", "systemd-run")
_COMES_WITHIN = 10.0
# What a namespace needs before a manager can live in it: a /run of its own, and control groups that it may divide.
_SETUP = """
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/systemd/unit-root /run/systemd/propagate /run/systemd/incoming {runtime}
chown {uid}:{uid} {runtime}
chmod 700 {runtime}
{reach}
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /sys/fs/cgroup/user
chown -R {uid}:{uid} /sys/fs/cgroup/user
echo $$ > /sys/fs/cgroup/user/cgroup.procs
{manager} &
wait
"""


@dataclass(frozen=True)
class UserManager:
    """A manager that runs; `home` is its user's home directory, and the place for files that the user has to read."""

    home: Path
    pid: int

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float = 120.0,
    ) -> subprocess.CompletedProcess[str]:
        """One command of the user's, to its end, beside the manager; `environment` comes on top of that of a login."""
        inside = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--cgroup", f"--wdns={self.home}"]
        return subprocess.run(
            [*inside, *as_user(self.home, environment or {}), *argv],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )


def as_user(home: Path, more: Mapping[str, str]) -> list[str]:
    """The argv before a command: what a login gives it, and nothing of ours."""
    environment = {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(_RUNTIME),
        **more,
    }
    user = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    return [*user, "env", "-i", *(f"{name}={value}" for name, value in environment.items())]


@contextmanager
def user_manager(folder: Path) -> Iterator[UserManager]:
    """One that runs, until the block ends; `folder` takes its log and the user's home. Skips the test where it cannot be."""
    groups, systemd = _find_control_groups(), _find_systemd()
    home = folder / "user"
    home.mkdir()
    os.chown(home, UID, UID)
    group = groups / f"iai-tests-{os.getpid()}"
    group.mkdir()
    log = folder / "manager.log"
    manager = [*as_user(home, {}), str(systemd), "--user", "--log-target=console"]
    setup = _SETUP.format(uid=UID, runtime=_RUNTIME, reach=_reach(home), manager=shlex.join(manager))
    # Whoever kills the tests ends it, too.
    unshare = "setpriv --pdeathsig=KILL unshare --mount --pid --fork --cgroup --mount-proc --kill-child sh -c"
    # The namespace of control groups begins where the process is that makes it.
    script = f"echo $$ > {shlex.quote(str(group))}/cgroup.procs && exec {unshare} {shlex.quote(setup)}"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield _wait_for(process, home, log)
    finally:
        process.kill()
        process.wait()
        _remove(group)


def _find_control_groups() -> Path:
    """Where the second version is mounted; skips where there is none, and where namespaces are not ours to make."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a user manager of one's own takes Linux and root")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} here")
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    found = [Path(each.split()[1]) for each in mounts if each.split()[2] == "cgroup2"]
    if not found or not os.access(found[0], os.W_OK):
        pytest.skip("no writable cgroup2 is mounted here")
    unshare = str(shutil.which("unshare"))
    tried = subprocess.run([unshare, "--mount", "--pid", "--fork", "--cgroup", "true"], check=False)
    if tried.returncode:
        pytest.skip("namespaces cannot be made here")
    return found[0]


def _find_systemd() -> Path:
    for path in map(Path, ("/usr/lib/systemd/systemd", "/lib/systemd/systemd")):
        if path.exists():
            return path
    pytest.skip("there is no systemd here")


def _reach(home: Path) -> str:
    """Shell commands that let the user reach what it needs where that stands below a directory of root's own: that directory is
    covered, and what is needed put back at its place."""
    needed = dict.fromkeys([home, ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()])
    kept, covered, back = [], [], []
    for number, path in enumerate(needed):
        closed = [each for each in reversed(path.parents) if not each.stat().st_mode & 0o001]
        if closed:
            keep, place = f"/run/kept/{number}", shlex.quote(str(path))
            kept.append(f"mkdir -p {keep} && mount --bind {place} {keep}")
            covered.append(f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(closed[0]))}")
            back.append(f"mkdir -p {place} && mount --bind {keep} {place}")
    return "\n".join([*kept, *dict.fromkeys(covered), *back])


def _wait_for(process: subprocess.Popen[bytes], home: Path, log: Path) -> UserManager:
    """Until the manager answers."""

    def answers() -> UserManager | None:
        if process.poll() is not None:
            return None
        for first in psutil.Process(process.pid).children():
            if Path(f"/proc/{first.pid}/root{_RUNTIME}/systemd/private").exists():
                return UserManager(home, first.pid)
        return None

    watch = Stopwatch()
    while (manager := answers()) is None:
        if process.poll() is not None or watch.seconds() > _COMES_WITHIN:
            said = log.read_text(encoding="utf-8", errors="replace").strip()
            pytest.skip(f"no user manager comes up here: {said[-300:]}")
        pause(0.01)
    manager.run(["systemctl", "--user", "--wait", "is-system-running"])
    return manager


def _remove(group: Path) -> None:
    """Its control groups, once what was in them has ended."""
    _until(lambda: not (group / "cgroup.procs").read_text(encoding="ascii"))
    for path in sorted(group.rglob("*"), reverse=True):
        if path.is_dir():
            _until(partial(_is_removed, path))
    _until(partial(_is_removed, group))


def _is_removed(path: Path) -> bool:
    with contextlib.suppress(OSError):
        path.rmdir()
    return not path.exists()


def _until(holds: Callable[[], bool]) -> None:
    watch = Stopwatch()
    while not holds():
        assert watch.seconds() < _COMES_WITHIN, "what the manager ran does not end"
        pause(0.01)
