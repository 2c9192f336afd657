"""What is kept of the lifecycle: the standing in `state.json`, transitions in `history.jsonl`, who was here when in
`attendance.jsonl`. A full disk is waited out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iai_daemon import lines
from iai_daemon.clock import Now
from iai_daemon.lifecycle import history, roll_call, saved
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.lifecycle.history import Transition
from iai_daemon.lifecycle.roll_call import RollCall
from iai_daemon.lifecycle.saved import Resumed
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Clocks
from iai_daemon.presence.classify import Presence

# Transitions, and changes of who is here, that wait for the disk: restless hours, not weeks.
_MOST = 1000
# Seconds between two signs of life: so precisely it is known when a daemon was killed.
_SIGN_EVERY = 60.0


class Books:
    """Kept by the daemon. What the disk does not take is tried again at each turn; `trouble` tells why, by what it is."""

    def __init__(self, home: Home, boot_id: str | None) -> None:
        self._home = home
        self._boot_id = boot_id
        self._kept: tuple[object, ...] | None = None
        self._untold: deque[dict[str, object]] = deque(maxlen=_MOST)
        self._unattended: deque[dict[str, object]] = deque(maxlen=_MOST)
        self._seen: Now | None = None
        self._sign_at = 0.0
        # The last sign of life that the daemon before this one gave, in seconds since the epoch.
        self.last_sign = history.last_sign(home)
        self._roll_call = RollCall(self.last_sign)
        self.trouble: dict[str, str] = {}

    @property
    def next_at(self) -> float:
        """When there is something to write without anything happening, on the awake clock."""
        return self._roll_call.next_at

    def resume(self, now: Now) -> Resumed:
        """The standing that was kept last, or a fresh one."""
        resumed = saved.resume(self._home.state, now, self._boot_id)
        self._kept = _lasting(resumed.standing, resumed.clocks or Clocks())
        return resumed

    def tell(self, transition: Transition) -> None:
        """One more transition for the history: with the next `keep`."""
        self._untold.append(transition.plain())

    def attend(self, presence: Presence, before: Standing, now: Now, idle_after: float) -> None:
        """Who is here now, and what kept us from looking since the last time, while `before` held: with the next `keep`."""
        seen, self._seen = self._seen, now
        away = history.gap(seen, now) if seen else None
        if away:
            self._untold.append(history.mark(away[0], now.wall, away[1], before))
        if line := self._roll_call.take(presence, now, idle_after, away):
            self._unattended.append(line)

    def keep(self, standing: Standing, now: Now, clocks: Clocks, *, closing: bool = False) -> None:
        """Write what has not been written yet, and the standing in any case when `closing`."""
        if closing:
            self._untold.append(history.mark(history.STOPPED, now.wall, now.wall, standing))
            self._unattended.append(self._roll_call.stop(now))
        with self._trying("history", self._home.history):
            while self._untold:
                history.append(self._home.history, self._untold[0])
                self._untold.popleft()
        with self._trying("attendance", self._home.attendance):
            self._keep_attendance(now)
        lasting = _lasting(standing, clocks)
        with self._trying("state", self._home.state):
            if closing or lasting != self._kept:
                saved.save(self._home.state, standing, now, self._boot_id, clocks)
                self._kept = lasting

    def _keep_attendance(self, now: Now) -> None:
        wrote = bool(self._unattended)
        while self._unattended:
            lines.append(self._home.attendance, self._unattended[0], roll_call.MAX_BYTES)
            self._unattended.popleft()
        if wrote or now.boot >= self._sign_at:
            try:
                history.give_sign(self._home, now.wall)
            except FileNotFoundError:
                self._roll_call.forget()  # somebody has deleted it: the next look begins it anew
            self._sign_at = now.boot + _SIGN_EVERY

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
