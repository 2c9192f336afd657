"""The store as the daemon's loop asks it: a file at once, a server beside the loop, which is never kept waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from iai_daemon.consolidation.tasks import is_enabled
from iai_daemon.errors import IaiError
from iai_daemon.memory.nights import Hindrance, NightRow, Why
from iai_daemon.memory.stores import Stores

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store tells at one look; times in milliseconds since the epoch.

    `due`, `asked` and `night`: the last completed nights that were due, that a person asked for, and that were no naps;
    `elsewhere`: the host that a night runs on now, where hosts share the store.
    """

    newest: NightRow | None
    first_started_at: int
    due: NightRow | None
    asked: NightRow | None
    night: NightRow | None
    hindrances: dict[str, Hindrance]
    enabled: bool
    elsewhere: str | None


def see(stores: Stores, now: int) -> Seen:
    """Look at all that changes without the daemon. Raises StoreUnusable, StoreBusy."""
    nights, holder = stores.nights, stores.database.holder()
    newest = nights.nights(1)
    return Seen(
        newest=newest[-1] if newest else None,
        first_started_at=nights.first_started_at(now),
        due=nights.last_completed(asked=False),
        asked=nights.last_completed(asked=True),
        night=nights.last_completed(kind="night"),
        hindrances=dict(nights.hindrances()),
        enabled=is_enabled(stores.tasks),
        elsewhere=None if holder is None else holder.host,
    )


class Keeper:
    """Opens the store, keeps it open, and asks it. Every method is called from the loop; all but `close` return at once.

    `beside`: in a thread of its own, so that an answer comes at a later turn.
    """

    def __init__(self, open_store: Callable[[], Stores], *, beside: bool) -> None:
        self.beside = beside
        self._open_store = open_store
        self._stores: Stores | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._asked: dict[str, asyncio.Task[None]] = {}

    def ask(
        self,
        name: str,
        question: Callable[[Stores], _Answer],
        told: Callable[[_Answer], None],
        failed: Callable[[IaiError], None],
        *,
        opens: bool = False,
    ) -> None:
        """Let `told` or `failed` hear what comes of it. A question of this name that waits for its answer is not asked again.

        Who `opens` opens a store that is not open, or is another one by now, and closes it where it cannot be used; who does not
        hears nothing of one that is not open.
        """

        def answer() -> None:
            found = self._answer(question, opens=opens)
            if found is not None:
                told(found)

        if not self.beside:
            try:
                answer()
            except IaiError as error:
                failed(error)
        elif name not in self._asked:
            asking = asyncio.create_task(
                self._ask_beside(lambda: self._answer(question, opens=opens), told, failed)
            )
            self._asked[name] = asking
            asking.add_done_callback(lambda _: self._asked.pop(name, None))

    async def _ask_beside(
        self,
        answer: Callable[[], _Answer | None],
        told: Callable[[_Answer], None],
        failed: Callable[[IaiError], None],
    ) -> None:
        try:
            found = await self._beside(answer)
        except IaiError as error:
            failed(error)
        else:
            if found is not None:
                told(found)

    def _answer(self, question: Callable[[Stores], _Answer], *, opens: bool) -> _Answer | None:
        try:
            if opens and self._stores is not None and self._stores.moved():
                self._let_go()
            if opens and self._stores is None:
                self._stores = self._open_store()
            return None if self._stores is None else question(self._stores)
        except IaiError:
            if opens:
                self._let_go()
            raise

    async def _beside(self, work: Callable[[], _Answer]) -> _Answer:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def leave(self) -> None:
        """Let go of the store as soon as it has answered; nobody hears what. It is not asked again."""
        for each in self._asked.values():
            each.cancel()
        if self._thread is None:
            self._let_go()
        else:
            self._thread.submit(self._let_go)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def close(self) -> None:
        """Let go of the store; a server may have so long to answer as it always has."""
        thread = self._thread
        self.leave()
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    def _let_go(self) -> None:
        stores, self._stores = self._stores, None
        if stores is not None:
            stores.close()


class Tally:
    """What is counted for `status`: what the store told last, and it is asked again each time. `failed` hears why it cannot be."""

    def __init__(self, keeper: Keeper, failed: Callable[[IaiError], None]) -> None:
        self._keeper = keeper
        self._failed = failed
        self.forget()

    def forget(self) -> None:
        """Nothing is known any more."""
        self._memories: int | None = None
        self._waiting: Mapping[str, int] = {}

    def memories(self) -> int | None:
        """How many there are; None: that is not known."""
        self._keeper.ask(
            "memories", lambda stores: stores.memory.memories(), self._know_memories, self._cannot_count
        )
        return self._memories

    def waiting(self) -> Mapping[str, int]:
        """How many planned changes wait, by why."""
        self._keeper.ask(
            "waiting", lambda stores: stores.nights.waiting(), self._know_waiting, self._cannot_count
        )
        return self._waiting

    def _know_memories(self, found: int) -> None:
        self._memories = found

    def _know_waiting(self, found: Mapping[Why, int]) -> None:
        self._waiting = {why.value: number for why, number in found.items()}

    def _cannot_count(self, error: IaiError) -> None:
        self.forget()
        self._failed(error)
