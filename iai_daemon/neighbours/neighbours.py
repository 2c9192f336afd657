"""The daemon's side of other hosts: it tells them who is here, and its loop who is there. Without a server there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from iai_daemon.clock import Clock, Now
from iai_daemon.config import Settings
from iai_daemon.lifecycle.decide import Standing
from iai_daemon.paths import Home
from iai_daemon.presence.classify import Presence
from iai_daemon.units import NEVER

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from iai_daemon.neighbours.sight import Sight, Troubles


class Neighbours:
    """Every method is called from the event loop, and but for `reload` and `close` returns at once."""

    def __init__(
        self,
        home: Home,
        settings: Settings,
        clock: Clock,
        changed: Callable[[], None],
        log: BoundLogger,
        troubles: Troubles,
    ) -> None:
        self._home = home
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._log = log
        self._troubles = troubles
        self._sight: Sight | None = None

    def begin(self) -> None:
        """Look for others from now on, if the memory is where there may be some."""
        if self._settings.memory.engine != "sqlite":
            from iai_daemon.neighbours.sight import Sight  # noqa: PLC0415 -- who has no server does not pay for it

            self._sight = Sight(
                self._home, self._settings, self._clock, self._changed, self._log, self._troubles
            )

    @property
    def next_at(self) -> float:
        """When (awake clock) somebody elsewhere no longer counts without any event."""
        return NEVER if self._sight is None else self._sight.next_at

    def join(self, presence: Presence, now: Now) -> Presence:
        """The same with everybody who is present elsewhere."""
        return presence if self._sight is None else self._sight.join(presence, now)

    def tell(self, standing: Standing, presence: Presence, night: object, now: Now) -> None:
        """How this host stands, and which night runs here: others hear of it at once where it matters to them."""
        if self._sight is not None:
            from iai_daemon.neighbours import account  # noqa: PLC0415 -- who has no server does not pay for it

            self._sight.tell(account.of(standing.state, standing.rule, presence, night), now)

    async def reload(self, settings: Settings) -> None:
        """Go by other settings from now on; where the memory is elsewhere now, everything begins anew."""
        before, self._settings = self._settings, settings
        if settings.memory != before.memory:
            await self.close()
            self.begin()
        elif self._sight is not None:
            self._sight.go_by(settings)

    async def close(self) -> None:
        """Say goodbye to the others; safe to call twice."""
        sight, self._sight = self._sight, None
        if sight is not None:
            await sight.close()

    def describe(self, now: Now, idle_after: float) -> list[dict[str, object]]:
        """The part `hosts` of the status, ours first; none without a server."""
        return [] if self._sight is None else self._sight.describe(now, idle_after)

    def describe_wrappers(self, now: Now, idle_after: float) -> list[dict[str, object]]:
        """Everybody who is present on other hosts that count."""
        return [] if self._sight is None else self._sight.describe_wrappers(now, idle_after)
