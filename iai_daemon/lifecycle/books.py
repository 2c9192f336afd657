"""What is kept of the lifecycle: the standing in `state.json`, transitions in `history.jsonl`. A full disk is waited out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iai_daemon.clock import Now
from iai_daemon.lifecycle import history, saved
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.saved import Resumed
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks

# Transitions that wait for the disk: restless hours, not weeks.
_MOST = 1000


class Books:
    """Kept by the daemon. What the disk does not take is tried again at each turn; `trouble` tells why, by what it is."""

    def __init__(self, home: Home, boot_id: str | None) -> None:
        self._home = home
        self._boot_id = boot_id
        self._kept: tuple[object, ...] | None = None
        self._untold: deque[Transition] = deque(maxlen=_MOST)
        self.trouble: dict[str, str] = {}

    def resume(self, now: Now) -> Resumed:
        """The standing that was kept last, or a fresh one."""
        resumed = saved.resume(self._home.state, now, self._boot_id)
        self._kept = _lasting(resumed.standing, resumed.clocks or Clocks())
        return resumed

    def tell(self, transition: Transition) -> None:
        """One more transition for the history: with the next `keep`."""
        self._untold.append(transition)

    def keep(self, standing: Standing, now: Now, clocks: Clocks, *, closing: bool = False) -> None:
        """Write what has not been written yet, and the standing in any case when `closing`."""
        with self._trying("history", self._home.history):
            while self._untold:
                history.append(self._home.history, self._untold[0])
                self._untold.popleft()
        lasting = _lasting(standing, clocks)
        with self._trying("state", self._home.state):
            if closing or lasting != self._kept:
                saved.save(self._home.state, standing, now, self._boot_id, clocks)
                self._kept = lasting

    @contextmanager
    def _trying(self, what: str, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as cause:
            self.trouble[what] = f"{path} cannot be written ({cause.strerror})"
        else:
            self.trouble.pop(what, None)


def _lasting(standing: Standing, clocks: Clocks) -> tuple[object, ...]:
    """What a later start cannot learn again: not the reason's changing figures, not each activity."""
    # A first era says nothing that the next start would not see by itself.
    jumps = [era.began for era in clocks.eras[1:]]
    return standing.state, standing.rule, standing.asked, standing.slept_at, standing.absent_since, jumps
