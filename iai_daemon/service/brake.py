"""A brake for managers that restart without end (launchd has no limit): a daemon that keeps dying stays up and does nothing but look."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iai_daemon import atomic
from iai_daemon.clock import Now

# So many starts within so many seconds, none of them after a clean stop, are a loop.
STARTS = 5
WITHIN = 300.0
# After so many seconds it tries again by itself.
RESTS_FOR = 3600.0
# What launchd gives programs that are started from a window or a terminal is no label of a service.
_NO_SERVICE = ("0", "application.")


@dataclass(frozen=True, slots=True)
class SafeMode:
    """Presence only, no nights and no agents: until then, on the awake clock, in seconds."""

    until: float
    starts: int

    @property
    def why(self) -> str:
        """In words."""
        return f"it was started {self.starts} times within {WITHIN / 60:g} minutes and never stopped cleanly in between"


class Brake:
    """Notes the starts of the daemons of one home in the file `path`. Called by the one that has claimed the home."""

    def __init__(self, path: Path, boot_id: str | None) -> None:
        self._path = path
        self._boot_id = boot_id

    def start(self, now: Now) -> SafeMode | None:
        """One more start; the mode to begin in, None for the usual one. Raises OSError when it cannot be noted."""
        starts = [*(at for at in self._read() if now.boot - WITHIN < at <= now.boot), now.boot]
        self._write(starts)
        if len(starts) < STARTS:
            return None
        return SafeMode(now.awake + RESTS_FOR, len(starts))

    def stop(self) -> None:
        """A clean stop: nothing before it counts any more. Raises OSError."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> list[float]:
        """When the last ones were, on the clock of this boot; a damaged file tells of none."""
        try:
            kept = json.loads(self._path.read_bytes())
            return [float(at) for at in kept["starts"]] if kept["boot_id"] == self._boot_id else []
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return []

    def _write(self, starts: list[float]) -> None:
        # A loop that is faster than anybody counts needs no longer list.
        kept = {"boot_id": self._boot_id, "starts": starts[-STARTS * 4 :]}
        atomic.write(self._path, json.dumps(kept).encode() + b"\n")


def is_under_launchd(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether launchd runs this process as a service."""
    return not environment.get("XPC_SERVICE_NAME", "0").startswith(_NO_SERVICE)
