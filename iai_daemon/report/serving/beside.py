"""What blocks, done in a thread beside the loop; the server's end waits for none of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

from iai_daemon.aside import Aside

_Result = TypeVar("_Result")
# The thread has done its work by then, and only ends.
_ENDING = 5.0


async def beside(work: Callable[[], _Result], name: str) -> _Result:
    """What `work` returns, or raise what it raised."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> _Result:
        try:
            return work()
        finally:
            # Nobody waits any more where the loop is closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

    begun = Aside(run, name)
    await done.wait()
    begun.ended(_ENDING)
    return begun.result()
