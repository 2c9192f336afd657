"""Gists by a program of the user's own, `consolidation.summarize_command`: what it is given, what is taken of its answer, and how
often it may be asked. Used by the pass `summarize`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from iai_daemon.config import Command
from iai_daemon.consolidation import program
from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.memory.record import Record, describe
from iai_daemon.paths import Home

# So many characters a gist may have.
MOST = 2000
_TOLD = ("id", "content", "kind", "subject", "attribute", "scope", "created_at")


def summed_up(
    command: Command, home: Home, members: Sequence[Record], yield_point: YieldPoint, grace: float
) -> tuple[str | None, str]:
    """The gist, or None and why there is none. What `yield_point` raises comes through, once the program has ended."""
    sources = [{name: value for name, value in describe(each).items() if name in _TOLD} for each in members]
    given = json.dumps({"sources": sources}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if program.find(command) is None:
        return None, f"there is no program {command.argv[0]} that can be started"
    ended = program.run(command, home, yield_point, grace, given)
    said = " ".join(ended.out.split())
    if ended.late:
        return None, "it took too long and was ended"
    if ended.status:
        return None, ended.how
    if not said:
        return None, "it said nothing"
    if len(said) > MOST or len(ended.out.encode("utf-8", "replace")) >= program.TAIL:
        return None, f"it said more than {MOST} characters"
    return said, ""
