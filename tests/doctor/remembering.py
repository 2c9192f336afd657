"""Homes with a memory in them, and moments at which somebody looks at them."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping

from iai_daemon.clock import Now
from iai_daemon.consolidation.tasks import make_default_task
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.fakes import NOON

DAY = 86_400.0


def after(seconds: float = 0.0, boot: float = 10 * DAY) -> Now:
    """So long after noon; the machine has been up for `boot` seconds."""
    return Now(NOON + seconds, boot, boot)


@contextlib.contextmanager
def opened(home: Home) -> Iterator[Stores]:
    stores = open_stores(home)
    try:
        yield stores
    finally:
        stores.close()


def remember(home: Home, *contents: str, seconds: float = 0.0) -> None:
    """Keep these memories, in a store that a daemon has opened at noon."""
    with opened(home) as stores:
        make_default_task(stores.tasks, 3600.0, round(NOON * 1000), print)
        for each in contents or ("The build is green.",):
            stores.memory.add(Draft(each), round((NOON + seconds) * 1000))


@contextlib.contextmanager
def daemon(environment: Mapping[str, str]) -> Iterator[int]:
    """A process that stands in for a daemon that was started with this environment."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE, env=dict(environment)
    )
    try:
        yield process.pid
    finally:
        process.communicate(b"\n")
