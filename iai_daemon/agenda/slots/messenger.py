"""The daemon's handle on the courier, the process that talks to the calendar's backend. It is started when it is needed."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from iai_daemon.paths import Home

COURIER = ("-P", "-m", "iai_daemon.agenda.slots.courier")
# A backend has fifteen seconds; whatever takes longer is not the backend.
_PATIENCE = 25.0
_LONGEST_LINE = 16 * 2**20


class Messenger:
    """Asks one thing after the other. `program`: what Python runs."""

    def __init__(self, home: Home, program: Sequence[str] = COURIER, patience: float = _PATIENCE) -> None:
        self._home = home
        self._program = program
        self._patience = patience
        self._process: Process | None = None
        self._number = 0

    async def ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        """The courier's answer; where there is none, one of its own: `ok` is False, `problem` says why. Never raises, but when
        it is cancelled."""
        self._number += 1
        try:
            async with asyncio.timeout(self._patience):
                return await self._ask({"id": self._number, **request})
        except TimeoutError:
            problem = f"the courier has not answered for {self._patience:g} s and was ended"
        except (OSError, ValueError) as cause:
            problem = f"the courier has ended ({cause})"
        except asyncio.CancelledError:
            await self.close()
            raise
        await self.close()
        return {"ok": False, "kind": "away", "problem": problem}

    async def _ask(self, request: Mapping[str, object]) -> Mapping[str, Any]:
        """Raises OSError, and ValueError for an answer that is none."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._program,
                "--home",
                str(self._home.root),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        to, back = self._process.stdin, self._process.stdout
        if to is None or back is None:
            raise ValueError("it has no pipes")
        to.write(json.dumps(request).encode() + b"\n")
        await to.drain()
        line = await back.readline()
        if not line:
            raise ValueError("it closed its end")
        answer = json.loads(line)
        if not isinstance(answer, dict) or answer.get("id") != request["id"]:
            raise ValueError("it answered something else")
        return answer

    async def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
