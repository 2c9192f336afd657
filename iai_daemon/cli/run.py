"""`iai-daemon run`: the daemon, in the process that was started."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from iai_daemon.claim import Claim, claim
from iai_daemon.cli import quick
from iai_daemon.clock import Clock, SystemClock
from iai_daemon.config import Settings, load
from iai_daemon.daemon import Daemon
from iai_daemon.errors import EX_CONFIG, AlreadyRunning, IaiError
from iai_daemon.log import close_log, open_log, telling_of_crashes
from iai_daemon.paths import Home, find_home
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.service.brake import Brake, SafeMode, is_under_launchd
from iai_daemon.service.notify import Notifier, watchdog_interval
from iai_daemon.service.pulse import Pulse

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

# What the manager tells this process, and no other.
_OF_THE_MANAGER = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


def run(words: Sequence[str]) -> int:
    """Run in the foreground until SIGTERM; returns the exit status. Another daemon in this home is no error."""
    # Until the loop answers it: a manager that wants a reload at the wrong moment does not end the daemon. Ignored it is only
    # when no child starts any more, which would ignore it, too.
    signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        _run_in(find_home(quick.parse(words, "run").home))
    except AlreadyRunning as running:
        print(f"already running (pid {running.data['pid']})")
    except IaiError as error:
        if error.exit_status != EX_CONFIG or not is_under_launchd():
            raise
        # launchd starts again whatever does not end with 0, every ten seconds for ever: that mends no configuration.
        print(f"iai-daemon: {error}", file=sys.stderr)
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _say_the_rest()
    return 0


def _say_the_rest() -> None:
    """A terminal that has gone takes nothing more, which is no failure: Python would end with 120 for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _run_in(home: Home) -> None:
    settings = load(home)
    os.umask(0o077)
    home.create()
    with claim(home) as claimed:
        serve(claimed, settings, SystemClock())


def serve(claimed: Claim, settings: Settings, clock: Clock) -> None:
    """Be the daemon until it is asked to end; whatever else ends it stands in the log."""
    home = claimed.home
    log = open_log(home.log, settings.log, sys.stderr if sys.stderr.isatty() else None)
    brake = Brake(home.starts, SystemProcesses().boot_id) if is_under_launchd() else None
    try:
        with telling_of_crashes(home.crash, log):
            asyncio.run(_run(claimed, settings, clock, log, _safe_mode(brake, clock, log)))
        if brake is not None:
            # Where that cannot be noted, the next start counts as one too many: five of them are needed.
            with suppress(OSError):
                brake.stop()
    except IaiError as reason:
        log.error("stepped down", reason=str(reason))
        raise
    except Exception:
        log.exception("crashed")
        raise
    finally:
        close_log()


def _safe_mode(brake: Brake | None, clock: Clock, log: BoundLogger) -> SafeMode | None:
    """Without a note of the starts nobody can say that there are too many."""
    if brake is None:
        return None
    try:
        safe = brake.start(clock.now())
    except OSError as cause:
        log.warning("the start could not be noted", why=cause.strerror)
        return None
    if safe is not None:
        log.warning("safe mode: presence only, no nights, no agents", why=safe.why)
    return safe


async def _run(
    claimed: Claim, settings: Settings, clock: Clock, log: BoundLogger, safe: SafeMode | None
) -> None:
    pulse = Pulse(Notifier(), watchdog_interval())
    for name in _OF_THE_MANAGER:
        os.environ.pop(name, None)
    await Daemon(claimed, settings, clock, log, pulse, safe).run()
