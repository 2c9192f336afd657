"""A trial of an agent: it is woken as a recall would wake it, for nobody's recall, and told to say hello. Used by `agents test`, by
the daemon for who asks it to, and by the doctor."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from iai_daemon.agenda.waking.call import Call, make_call
from iai_daemon.agenda.waking.wake import Ended
from iai_daemon.config import Agent
from iai_daemon.paths import Home

HELLO = "Say hello: this is a test of whether you can be woken. Change nothing, and use no tools."


@dataclass(frozen=True, slots=True)
class Trial:
    """What was started, in which session, and how that ended."""

    call: Call
    session_id: str
    ended: Ended

    def to_json(self) -> Mapping[str, object]:
        """As `agents test --json` and the daemon tell it; `seconds` it took, `output` is the end of what it wrote."""
        return {
            "agent": self.call.name,
            "session_id": self.session_id,
            "argv": list(self.call.argv),
            "exit_status": self.ended.exit_status,
            "seconds": round(self.ended.seconds, 3),
            "problem": self.ended.problem,
            "output": self.ended.output,
        }


async def try_out(
    agent: Agent,
    home: Home,
    wake: Callable[[Call], Awaitable[Ended]],
    *,
    session_id: str | None = None,
    message: str = HELLO,
) -> Trial:
    """Have it woken by `wake`, in a session of a new name where none is given. Raises AgentUnusable."""
    wanted = session_id or str(uuid.uuid4())
    call = make_call(agent, wanted, message, uuid.uuid4().hex, home)
    return Trial(call, wanted, await wake(call))
