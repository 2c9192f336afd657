"""The memory server's tools for recalls. Their docstrings are what an agent reads; recalling.py does the work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from iai_daemon.config import Settings
from iai_daemon.errors import Refused, UsageError
from iai_daemon.mcp_server.opened import Kept
from iai_daemon.mcp_server.schemas import (
    AgentName,
    At,
    CancelledResult,
    ConfirmedResult,
    Cron,
    Every,
    In,
    IncludePast,
    Limit,
    Message,
    OtherSession,
    PlannedSession,
    RecallId,
    RecallResult,
    RecallsResult,
    SkippedResult,
    Token,
    Zone,
)
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from iai_daemon.mcp_server.recalling import Recalling


class RecallTools:
    """The recalls of an agent's session, and of others that it names. What goes wrong is raised as an IaiError.

    `who`: what the program at the other end calls itself.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        who: Callable[[], str | None],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._home = home
        self._settings = settings
        self._who = who
        self._environment = environment
        self._recalls = Kept(self._open)

    def close(self) -> None:
        """Let go of the store."""
        self._recalls.close()

    async def list_recalls(
        self, session_id: OtherSession = "", include_past: IncludePast = False, limit: Limit = 20
    ) -> RecallsResult:
        """When an agent is woken in this session, and what it is told. `run`: what you were woken for yourself."""
        return await self._recalls.use(
            lambda recalls: recalls.list(session_id.strip(), limit, past=include_past)
        )

    async def confirm_recall(self, token: Token = "") -> ConfirmedResult:
        """Say that you have done what you were woken for."""
        return await self._recalls.use(lambda recalls: recalls.confirm(token.strip()))

    async def cancel_recall(
        self,
        id: RecallId = 0,  # noqa: A002 -- the parameter's name is the tool's contract
        session_id: OtherSession = "",
    ) -> CancelledResult:
        """Let nothing more come of a recall."""
        return await self._recalls.use(lambda recalls: recalls.cancel(id, session_id.strip()))

    async def skip_next_recall(
        self,
        id: RecallId = 0,  # noqa: A002 -- the parameter's name is the tool's contract
        session_id: OtherSession = "",
    ) -> SkippedResult:
        """Leave out the next time of a recall that comes again and again."""
        return await self._recalls.use(lambda recalls: recalls.skip(id, session_id.strip()))

    async def schedule_recall(  # noqa: PLR0913, PLR0917 -- the parameters are the tool's contract
        self,
        message: Message,
        at: At = "",
        in_: In = "",
        every: Every = "",
        cron: Cron = "",
        tz: Zone = "",
        agent: AgentName = "",
        session_id: PlannedSession = "",
    ) -> RecallResult:
        """Be woken in this session later: say one of at, in, every, cron. Only where the user allows it."""
        if not self._settings.agenda.agents_may_schedule:
            raise Refused(
                problem="Agents may not plan recalls here: the user can plan it with `iai-daemon recall add`, or allow it with "
                f"agents_may_schedule = true under [agenda] in {self._home.config}."
            )
        times = {"at": at, "in": in_, "every": every, "cron": cron}
        given = {name: text for name, text in times.items() if text.strip()}
        if len(given) != 1:
            raise UsageError(problem="schedule_recall: say when, with one of at, in, every and cron.")
        return await self._recalls.use(
            lambda recalls: recalls.schedule(
                message, given, tz.strip(), agent.strip() or None, session_id.strip()
            )
        )

    def _open(self) -> Recalling:
        # The agenda takes a while to load, and most agents never ask for it.
        from iai_daemon.mcp_server.recalling import Recalling  # noqa: PLC0415

        return Recalling(self._home, self._settings, self._who, self._environment)
