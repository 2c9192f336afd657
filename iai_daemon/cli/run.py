"""`iai-daemon run`: the daemon, in the process that was started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from iai_daemon.claim import Claim, claim
from iai_daemon.cli import quick
from iai_daemon.clock import SystemClock
from iai_daemon.config import Settings, load
from iai_daemon.daemon import Daemon
from iai_daemon.errors import AlreadyRunning, IaiError
from iai_daemon.log import close_log, open_log
from iai_daemon.paths import find_home

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


def run(words: Sequence[str]) -> int:
    """Run in the foreground until SIGTERM; returns the exit status. Another daemon in this home is no error."""
    home = find_home(quick.parse(words, "run").home)
    settings = load(home)
    os.umask(0o077)
    home.create()
    try:
        with claim(home) as claimed:
            _serve(claimed, settings)
    except AlreadyRunning as running:
        print(f"already running (pid {running.data['pid']})")
    return 0


def _serve(claimed: Claim, settings: Settings) -> None:
    log = open_log(claimed.home.log, settings.log, sys.stderr if sys.stderr.isatty() else None)
    try:
        asyncio.run(_run(claimed, settings, log))
    except IaiError as reason:
        log.error("stepped down", reason=str(reason))
        raise
    except Exception:
        log.exception("crashed")
        raise
    finally:
        close_log()


async def _run(claimed: Claim, settings: Settings, log: BoundLogger) -> None:
    await Daemon(claimed, settings, SystemClock(), log).run()
