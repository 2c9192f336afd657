"""Passes that installed packages offer under the entry-point group `iai_daemon.passes`; what they may do is told in
iai_daemon/passes.py. The worker alone loads them: to the daemon a plug-in is a name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from iai_daemon.config import Settings, plug_ins
from iai_daemon.consolidation.plan import PROTOCOL, Pass, Portion, ReadsOutside, YieldPoint
from iai_daemon.errors import PlugInFailed
from iai_daemon.memory.nights import SETTABLE, Addition, Batch, Change, Link, NightStore, Outside, Vector
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home

# What each list of a batch holds.
_HELD_IN_A_BATCH: Mapping[str, type[Change | Addition | Link | Vector]] = {
    "changes": Change,
    "additions": Addition,
    "links": Link,
    "vectors": Vector,
}
# What names another record.
_OF_ANOTHER = ("superseded_by", "merged_into")
_KEPT_PLAIN = ("change_id", "effect", "reason")


class Promised:
    """A plug-in as the daemon takes it: something that shares the store and has a cursor of its own. The worker finds out
    whether that is so."""

    shares = True
    portion_size = 1

    def __init__(self, name: str) -> None:
        self.name = name
        self.cursor: str | None = name

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- of the protocol
        return 0

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:  # noqa: ARG002
        return Portion((), examined=0, last=True)

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:  # noqa: ARG002 -- it has no records
        return Batch()


class Broken(Promised):
    """One that cannot be used: it fails with the reason when its turn comes, and waits like any other that fails."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name)
        self._problem = problem

    def waiting(self, store: NightStore, now: int) -> int:  # noqa: ARG002 -- of the protocol
        raise PlugInFailed(problem=self._problem)


class PlugIn:
    """One in use. What it answers is looked at before anything is made of it: a mistake is its own failure, in words."""

    def __init__(self, name: str, made: Pass) -> None:
        self.name = name
        self._made = made
        self.shares = made.shares
        self.cursor = made.cursor
        self.portion_size = made.portion_size
        self._before: Sequence[tuple[int, int]] | None = None

    def waiting(self, store: NightStore, now: int) -> int:
        number = _asked(lambda: self._made.waiting(store, now))
        return number if isinstance(number, int) else 0

    def read(self, store: NightStore, now: int, *, limit: int, taken_back: bool) -> Portion:
        portion = _asked(lambda: self._made.read(store, now, limit=limit, taken_back=taken_back))
        if not isinstance(portion, Portion):
            raise PlugInFailed(problem=f"its `read` returns no Portion but {_kind(portion)}")
        if not isinstance(portion.examined, int) or not isinstance(portion.position, int | None):
            raise PlugInFailed(problem="its `read` counts with something else than numbers")
        if not portion.last:
            self._must_get_on(portion, store)
        return portion

    def plan(self, portion: Portion, now: int, yield_point: YieldPoint) -> Batch:
        batch = _asked(lambda: self._made.plan(portion, now, yield_point))
        if not isinstance(batch, Batch):
            raise PlugInFailed(problem=f"its `plan` returns no Batch but {_kind(batch)}")
        problem = _problem_of(batch, self.cursor)
        if problem:
            raise PlugInFailed(problem=problem)
        return batch

    def _must_get_on(self, portion: Portion, store: NightStore) -> None:
        """A night in which nobody comes back would never end otherwise."""
        at = 0 if self.cursor is None else store.cursor(self.cursor)
        seen = [(at, portion.position or 0), *((each.id, each.revision) for each in portion.records)]
        if seen == self._before:
            raise PlugInFailed(problem="its `read` returns the same portion again and again")
        self._before = seen


class PlugInReadingOutside(PlugIn):
    """One that also works on what is not in the store."""

    def input(self, store: NightStore, now: int) -> str:
        state = _asked(lambda: cast("ReadsOutside", self._made).input(store, now))
        if not isinstance(state, str):
            raise PlugInFailed(problem=f"its `input` returns no text but {_kind(state)}")
        return state


def load(name: str, settings: Settings, home: Home) -> Pass:
    """The pass of this name, ready for a night. What cannot be used is one that fails."""
    offered = plug_ins().get(name, ())
    if len(offered) != 1:
        makers = ", ".join(sorted(each.dist.name if each.dist else each.value for each in offered))
        problem = f"several packages offer it: {makers}" if offered else "no installed package offers it"
        return Broken(name, problem)
    try:
        return adopt(name, _asked(lambda: offered[0].load()(settings, home)))
    except Exception as cause:  # noqa: BLE001 -- other people's code; the cause goes into the report
        if isinstance(cause, PlugInFailed):
            return Broken(name, str(cause))
        return Broken(name, f"it cannot be loaded ({type(cause).__name__}: {cause})")


def adopt(name: str, made: object) -> Pass:
    """This pass under the eyes of the night. Raises PlugInFailed for what lacks something of the protocol."""
    lacking = _problem_with(name, made)
    if lacking:
        raise PlugInFailed(problem=lacking)
    return (PlugInReadingOutside if hasattr(made, "input") else PlugIn)(name, cast("Pass", made))


def _asked(call: Callable[[], object]) -> object:
    """What it answers. One that ends the process would take the night with it."""
    try:
        return call()
    except Exception:
        raise
    except BaseException as cause:
        raise PlugInFailed(problem=f"it tried to end the process ({type(cause).__name__})") from cause


def _problem_with(name: str, made: object) -> str | None:
    """What of the protocol a pass lacks."""
    speaks = getattr(made, "protocol", PROTOCOL)
    if speaks != PROTOCOL:
        return f"it speaks version {speaks} of the protocol, and this iai-daemon speaks {PROTOCOL}"
    wanted: dict[str, Callable[[object], bool]] = {
        "name": lambda value: value == name,
        "shares": lambda value: isinstance(value, bool),
        "cursor": lambda value: value is None or value == name,
        "portion_size": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
        "waiting": callable,
        "read": callable,
        "plan": callable,
    }
    for attribute, fits in wanted.items():
        if not hasattr(made, attribute):
            return f"it has no `{attribute}`"
        if not fits(getattr(made, attribute)):
            return f"its `{attribute}` cannot be {getattr(made, attribute)!r}"
    return None


def _problem_of(batch: Batch, cursor: str | None) -> str | None:
    """What a batch of somebody else's pass may not hold."""
    if batch.upkeep or batch.insists or batch.held:
        return "its `plan` asks for what only the night itself does (upkeep, insists, held)"
    if batch.cursor is not None and batch.cursor != cursor:
        return f"its `plan` moves the cursor {batch.cursor!r}, which is not its own"
    if not all(isinstance(name, str) and isinstance(each, str | None) for name, each in batch.notes.items()):
        return "its `plan` keeps a note that is no text"
    if batch.outside is not None and not _tells(batch.outside):
        return "its `plan` tells of what it did elsewhere in another form than Outside"
    for field, kind in _HELD_IN_A_BATCH.items():
        for each in getattr(batch, field):
            if not isinstance(each, kind):
                return f"its `plan` returns no {kind.__name__} among the {field} but {_kind(each)}"
            problem = _problem_of_planned(each)
            if problem:
                return f"its `plan` {problem}"
    return None


def _tells(outside: object) -> bool:
    if not isinstance(outside, Outside) or not isinstance(outside.said, str):
        return False
    return isinstance(outside.examined, int) and isinstance(outside.changed, int)


def _problem_of_planned(planned: Change | Addition | Link | Vector) -> str | None:
    for name in _KEPT_PLAIN:
        value = getattr(planned, name, "said")
        if not isinstance(value, str) or not value.strip():
            return f"gives a {type(planned).__name__} without {name}"
    if isinstance(planned, Addition) and not isinstance(planned.draft, Draft):
        return f"adds no Draft but {_kind(planned.draft)}"
    return _problem_of_change(planned) if isinstance(planned, Change) else None


def _problem_of_change(change: Change) -> str | None:
    if not SETTABLE.issuperset(change.sets):
        return f"sets {', '.join(sorted(set(change.sets) - SETTABLE))}, which no night may set"
    for name, value in change.sets.items():
        if not isinstance(value, int) or isinstance(value, bool):
            return f"sets {name} to {_kind(value)}, which is no number"
        if name in _OF_ANOTHER and value == change.record:
            return f"sets {name} of {change.record} to itself"
    return None


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
