"""The daemon's eyes: the wrappers' directories, watched and scanned, and the clocks by which what lies in them ages."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.paths import Home
from iai_daemon.presence import ends
from iai_daemon.presence.ageing import Ageing, Clocks
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.hands import SIGNALS, SystemHands
from iai_daemon.presence.listing import Limits
from iai_daemon.presence.orphans import Orphans
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Identity, Scanner
from iai_daemon.presence.watcher import Watcher
from iai_daemon.units import say_duration

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

_WRITABLE = "make the directory writable"


class Surroundings:
    """Who is here. Every method is called from the event loop."""

    def __init__(self, home: Home, settings: Settings, changed: Callable[[], None], log: BoundLogger) -> None:
        self._home = home
        self._changed = changed
        self._log = log
        self._processes = SystemProcesses()
        self._orphans = Orphans(self._processes, SystemHands(self._processes), SIGNALS)
        self._watcher = Watcher((), changed)
        self._open_eyes(settings, Clocks())

    def _open_eyes(self, settings: Settings, clocks: Clocks) -> None:
        self._directories = directories = settings.wrappers_dirs(self._home)
        self._seen_by = _what_counts(settings)
        self.ageing = Ageing(settings.lifecycle.tick)
        self.ageing.resume(clocks)
        self._scanner = Scanner(directories, Limits.of(settings), self._processes, self.ageing)
        self._watcher.close()
        self._watcher = Watcher(directories, self._changed)

    def rearrange(self, settings: Settings) -> bool:
        """Look by other settings from now on, if they are others: as a daemon would that starts at this moment."""
        if _what_counts(settings) == self._seen_by:
            return False
        self._open_eyes(settings, self.ageing.clocks)
        return True

    @property
    def boot_id(self) -> str | None:
        """What tells this boot from every other."""
        return self._processes.boot_id

    @property
    def behind(self) -> bool:
        """Whether there is more to read than the last look took in."""
        return self._scanner.behind

    def look(self, now: Now, woken: Container[Identity]) -> Presence:
        """Everybody who is here; `woken` are the agents that we woke."""
        self._watcher.check()
        presence = self._scanner.scan(now, woken)
        for ended in self._orphans.look(presence, now):
            say = self._log.info if ended.by else self._log.warning
            said = "orphaned server ended" if ended.by else "orphaned server cannot be ended"
            say(said, server=ended.server, pid=ended.pid, wrapper=ended.wrapper, by=ended.by)
        return presence

    @property
    def next_at(self) -> float:
        """When an orphaned server has had its time, on the awake clock."""
        return self._orphans.next_at

    def clean_up(self, now: Now) -> None:
        """Delete what wrappers that are long gone have left, and tell why others ended."""
        self._scanner.clean_up(now)
        for end in ends.take(self._directories):
            said = None if end.lasted is None else say_duration(end.lasted)
            self._log.info(
                "wrapper ended",
                client=end.client,
                server=end.server,
                session=end.session,
                pid=end.pid,
                reason=end.reason,
                status=end.status,
                lasted=said,
            )

    def degraded(self, presence: Presence) -> Iterator[dict[str, str]]:
        """What keeps us from seeing as we should, by the last look."""
        for each in presence.trouble:
            yield {"what": "presence", "why": each.why, "fix": each.fix}
        for each in self._watcher.trouble:
            yield {"what": "watching", "why": each.why, "fix": each.fix}
        if count := self._scanner.undeletable:
            why = f"{count} files of wrappers that are gone cannot be deleted"
            yield {"what": "clean-up", "why": why, "fix": _WRITABLE}

    def close(self) -> None:
        """Stop watching; safe to call twice."""
        self._watcher.close()


def _what_counts(settings: Settings) -> tuple[object, ...]:
    return settings.presence, settings.lifecycle.tick
