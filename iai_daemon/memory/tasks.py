"""The tasks that a store keeps: what comes by itself, and how often. Every engine implements the protocol. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# The task that lets nights come; there is always one of this name once a daemon has run.
CONSOLIDATE = "consolidate"


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `every` is a duration as the settings write it; stamps are milliseconds since the epoch."""

    name: str
    action: str
    trigger: str
    every: str
    enabled: bool
    created_at: int
    updated_at: int


class TaskStore(Protocol):
    """The tasks' side of a store. Everything may raise StoreUnusable, StoreBusy."""

    def tasks(self) -> Sequence[Task]:
        """By name."""
        ...

    def task(self, name: str) -> Task | None: ...

    def add(self, task: Task) -> bool:
        """Keep a new task; False, and nothing is changed, when there is one of its name."""
        ...

    def update(self, name: str, now: int, *, every: str | None = None, enabled: bool | None = None) -> bool:
        """Set what is given; False, and nothing is written, where that changes nothing. `now` in milliseconds."""
        ...
