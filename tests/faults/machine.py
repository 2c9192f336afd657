"""A machine with clocks of its own: real Python processes below it see a wall clock that was set and a boot clock that slept."""

from __future__ import annotations

import struct
from pathlib import Path

from iai_daemon import clock
from iai_daemon.clock import Now

# Python imports this at its start. It stands in for the kernel, whose wall clock is not ours to set: the offsets of the
# two clocks (seconds, wall and boot) are read from a file whenever a clock is asked.
_CLOCKS = """
import os, struct, time
descriptor = os.open({offsets!r}, os.O_RDONLY | os.O_CLOEXEC)
wall, steady = time.time, time.clock_gettime
def offsets():
    return struct.unpack("dd", os.pread(descriptor, 16, 0))
time.time = lambda: wall() + offsets()[0]
time.clock_gettime = lambda which: steady(which) + (offsets()[1] if which == time.CLOCK_BOOTTIME else 0.0)
"""


class Machine:
    """The clocks, and what the environment of a process must hold for it to live by them (`environment`)."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._offsets = directory / "offsets"
        self.wall = 0.0
        self.boot = 0.0
        self._write()
        (directory / "sitecustomize.py").write_text(_CLOCKS.format(offsets=str(self._offsets)))
        self.environment = {"PYTHONPATH": str(directory)}

    def now(self) -> Now:
        """This moment by its clocks."""
        real = clock.read()
        return Now(real.wall + self.wall, real.awake, real.boot + self.boot)

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall += seconds
        self._write()

    def suspend(self, seconds: float) -> None:
        """The machine has slept, without anybody noticing: no process was awake."""
        self.wall += seconds
        self.boot += seconds
        self._write()

    def follow(self, now: Now) -> None:
        """Show this moment from now on."""
        real = clock.read()
        self.wall, self.boot = now.wall - real.wall, now.boot - real.boot
        self._write()

    def _write(self) -> None:
        """In one write of sixteen bytes, so that nobody reads one clock from before it and the other from after."""
        with self._offsets.open("r+b" if self._offsets.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("dd", self.wall, self.boot))
