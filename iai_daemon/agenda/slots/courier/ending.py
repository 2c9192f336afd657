"""How the courier's processes end: with whoever started them, and never for a Ctrl-C that is the daemon's to answer."""

from __future__ import annotations

import signal

from iai_daemon.programs.dying import die_with_parent


def end_with_parent() -> None:
    """Elsewhere than on Linux the end of input has to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
