"""Whom the doctor looks at: one home, with what its settings and its daemon say, read once for all checks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import psutil

from iai_daemon.aside import Aside
from iai_daemon.clock import Now
from iai_daemon.config import Settings, load
from iai_daemon.control import client
from iai_daemon.doctor.finding import NotChecked
from iai_daemon.errors import BadConfig, DaemonMute, IaiError, StoreBusy, StoreUnusable
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage import sqlite
from iai_daemon.storage.migrate import newest
from iai_daemon.storage.where import address_of

# Both take milliseconds, and what hangs shall not keep the doctor waiting.
_WITHIN = 1.0
_OPENS_WITHIN = 0.5
# Seconds that a server may take for one answer.
ANSWERS_WITHIN = 2.0

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """`settings` and `status` (the object of `status --json`) are None where there are none to go by; then `unset` and `away`
    say why."""

    home: Home
    now: Now
    settings: Settings | None
    status: Mapping[str, Any] | None
    unset: IaiError | None = None
    away: IaiError | None = None

    def require_settings(self) -> Settings:
        """Raises NotChecked."""
        if self.settings is None:
            raise NotChecked("the settings cannot be used")
        return self.settings

    def require_daemon(self) -> Mapping[str, Any]:
        """What it says of itself. Raises NotChecked."""
        if self.status is None:
            mute = isinstance(self.away, DaemonMute)
            raise NotChecked("the daemon does not answer" if mute else "no daemon is running")
        return self.status

    def require_home(self) -> Home:
        """Raises NotChecked."""
        if not self.home.root.is_dir():
            raise NotChecked("there is no home yet")
        return self.home

    @property
    def process(self) -> psutil.Process | None:
        """The daemon's; None where none answers, or in another container, where its number is somebody else's or nobody's."""
        try:
            return psutil.Process(self.status["pid"]) if self.status else None
        except psutil.Error:
            return None

    @property
    def address(self) -> str | None:
        """Where its memory is, when that is a server. Raises BadConfig."""
        return None if self.settings is None else address_of(self.home, self.settings.memory)

    @property
    def has_no_memory(self) -> bool:
        """Whether there is none yet, as far as this machine knows."""
        return not self.home.memory.exists() and self.address is None

    @contextlib.contextmanager
    def stores(self) -> Iterator[Stores]:
        """The memory of this home as everybody opens it; it is neither made nor brought to another schema. Raises NotChecked."""
        address = self.address
        opened = self._in_a_file() if address is None else self._on_a_server(address)
        try:
            yield opened
        finally:
            opened.close()

    def _on_a_server(self, address: str) -> Stores:
        from iai_daemon.storage.postgres.schema import schema_at  # noqa: PLC0415 -- who has no server does not pay for its driver

        try:
            schema = schema_at(address, ANSWERS_WITHIN)
            if schema < newest():
                raise NotChecked(
                    "the memory still has an older schema" if schema else "there is no memory yet"
                )
            settings = self.require_settings().memory
            return open_stores(self.home, within=_OPENS_WITHIN, settings=settings, deadline=ANSWERS_WITHIN)
        except (StoreUnusable, StoreBusy) as error:
            raise NotChecked("the memory cannot be opened") from error

    def _in_a_file(self) -> Stores:
        path = self.require_home().memory
        if not path.exists():
            raise NotChecked("there is no memory yet")
        try:
            # Who holds it for himself alone is told by the check of the store.
            with sqlite.translated(path), sqlite.reading(path, _OPENS_WITHIN) as connection:
                schema = connection.execute("PRAGMA user_version").fetchone()[0]
            if schema < newest():
                raise NotChecked("the memory still has an older schema")
            return open_stores(self.home, within=_OPENS_WITHIN)
        except (StoreUnusable, StoreBusy) as error:
            raise NotChecked("the memory cannot be opened") from error


def meet(home: Home, now: Now) -> Patient:
    """Read its settings and ask its daemon, both at once; whatever hangs, it takes little more than a second."""
    reading = Aside(lambda: load(home), "settings")
    asking = Aside(lambda: client.status(home, timeout=_WITHIN), "status")
    hangs = BadConfig(path=home.config, where="as a whole", problem="it cannot be read within a second")
    mute = DaemonMute(home=home.root, seconds=_WITHIN, log=home.log)
    settings, unset = _either(reading, hangs)
    status, away = _either(asking, mute)
    return Patient(home=home, now=now, settings=settings, status=status, unset=unset, away=away)


def _either(work: Aside[_Result], late: IaiError) -> tuple[_Result | None, IaiError | None]:
    """What came of it, or why nothing did."""
    try:
        return (work.result(), None) if work.ended(_WITHIN) else (None, late)
    except IaiError as error:
        return None, error
