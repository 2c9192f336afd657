"""The memory server's tools for slots of the calendar. Their docstrings are what an agent reads; calendaring.py does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iai_daemon.config import Settings
from iai_daemon.mcp_server.opened import Kept
from iai_daemon.mcp_server.schemas import (
    ActiveSlotResult,
    CalendarResult,
    PastSlotResult,
    SlotId,
    SlotReason,
    SlotSummary,
    WhyPaused,
)
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from iai_daemon.mcp_server.calendaring import Calendaring


class CalendarTools:
    """The slots of the agent that this server works for. What goes wrong is raised as an IaiError."""

    def __init__(self, home: Home, settings: Settings) -> None:
        self._home = home
        self._settings = settings
        self._slots = Kept(self._open)

    def close(self) -> None:
        """Let go of the store."""
        self._slots.close()

    async def calendar_status(self) -> CalendarResult:
        """Your slots: tasks that a calendar has for you. Which are active, what became of the others."""
        return await self._slots.use(lambda slots: slots.status())

    async def calendar_complete(self, summary: SlotSummary, slot: SlotId = "") -> PastSlotResult:
        """Say that your slot is done."""
        return await self._slots.use(lambda slots: slots.complete(slot.strip(), summary))

    async def calendar_abort(self, reason: SlotReason, slot: SlotId = "") -> PastSlotResult:
        """Give your slot up for good. Whoever works on it is ended."""
        return await self._slots.use(lambda slots: slots.abort(slot.strip(), reason))

    async def calendar_pause(self, reason: WhyPaused = "", slot: SlotId = "") -> ActiveSlotResult:
        """Let your slot rest, until calendar_resume."""
        return await self._slots.use(lambda slots: slots.pause(slot.strip(), reason))

    async def calendar_resume(self, slot: SlotId = "") -> ActiveSlotResult:
        """Go on with a slot that was paused."""
        return await self._slots.use(lambda slots: slots.resume(slot.strip()))

    def _open(self) -> Calendaring:
        # The agenda takes a while to load, and a server may never be asked for it.
        from iai_daemon.mcp_server.calendaring import Calendaring  # noqa: PLC0415

        return Calendaring(self._home, self._settings)
