"""Orders as the daemon gives them, and what comes of those that go wrong."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.agenda.slots.courier.answers import Trouble
from iai_daemon.agenda.slots.courier.orders import Agent, Beat, Tell

STAMP = "2026-11-21T21:00:00.000Z"
KEY = "sk-very-secret-key"


def a_beat(*agents: str) -> Beat:
    return Beat(1, STAMP, tuple(Agent(each, "large", "idle") for each in agents or ("writer",)))


def a_tell(slot: str = "7", status: str = "completed", **more: Any) -> Tell:
    return Tell(2, slot, status, more.get("summary"), more.get("reason"), more.get("key", "k-1"))


def trouble(work: Any) -> Trouble:
    """What it raises; a sentence on one line."""
    with pytest.raises(Trouble) as caught:
        work()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    return caught.value
