"""Where the evening takes place: a temporary home, its settings, the daemon and the commands; ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iai_daemon.clients.wrapper import wrapper_script
from iai_daemon.demo.corpus import PROJECTS
from iai_daemon.errors import IaiError
from iai_daemon.paths import Home
from iai_daemon.units import format_duration

# The daemon promises to end within 20 s of SIGTERM.
_DAEMON_GRACE = 25.0
_COMMAND_LIMIT = 120.0


class DemoFailed(IaiError):
    """The demo stopped: {problem}. Run it with --keep to have its home and logs afterwards."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the evening goes: the daemon's thresholds in seconds, and how many notes last year has left behind.

    `quiet_for` is both how long everybody has to be gone, and how long those who left a client open must not have used it.
    """

    tick: float = 1.0
    idle_after: float = 5.0
    quiet_for: float = 12.0
    last_year: int = 8_000

    def settings(self) -> str:
        """The `config.toml` of this evening. `stale_after` stays: wrappers write every 30 s, whatever the pace."""
        return (
            f'[lifecycle]\ntick = "{format_duration(self.tick)}"\n'
            f'idle_after = "{format_duration(self.idle_after)}"\n'
            f'absent_for = "{format_duration(self.quiet_for)}"\n'
            f'inactive_for = "{format_duration(self.quiet_for)}"\n\n'
            "# IDLE does nothing this evening, so that the night is BEDTIME's alone.\n"
            "[consolidation]\nnaps = false\n"
        )


class Stage:
    """One home for one evening. Made by `stage`."""

    def __init__(self, root: Path, pace: Pace) -> None:
        self.pace = pace
        self.home = Home(root / "home")
        self._projects = root / "projects"
        self._root = root

    def furnish(self) -> None:
        """Make the home, its settings, and the projects that the agents work in. Raises HomeUnusable, OSError."""
        self.home.create()
        self.home.config.write_text(self.pace.settings(), encoding="utf-8")
        for name in PROJECTS:
            (self.project(name) / ".git").mkdir(parents=True)

    def project(self, name: str) -> Path:
        """The directory of a project; `.git` makes it one."""
        return self._projects / name

    def write_lines(self, name: str, objects: Iterable[Mapping[str, Any]]) -> Path:
        """A file of JSON lines beside the home."""
        path = self._root / name
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)
        return path

    def wrapped(self) -> list[str]:
        """The command that a client is given: the memory server behind the wrapper, both of this installation."""
        script = wrapper_script()
        if script is None:
            raise DemoFailed(problem="iai_wrapper.py is not installed: install iai-daemon anew")
        wrapper = [sys.executable, "-I", "-S", str(script), "--home", str(self.home.root)]
        return [*wrapper, "--", *self._iai_daemon("mcp")]

    def client_log(self, name: str) -> Path:
        """Where a client's wrapper and server may write what they have to say."""
        return self.home.log.with_name(f"client-{name}.txt")

    async def command(self, *words: str) -> bytes:
        """One `iai-daemon` command to its end: what it wrote to standard output. Raises DemoFailed."""
        process = await asyncio.create_subprocess_exec(
            *self._iai_daemon(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        said = f"`iai-daemon {' '.join(words)}`"
        try:
            async with asyncio.timeout(_COMMAND_LIMIT):
                out, err = await process.communicate()
        except TimeoutError as cause:
            raise DemoFailed(problem=f"{said} took longer than {_COMMAND_LIMIT:g} s") from cause
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise DemoFailed(problem=f"{said} ended with {process.returncode}: {last_line(err)}")
        return out

    async def answer(self, *words: str) -> dict[str, Any]:
        """One command with `--json`: its answer. Raises DemoFailed."""
        answer: dict[str, Any] = json.loads(await self.command(*words, "--json"))
        return answer

    @contextlib.asynccontextmanager
    async def daemon(self) -> AsyncIterator[int]:
        """`iai-daemon run`, by its pid, ended at the end. A session of its own: Ctrl-C is for the demo to handle."""
        with self.home.log.with_name("daemon-said.txt").open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *self._iai_daemon("run"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            yield process.pid
        finally:
            await _end(process)

    def _iai_daemon(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "iai_daemon", "--home", str(self.home.root), *words]


@contextlib.contextmanager
def stage(pace: Pace, *, keep: bool) -> Iterator[Stage]:
    """A stage in a temporary directory, removed at the end unless `keep`. Raises DemoFailed."""
    try:
        root = Path(tempfile.mkdtemp(prefix="iai-demo-"))
    except OSError as cause:
        raise DemoFailed(problem=f"no temporary directory can be made ({cause.strerror})") from cause
    try:
        yield Stage(root, pace)
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, then SIGKILL to one who does not hear it."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_DAEMON_GRACE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def last_line(text: bytes) -> str:
    """What a process said last, as the end of a sentence."""
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].removesuffix(".") if lines else "it gave no reason"
