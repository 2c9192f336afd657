"""What a server works on for as long as its client stays, whatever becomes of the file meanwhile: the memory, and the agenda."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import anyio
import anyio.to_thread

from iai_daemon.config import Memory
from iai_daemon.errors import IaiError, StoreUnusable
from iai_daemon.memory.delivering import LATER, deliver
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.patience import patience
from iai_daemon.storage.where import address_of


class _Open(Protocol):
    """A part of the store that was opened."""

    @property
    def close(self) -> Callable[[], None]: ...

    @property
    def moved(self) -> Callable[[], bool]: ...


# Seconds: longer than another process may keep the memory locked, shorter than agents wait for an answer.
ANSWERS_WITHIN = 15.0

_T = TypeVar("_T")
_Part = TypeVar("_Part", bound=_Open)


class Kept(Generic[_Part]):
    """A part of a home's store, opened when it is used first; opening and using it may raise StoreUnusable, StoreBusy.

    A file that is no longer the one that others find is left for that one. After damage the file is let go of, since
    `store restore` can replace it only then; the next use opens what stands there.
    """

    def __init__(self, open_it: Callable[[], _Part]) -> None:
        self._open = open_it
        self._part: _Part | None = None
        self._turn = anyio.CapacityLimiter(1)

    async def use(self, work: Callable[[_Part], _T], later: Callable[[IaiError], _T] | None = None) -> _T:
        """One at a time, in a thread: a wait for another writer blocks no ping. `later`: what is done in the same turn where the work
        has to wait for the memory's server; without it that is raised."""

        def with_it() -> _T:
            try:
                with patience(ANSWERS_WITHIN), self as part:
                    return work(part)
            except LATER as why:
                if later is None:
                    raise
                return later(why)

        return await anyio.to_thread.run_sync(with_it, limiter=self._turn)

    def __enter__(self) -> _Part:
        """For who is alone with it."""
        if self._part is not None and self._part.moved():
            self.close()
        if self._part is None:
            self._part = self._open()
        return self._part

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, StoreUnusable):
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        part, self._part = self._part, None
        if part is not None:
            part.close()


class Opened(Kept[Stores]):
    """The memory of a home. A file is opened at once: raises StoreUnusable, StoreBusy. A server is first asked when it is used,
    since an agent without a memory still has its other tools, and notes can wait (`spools`). Raises BadConfig."""

    def __init__(self, home: Home, settings: Memory) -> None:
        super().__init__(lambda: open_stores(home))
        self.home = home
        self.spools = address_of(home, settings) is not None
        if not self.spools:
            self._part = open_stores(home)

    def __enter__(self) -> Stores:
        """What was told while the server was away is in the memory before anything else is done with it, as far as it goes quickly."""
        stores = super().__enter__()
        try:
            deliver(stores, self.home)
        except StoreUnusable:
            self.close()
            raise
        return stores
