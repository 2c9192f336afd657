"""Somebody who looks at messages without a wrapper, for the tests of iai_heartbeat.py."""

from __future__ import annotations

import json

from iai_heartbeat import Seen

NOON = 1_795_262_400.0


class Observer:
    """Somebody who looks at messages, at a time that the test sets."""

    def __init__(self) -> None:
        self.now = 100.0
        self.seen = Seen()
        self.seen.steady = lambda: self.now
        self.seen.wall = lambda: NOON + self.now

    def client(self, message: object) -> bytes:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.seen.look_at_request(line)
        return line

    def server(self, message: object) -> bytes:
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.seen.look_at_answer(line)
        return line

    @property
    def told(self) -> tuple[int, int, bool, bool]:
        """Activities, calls in flight, and whether there is news that is urgent."""
        return self.seen.activity_count, self.seen.in_flight(), self.seen.news, self.seen.urgent
