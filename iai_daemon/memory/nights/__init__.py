"""What a night needs of a store. Every engine implements it; the runner and the passes know nothing else of the store.

Times are milliseconds since the epoch.
"""

from __future__ import annotations

from iai_daemon.memory.nights.changes import (
    RENEWED,
    SETTABLE,
    Addition,
    Applied,
    Batch,
    Change,
    Held,
    HeldRow,
    Link,
    LinkKind,
    Outside,
    SelfCheck,
    Vector,
    Why,
)
from iai_daemon.memory.nights.diary import ASKED, QUARANTINE, Hindrance, JournalEntry, NightRow, Undone
from iai_daemon.memory.nights.store import (
    EMBEDDING,
    MAINTAINED_FOR,
    NightStore,
    Outlook,
    Said,
    Sharing,
    Wanted,
)

__all__ = [
    "ASKED",
    "EMBEDDING",
    "MAINTAINED_FOR",
    "QUARANTINE",
    "RENEWED",
    "SETTABLE",
    "Addition",
    "Applied",
    "Batch",
    "Change",
    "Held",
    "HeldRow",
    "Hindrance",
    "JournalEntry",
    "Link",
    "LinkKind",
    "NightRow",
    "NightStore",
    "Outlook",
    "Outside",
    "Said",
    "SelfCheck",
    "Sharing",
    "Undone",
    "Vector",
    "Wanted",
    "Why",
]
