"""Programs of the user's own as passes of the night: `[[consolidation.commands]]`. docs/how-to/passes.md tells what they may expect.

A program changes nothing in this memory; what it does elsewhere, another memory server's file perhaps, is its own to undo.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from iai_daemon.config import Command
from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.errors import CommandFailed
from iai_daemon.memory.nights import Batch, NightStore, Outside
from iai_daemon.paths import Home
from iai_daemon.units import format_duration

# Exit statuses. What stopped half way, EX_TEMPFAIL of sysexits.h, goes on at another time; any other one is a failure.
DONE, HALF_WAY, NOTHING_TO_DO = 0, 75, 100
# So many milliseconds after it stopped half way by itself it may go on, or as soon as it is due anyway.
_GOES_ON_AFTER = 300_000
# Of the seconds within which the night must have given way, the share in which a program may do so by itself.
GRACE = 0.5
_LONGEST_SAID = 200


class RunCommand:
    """One command. It is due when its last end is as long ago as its setting `every` says, also in a store that never
    changes; `insists`: a person has named it, so it runs once whenever it was last."""

    cursor = None
    portion_size = 1
    _ran = False

    def __init__(self, command: Command, home: Home, yield_within: float, *, insists: bool = False) -> None:
        self.name = command.pass_name
        self.shares = command.shares
        self._command = command
        self._home = home
        self._grace = GRACE * yield_within
        self._insists = insists

    def input(self, store: NightStore, now: int) -> str:
        """What the note `input` says as long as it is not due: when it ended last, and whether half way."""
        said = store.notes(self.name).get("input", "")
        return "due" if self._insists or self._is_due(said, now) else said

    def waiting(self, store: NightStore, now: int) -> int:
        """Once a night, however short `every` is."""
        return int(not self._ran and self.input(store, now) == "due")

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        return Portion((), examined=0, last=not self.waiting(store, now))

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- it has no records
        """Run it. Raises CommandFailed, and whatever `yield_point` raises once all of it has ended."""
        # The daemon asks for due commands only: what starts processes it need not hold.
        from iai_daemon.consolidation import program  # noqa: PLC0415

        self._ran, self._insists = True, False
        if program.find(self._command) is None:
            raise CommandFailed(problem=f"there is no program {self._command.argv[0]} that can be started")
        ended = program.run(self._command, self._home, yield_point, self._grace)
        if ended.late:
            limit = format_duration(self._command.timeout)
            raise CommandFailed(problem=f"it took longer than {limit} and was ended")
        if ended.status not in (DONE, HALF_WAY, NOTHING_TO_DO):
            raise CommandFailed(problem=ended.how + (f": {ended.last_words}" if ended.last_words else ""))
        half = ended.status == HALF_WAY
        outside = told(ended.out)
        if half or ended.status == NOTHING_TO_DO:
            said = outside.said or ("stopped half way" if half else "nothing to do")
            outside = Outside(outside.examined, outside.changed, said)
        return Batch(notes={"input": f"{now} half" if half else str(now)}, outside=outside)

    def _is_due(self, said: str, now: int) -> bool:
        """A time in the future, left by a clock that was set back, never blocks."""
        at, _, half = said.partition(" ")
        if not at.isdecimal():
            return True
        every = round(self._command.every * 1000)
        return not now - (min(every, _GOES_ON_AFTER) if half else every) < int(at) <= now


def told(out: str) -> Outside:
    """What a program says of its work: the last line of its standard output, if that is a JSON object with any of
    `examined`, `changed` and `said`. Anything else says nothing."""
    lines = out.strip().splitlines()
    try:
        object_ = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        object_ = None
    if not isinstance(object_, Mapping):
        return Outside()
    said = object_.get("said")
    words = " ".join(said.split())[:_LONGEST_SAID] if isinstance(said, str) else ""
    return Outside(_count(object_.get("examined")), _count(object_.get("changed")), words)


def _count(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return int(value) if whole else 0  # type: ignore[call-overload]
