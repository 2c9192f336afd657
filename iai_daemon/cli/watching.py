"""`watch` on a terminal: look, draw, wait; nothing else. What is drawn is what `status` prints, a running night's bar, and what was."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from iai_daemon.cli.colour import Tone, wants_colour
from iai_daemon.cli.following import Following
from iai_daemon.cli.layout import Line, Row, fit, shows_unicode
from iai_daemon.cli.moments import clock_time
from iai_daemon.cli.rate import Rate
from iai_daemon.cli.screen import Screen
from iai_daemon.cli.standing import rows
from iai_daemon.cli.waiting import Signals, signals, wait_for
from iai_daemon.clock import Now, read
from iai_daemon.foreign import one_line
from iai_daemon.lifecycle import history
from iai_daemon.paths import Home
from iai_daemon.units import parse_stamp

_EVERY = 1.0
_ENDS, _BAR = b"qQ", 24
_MOST_TRANSITIONS = 12
_GONE = "It is looked for again and again: this goes on by itself when there is one."
_MUTE = "What stands below is as it was; this goes on by itself when it answers."
_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH)
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def show(home: Home) -> int:
    """Until `q` (0) or a signal (128 and its number), whatever becomes of the daemon meanwhile."""
    coloured = wants_colour(os.environ, is_terminal=True)
    following, view = Following(home, _EVERY), View(home)
    try:
        with signals(*_HEARD) as heard, Screen(coloured=coloured) as screen:
            while True:
                now = read()
                following.go_on(now.awake)
                screen.draw(view.lines(following, now, *screen.size))
                ended = _wait(following, screen, heard)
                if ended is not None:
                    return ended
    finally:
        following.close()


def _wait(following: Following, screen: Screen, heard: Signals) -> int | None:
    """Until something is to be done; the exit status where that is to end."""
    sources = [heard.fileno(), *screen.keys, *(line.fileno() for line in following.lines())]
    ready = wait_for(sources, min(following.next_at() - read().awake, _EVERY))
    came = heard.read() if heard.fileno() in ready else set()
    if ending := came & _ENDING:
        return 128 + max(ending)
    if signal.SIGTSTP in came:
        screen.step_aside()
        heard.read()
    elif signal.SIGCONT in came:
        screen.retake()
    if ready.intersection(screen.keys) and any(key in _ENDS for key in screen.typed()):
        return 0
    return None


class View:
    """What is to be seen. It remembers how fast the night goes, and what has happened."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._unicode = shows_unicode(os.environ, sys.stdout.encoding)
        self._rate = Rate()
        self._of: object = None
        self._transitions: list[Row] = []

    def lines(self, following: Following, now: Now, width: int, height: int) -> list[Line]:
        """As many as there is room for."""
        seen = following.seen
        wanted = [_head(now)]
        if following.trouble is not None:
            wanted.append(Row("", f"{following.trouble}", Tone.WARNING, 11))
            wanted.append(Row("", _GONE if seen is None else _MUTE, worth=9))
        if seen is not None:
            wanted += self._status(seen, now)
            self._learn_history((seen["pid"], seen["since"], seen["state"]), now)
        wanted += self._transitions
        return fit(wanted, width, height, unicode=self._unicode)

    def _status(self, seen: Mapping[str, Any], now: Now) -> Iterator[Row]:
        night = seen["consolidation"]
        if night["running"]:
            self._rate.see(night, now.awake)
        for row in rows(seen, now.wall):
            yield row
            if night["running"] and row.label == "night" and row.tone is Tone.BEDTIME:
                yield Row("night", _bar(night, self._rate.say(night, now.awake)), Tone.BEDTIME, 8, whole=True)

    def _learn_history(self, standing: object, now: Now) -> None:
        """Read it again when the state has changed."""
        if standing == self._of:
            return
        self._of = standing
        try:
            found = history.read(self._home.history, _MOST_TRANSITIONS)
        except OSError:
            found = []
        self._transitions = [row for each in reversed(found) for row in _transition(each, now.wall)]


def _head(now: Now) -> Row:
    return Row("iai-daemon", f"  {clock_time(now.wall, now.wall)}  ·  q ends", Tone.QUIET, 9, whole=True)


def _bar(night: Mapping[str, Any], speed: str) -> str:
    progress = night["progress"] or {}
    done, total = progress.get("done") or 0, progress.get("total") or 0
    if not total:
        return speed
    share = min(1.0, max(0.0, done / total))
    full = round(share * _BAR)
    return f"{'█' * full}{'░' * (_BAR - full)} {share:4.0%}  {speed}".rstrip()


def _transition(each: Mapping[str, object], now: float) -> Iterator[Row]:
    """`02:14 IDLE → BEDTIME, absent: no wrapper open for 2 min (limit 2 min)`; what is none is left out."""
    try:
        at = clock_time(parse_stamp(str(each.get("at"))), now)
    except (ValueError, OverflowError, OSError):
        return
    before = f"{one_line(str(each['from']), 10)} → " if each.get("from") else ""
    after, rule = one_line(str(each.get("to")), 10), one_line(str(each.get("rule")), 20)
    said = f"{at} {before}{after}, {rule}: {one_line(str(each.get('reason')), 100)}"
    yield Row("history", said, Tone.QUIET, 2, whole=True)
