"""Other settings while the daemon goes on: when they are read, what has changed, and what somebody reads only when he starts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iai_daemon.config import Settings, load, plain
from iai_daemon.errors import BadConfig
from iai_daemon.service.pulse import Pulse
from iai_daemon.telling import Told, headline

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

_MEND_IT = "mend it: `iai-daemon config reload` takes it over at once, the daemon itself soon; meanwhile the settings of before hold"

# What tells a file from one that stands there later: its inode, when it was written, its size.
_Seen = tuple[int, int, int]

# The store that is open stays open; and what only the memory servers go by, which clients have started, and which read it then.
_READ_AT_THE_START = ("memory.", "agenda.agents_may_schedule")


@dataclass(frozen=True, slots=True)
class Changes:
    """The settings that have changed, as `section.key`; of these `needs_restart` take effect only at somebody's next start."""

    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The answer of the control method `reload`."""
        return {"changed": list(self.changed), "needs_restart": list(self.needs_restart)}


class Reloads:
    """Reads the settings anew, one time after the other, and has `go_by` take them over; `pulse` tells the service manager."""

    def __init__(
        self,
        daemon: Told,
        log: BoundLogger,
        go_by: Callable[[Settings], Awaitable[None]],
        pulse: Pulse,
        changed: Callable[[], None],
    ) -> None:
        self._daemon = daemon
        self._log = log
        self._go_by = go_by
        self._pulse = pulse
        self._changed = changed
        self._asked = False
        self._refused: _Seen | None = None
        self._seen: _Seen | None = None
        self._one_at_a_time = asyncio.Lock()

    def ask(self) -> None:
        """In the next turn of the loop, once however often it is asked for until then."""
        self._asked = True
        self._changed()

    def tick(self) -> None:
        """Settings that were refused are tried again once somebody has changed them, and is not writing any more."""
        if self._refused is None:
            return
        before, self._seen = self._seen, _look_at(self._daemon.home.config)
        if self._seen is not None and before == self._seen != self._refused:
            self.ask()

    async def do_what_is_asked(self) -> None:
        """Who sends a signal gets no answer: it stands in the log, and in the status."""
        if self._asked:
            self._asked = False
            try:
                await self.reload()
            except BadConfig:
                return
            except Exception as error:  # noqa: BLE001 -- nothing that a signal asks for ends the daemon; `failed` logs and counts it
                self._daemon.troubles.failed("reload failed", error)

    async def reload(self) -> Changes:
        """Read the settings and go by them. Raises BadConfig, and goes on by those of before then."""
        async with self._one_at_a_time:
            self._pulse.reloading()
            seen, self._refused = _look_at(self._daemon.home.config), None
            try:
                settings = load(self._daemon.home)
                changes = compare(self._daemon.settings, settings)
                await self._go_by(settings)
            except BadConfig as bad:
                self._refused = seen
                # Who tries again wants to hear of it again.
                self._daemon.troubles.over("config")
                self._daemon.troubles.note("config", str(bad), _MEND_IT, said="settings not taken over")
                raise
            finally:
                self._pulse.reloaded(partial(headline, self._daemon))
            self._daemon.troubles.over("config")
            self._log.info("settings taken over", **changes.to_json())
            return changes


def _look_at(path: Path) -> _Seen | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def compare(before: Settings, after: Settings) -> Changes:
    """What is different in `after`, in the order of the settings."""
    changed = tuple(_different(plain(before), plain(after)))
    return Changes(changed, tuple(key for key in changed if key.startswith(_READ_AT_THE_START)))


def _different(
    before: Mapping[str, Mapping[str, object]], after: Mapping[str, Mapping[str, object]]
) -> Iterator[str]:
    for section in dict.fromkeys([*before, *after]):
        old, new = before.get(section, {}), after.get(section, {})
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                yield f"{section}.{key}"
