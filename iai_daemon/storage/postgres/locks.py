"""The advisory locks of a database: what only one at a time does there."""

from __future__ import annotations

from enum import IntEnum

# The first of the two numbers that every advisory lock of ours has: "iaid".
LOCKS = 0x69616964


class Lock(IntEnum):
    """What only one at a time does in a database."""

    SCHEMA = 0
    MEMORY = 1
    AGENDA = 2
    NIGHT = 3
