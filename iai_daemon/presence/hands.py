"""Reach a process that is known by its pid and its start, and no other. Used to end what wrappers have left behind."""

from __future__ import annotations

import os
import signal
import sys

import psutil

from iai_daemon.clock import Now
from iai_daemon.presence.classify import Process
from iai_daemon.presence.processes import Processes

SIGNALS = {"SIGTERM": int(signal.SIGTERM), "SIGKILL": int(signal.SIGKILL)}


class SystemHands:
    """This machine's processes. Every method is called from the event loop, and never at rest."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def members(self, group: int, now: Now) -> list[Process]:
        """The living processes of a process group."""
        seen = (self._processes.look_up(pid, now) for pid in psutil.pids())
        return [each for each in seen if each is not None and each.group == group and not each.zombie]

    def signal(self, process: tuple[int, int], number: int, now: Now) -> bool:
        """Send a signal to this very process, if it is our user's; False when it was not sent.

        It is looked at once the kernel holds it for us: so its pid cannot pass to another one in between. Where the
        kernel cannot hold it, it is looked at just before.
        """
        pid, start = process
        held = _hold(pid)
        try:
            seen = self._processes.look_up(pid, now)
            if seen is None or seen.zombie or seen.start != start:
                return False
            if psutil.Process(pid).uids().real != os.getuid():
                return False
            if held is not None and sys.platform == "linux":
                signal.pidfd_send_signal(held, number)
            else:
                os.kill(pid, number)
        except (OSError, psutil.Error):
            return False
        finally:
            if held is not None:
                os.close(held)
        return True


def _hold(pid: int) -> int | None:
    """A descriptor that stays this process' own; None where the kernel or Python has none, or the process is gone."""
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        try:
            return os.pidfd_open(pid)
        except OSError:
            return None
    return None
