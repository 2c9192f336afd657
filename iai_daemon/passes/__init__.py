"""What a pass of your own needs; docs/how-to/passes.md tells how to write one. This is version 1 of the protocol.

A package offers a pass as an entry point of the group `iai_daemon.passes`: a callable that is handed (Settings, Home) and
returns a `Pass` of the entry point's name. It runs where a user has put that name into `consolidation.passes`. Names that
are exported here keep their meaning within a version; new ones may come, and fields with defaults.
"""

from iai_daemon.config import Settings
from iai_daemon.consolidation.plan import PROTOCOL, Pass, Portion, ReadsOutside, YieldPoint, change_id
from iai_daemon.memory.nights import (
    SETTABLE,
    Addition,
    Batch,
    Change,
    Link,
    LinkKind,
    NightStore,
    Outside,
)
from iai_daemon.memory.record import Draft, Record
from iai_daemon.paths import Home

__all__ = [
    "PROTOCOL",
    "SETTABLE",
    "Addition",
    "Batch",
    "Change",
    "Draft",
    "Home",
    "Link",
    "LinkKind",
    "NightStore",
    "Outside",
    "Pass",
    "Portion",
    "ReadsOutside",
    "Record",
    "Settings",
    "YieldPoint",
    "change_id",
]
