"""`watch --json`: one object a line at every change, and nothing in between."""

from __future__ import annotations

import json
import signal
import sys

from iai_daemon.cli.following import Following
from iai_daemon.cli.status import nobody
from iai_daemon.cli.waiting import signals, wait_for
from iai_daemon.clock import read
from iai_daemon.paths import Home


def tell(home: Home) -> int:
    """Until a signal ends it: returns the exit status. Raises BrokenPipeError when nobody reads any more."""
    following = Following(home, every=None)
    output, told = sys.stdout.fileno(), 0
    try:
        with signals(signal.SIGINT, signal.SIGTERM) as ends:
            while True:
                following.go_on(read().awake)
                if following.changes != told:
                    told = following.changes
                    sys.stdout.write(json.dumps(_object(following), ensure_ascii=False) + "\n")
                    sys.stdout.flush()
                sources = [ends.fileno(), *(line.fileno() for line in following.lines())]
                ready = wait_for(sources, following.next_at() - read().awake, watched=output)
                if output in ready:
                    raise BrokenPipeError
                if number := max(ends.read(), default=0):
                    return 128 + number
    finally:
        following.close()


def _object(following: Following) -> dict[str, object]:
    """The newest status; with nobody there, or one who does not answer, the same object that says so."""
    if following.trouble is None and following.seen is not None:
        return following.seen
    return nobody() | {"reason": str(following.trouble)}
