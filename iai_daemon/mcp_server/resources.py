"""What a client can put before its user or its agent without a call: the newest memories, the last night, one memory."""

from __future__ import annotations

import json

from iai_daemon.clock import read
from iai_daemon.errors import NoSuchRecord
from iai_daemon.mcp_server.opened import Opened
from iai_daemon.mcp_server.tools import searched_scopes
from iai_daemon.memory.record import GLOBAL_SCOPE, Record, describe
from iai_daemon.memory.stores import Stores
from iai_daemon.units import stamp_of

# Few enough to stand before every conversation.
_RECENT = 20
_CHARACTERS = 200
# No number of a memory has more.
_DIGITS = 19


class Resources:
    """The resources of one server. What goes wrong is raised as an IaiError."""

    def __init__(self, memory: Opened, project: str) -> None:
        self._memory = memory
        self._project = project

    async def recent(self) -> str:
        """The newest memories of this project and the global ones, a line each."""
        return await self._memory.use(self._recent)

    async def last_night(self) -> str:
        """What the last night did to the memory, and how to take it back."""
        return await self._memory.use(_last_night)

    async def record(self, id: str) -> str:  # noqa: A002 -- the name stands in the URI template
        """One memory with its story: who told it, what nights did to it and why, what belongs to it."""
        return await self._memory.use(lambda stores: _record(stores, id))

    def _recent(self, stores: Stores) -> str:
        records = stores.memory.recent(searched_scopes(self._project), _RECENT, read().milliseconds)
        if not records:
            return "Nothing has been remembered yet.\n"
        head = "What was remembered last, the newest first; search_memory finds the rest.\n\n"
        return head + "".join(map(_line, records))


def _line(record: Record) -> str:
    """`- 12 (2026-11-21, global): The user prefers tabs.`"""
    # What tells of nights takes 40 ms to load, which no first answer has to wait for.
    from iai_daemon.consolidation.journal import first_words  # noqa: PLC0415

    told = stamp_of(record.created_at)[:10]
    place = ", global" if record.scope == GLOBAL_SCOPE else ""
    return f"- {record.id} ({told}{place}): {first_words(record.content, _CHARACTERS)}\n"


def _last_night(stores: Stores) -> str:
    # As above.
    from iai_daemon.consolidation.note import look, morning_note  # noqa: PLC0415

    morning = look(stores.nights)
    if morning is not None:
        return morning_note(morning)
    rows = stores.nights.nights(limit=1)
    if not rows:
        return "No night has been yet: `iai-daemon status` says when the next one is due.\n"
    return f"The first {rows[-1].kind}, {rows[-1].id}, has not ended yet.\n"


def _record(stores: Stores, name: str) -> str:
    # As above.
    from iai_daemon.consolidation.story import tell  # noqa: PLC0415

    if not name.isascii() or not name.isdecimal() or len(name) > _DIGITS:
        raise NoSuchRecord(id=name[:_DIGITS])
    record = stores.memory.get(int(name))
    if record.forgotten_at is not None:
        raise NoSuchRecord(id=record.id)
    merged = stores.memory.merged_ids([record.id]).get(record.id, ())
    links = [each.as_json() for each in stores.memory.related(record.id)]
    told = {**describe(record, merged), "story": tell(stores, record), "links": links}
    return json.dumps(told, ensure_ascii=False, indent=1)
