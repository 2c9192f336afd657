"""What does not work in the daemon: each thing once, for as long as it lasts, for `status`; and how often the loop failed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from iai_daemon.paths import Home
from iai_daemon.service import installed

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

AS_SAID = "as the sentence says; the daemon tries again"
LET_OPEN = "raise the daemon's limit of open files, or let those who call hang up; see the log"


@dataclass(frozen=True, slots=True)
class _Trouble:
    why: str
    fix: str


class Troubles:
    """`failures` counts what the loop has survived."""

    def __init__(self, log: BoundLogger) -> None:
        self._log = log
        self._lasting: dict[str, _Trouble] = {}
        self._refused: set[str] = set()
        self._refused_before: set[str] = set()
        self._program = installed.Running()
        self.failures = 0

    def tick(self) -> None:
        """What asyncio could not do counts until a whole tick has passed without it: it is told in between, too."""
        self._refused_before, self._refused = self._refused, set()

    def note(self, what: str, why: str, fix: str = AS_SAID, *, said: str) -> None:
        """This does not work, until it is `over`. The log hears of it once for each reason."""
        if self._lasting.get(what) != _Trouble(why, fix):
            self._log.warning(said, why=why)
        self._lasting[what] = _Trouble(why, fix)

    def over(self, what: str) -> None:
        """It works, again or as ever."""
        self._lasting.pop(what, None)

    def see_whether_outdated(self, home: Home) -> None:
        """Whether what runs is still what is installed, and what the service manager would start."""
        found = self._program.outdated(home) or installed.trouble(home)
        if found is None:
            self.over("version")
        else:
            self.note("version", found.why, found.fix, said="not what is installed")

    def failed(self, what: str, error: BaseException | None) -> None:
        """Something that nobody expected; the loop goes on."""
        self.failures += 1
        self._log.error(what, failures=self.failures, exc_info=error)

    def call_failed(self, error: Exception) -> None:
        """One caller got no answer for it."""
        self.failed("call failed", error)

    def loop_failed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio could not do for us. Without a descriptor for who calls it says so a hundred times a second."""
        said = f"{context['message']} ({context.get('exception')})"
        if said not in self._refused:
            self._refused.add(said)
            self.failed(context["message"], context.get("exception"))

    def degraded(self) -> Iterator[dict[str, str]]:
        """As `status` tells it."""
        for what, each in self._lasting.items():
            yield degraded(what, each.why, each.fix)
        for why in self._refused_before | self._refused:
            yield degraded("control", why, LET_OPEN)


class Reserve:
    """A descriptor that is kept back: where no other is left, the service manager can still be told that the daemon lives."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """One more descriptor may be opened inside."""
        self.close()
        try:
            yield
        finally:
            self.keep()

    def keep(self) -> None:
        """Keep one back from now on; where there is none, the next one who is lent it will miss it."""
        with contextlib.suppress(OSError):
            self._descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def degraded(what: str, why: str, fix: str) -> dict[str, str]:
    """One entry of `degraded` in the status."""
    return {"what": what, "why": why, "fix": fix}
