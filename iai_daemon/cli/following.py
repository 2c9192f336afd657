"""Follows a daemon that may go away and come back: its status at every change, and once a second for what only time changes.

Nothing here blocks; who waits asks `lines` for what and `next_at` until when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from iai_daemon.control.line import Line
from iai_daemon.errors import DaemonAway, DaemonMute
from iai_daemon.paths import Home
from iai_daemon.units import NEVER

# Seconds. A daemon that has not answered for so long is mute; one that is away is looked for after a fifth of one, then twice as long …
_MUTE_AFTER = 3.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
# However much changes at once: no two questions within so much.
_BETWEEN = 0.4
# Where too many listen already, it is asked only so often whether one has left.
_LISTENS_AGAIN_AFTER = 30.0


class Following:
    """`seen` is the newest status, `trouble` why there is none, or why it is old. `every`: None, to ask at changes only.

    `changes` counts what was heard of that is more than time passing. Times are on the awake clock, in seconds.
    """

    def __init__(self, home: Home, every: float | None) -> None:
        self._home = home
        self._every = every
        self._asking: Line | None = None
        self._listening: Line | None = None
        self._asked_at: float | None = None
        self._ask_at = self._listen_at = self._connect_at = 0.0
        self._last_asked = 0.0
        self._pause = _FIRST_PAUSE
        self._news: object = None
        self._is_news = self._is_asked_for_news = False
        self.seen: dict[str, Any] | None = None
        self.trouble: DaemonAway | DaemonMute | None = None
        self.changes = 0

    def lines(self) -> Iterator[Line]:
        """What to read from as soon as there is something."""
        yield from (line for line in (self._asking, self._listening) if line is not None)

    def next_at(self) -> float:
        """When something is to be done although nothing has come."""
        if self._asking is None:
            return self._connect_at
        if self._asked_at is not None:
            return NEVER if isinstance(self.trouble, DaemonMute) else self._asked_at + _MUTE_AFTER
        return self._ask_at

    def go_on(self, now: float) -> None:
        """Read what has come, and do what is due."""
        try:
            self._read(now)
            if self._asking is None and now >= self._connect_at:
                self._connect(now)
            if self._asking is not None:
                self._ask_when_due(self._asking, now)
        except DaemonAway as away:
            self._lose(away, now)

    def close(self) -> None:
        """Hang up; safe to call twice."""
        for line in self.lines():
            line.close()
        self._asking = self._listening = None

    def _connect(self, now: float) -> None:
        self._asking = Line(self._home)
        # What is told first, to one who listens, lets the first question be asked.
        self._asked_at, self._ask_at, self._listen_at = None, now + _BETWEEN, now
        self._news = None

    def _ask_when_due(self, line: Line, now: float) -> None:
        if self._listening is None and now >= self._listen_at:
            self._listening = Line(self._home)
            self._listening.ask("subscribe")
            self._listen_at = now + _LISTENS_AGAIN_AFTER
        if self._asked_at is not None:
            if now - self._asked_at >= _MUTE_AFTER:
                self._find_mute()
        elif now >= self._ask_at:
            line.ask("status")
            self._asked_at = self._last_asked = now
            self._is_asked_for_news, self._is_news = self._is_news, False
            self._ask_at = NEVER if self._every is None else now + self._every

    def _read(self, now: float) -> None:
        if self._listening is not None:
            for message in self._listening.read():
                self._hear(message)
        if self._asking is not None:
            for message in self._asking.read():
                if isinstance(found := message.get("result"), dict):
                    self._know(found)
                else:
                    # It has failed over the answer, as its log tells.
                    self._asked_at, self._ask_at = None, now + _LONGEST_PAUSE
                    self._find_mute()

    def _know(self, found: dict[str, Any]) -> None:
        if self.trouble is not None or self.seen is None or self._is_asked_for_news:
            self.changes += 1
        self.seen, self.trouble = found, None
        self._asked_at, self._pause = None, _FIRST_PAUSE

    def _hear(self, message: Mapping[str, object]) -> None:
        """Something has changed: ask what, unless that was asked a moment ago. A refusal to tell ends the listening for a while."""
        if "method" not in message:
            if self._listening is not None:
                self._listening.close()
                self._listening = None
            return
        news = message.get("params")
        if isinstance(news, dict):
            self._take_progress(news.get("night"))
            lasting = {**news, "night": _without_progress(news.get("night"))}
            if lasting != self._news:
                self._news, self._is_news = lasting, True
                self._ask_at = min(self._ask_at, self._last_asked + _BETWEEN)

    def _take_progress(self, night: object) -> None:
        """How far a night is it tells itself: nobody need ask."""
        if self.seen is not None and isinstance(night, dict):
            self.seen["consolidation"] = {**self.seen["consolidation"], **night}

    def _lose(self, away: DaemonAway, now: float) -> None:
        """Try again, later each time."""
        self.close()
        self._connect_at = now + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self.seen = None
        self._find_fault(away)

    def _find_mute(self) -> None:
        self._find_fault(DaemonMute(home=self._home.root, seconds=round(_MUTE_AFTER), log=self._home.log))

    def _find_fault(self, why: DaemonAway | DaemonMute) -> None:
        if type(why) is not type(self.trouble):
            self.changes += 1
        self.trouble = why


def _without_progress(night: object) -> object:
    return {**night, "progress": None} if isinstance(night, dict) else night
