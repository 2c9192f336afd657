"""The memory that a server works on for as long as its client stays, whatever becomes of the file meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import anyio
import anyio.to_thread

from iai_daemon.errors import StoreUnusable
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.paths import Home

_T = TypeVar("_T")


class Opened:
    """The memory of a home; opening and using it may raise StoreUnusable, StoreBusy.

    A file that is no longer the one that others find is left for that one. After damage the file is let go of, since
    `store restore` can replace it only then; the next use opens what stands there.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stores: Stores | None = open_stores(home)
        self._turn = anyio.CapacityLimiter(1)

    async def use(self, work: Callable[[Stores], _T]) -> _T:
        """One at a time, in a thread: a wait for another writer blocks no ping."""

        def with_the_memory() -> _T:
            with self as stores:
                return work(stores)

        return await anyio.to_thread.run_sync(with_the_memory, limiter=self._turn)

    def __enter__(self) -> Stores:
        """For who is alone with it."""
        if self._stores is not None and self._stores.moved():
            self.close()
        if self._stores is None:
            self._stores = open_stores(self._home)
        return self._stores

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, StoreUnusable):
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        stores, self._stores = self._stores, None
        if stores is not None:
            stores.close()
