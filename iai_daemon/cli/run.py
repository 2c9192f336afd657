"""`iai-daemon run`: the daemon, in the process that was started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iai_daemon.cli import quick
from iai_daemon.clock import SystemClock
from iai_daemon.config import Settings, load
from iai_daemon.daemon import Daemon, claim
from iai_daemon.errors import AlreadyRunning
from iai_daemon.log import close_log, open_log
from iai_daemon.paths import Home, find_home

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


def run(words: Sequence[str]) -> int:
    """Run in the foreground until SIGTERM; returns the exit status. Another daemon in this home is no error."""
    home = find_home(quick.parse(words, "run").home)
    settings = load(home)
    os.umask(0o077)
    home.create()
    try:
        lock = claim(home)
    except AlreadyRunning as running:
        print(f"already running (pid {running.data['pid']})")
        return 0
    log = open_log(home.log, settings.log, sys.stderr if sys.stderr.isatty() else None)
    try:
        asyncio.run(_serve(home, settings, log))
    except Exception:
        log.exception("crashed")
        raise
    finally:
        close_log()
        lock.release()
    return 0


async def _serve(home: Home, settings: Settings, log: BoundLogger) -> None:
    await Daemon(home, settings, SystemClock(), log).run()
