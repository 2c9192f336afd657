"""The daemon's eyes: the wrappers' directories, watched and scanned, and the clocks by which what lies in them ages."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.paths import Home
from iai_daemon.presence.ageing import Ageing, Clocks
from iai_daemon.presence.classify import Presence
from iai_daemon.presence.processes import SystemProcesses
from iai_daemon.presence.scanner import Identity, Limits, Scanner
from iai_daemon.presence.watcher import Watcher

_WRITABLE = "make the directory writable"


class Surroundings:
    """Who is here. Every method is called from the event loop."""

    def __init__(self, home: Home, settings: Settings, changed: Callable[[], None]) -> None:
        self._home = home
        self._changed = changed
        self._processes = SystemProcesses()
        self._watcher = Watcher((), changed)
        self._open_eyes(settings, Clocks())

    def _open_eyes(self, settings: Settings, clocks: Clocks) -> None:
        directories = settings.wrappers_dirs(self._home)
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
        return self._scanner.scan(now, woken)

    def clean_up(self, now: Now) -> None:
        """Delete what wrappers that are long gone have left."""
        self._scanner.clean_up(now)

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
