"""For the tests of a pass of your own: real nights of it over a memory that goes away afterwards, and what is expected of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any

from iai_daemon import clock
from iai_daemon.clock import Now
from iai_daemon.config import Settings
from iai_daemon.consolidation.journal import undo_night
from iai_daemon.consolidation.passes.plug_ins import adopt
from iai_daemon.consolidation.plan import Pass
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.nights import ASKED, JournalEntry
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft, Record, describe
from iai_daemon.paths import Home

Make = Callable[[Settings, Home], Pass]


class Trial:
    """A memory of its own, in a temporary directory until `close`; its nights have this one pass.

    `now` in seconds since the epoch, which stands still until somebody sets it. Raises PlugInFailed for what is no pass.
    """

    def __init__(
        self, name: str, make: Make, memories: Iterable[Draft] = (), *, now: float | None = None
    ) -> None:
        self.now = clock.read().wall if now is None else now
        with ExitStack() as opened:
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="iai-trial-"))
            self.home = Home(Path(folder))
            self.home.create()
            self._pass = adopt(name, make(Settings(), self.home))
            self._stores = opened.enter_context(closing(open_stores(self.home)))
            for each in memories:
                self.remember(each)
            self._opened = opened.pop_all()

    def remember(self, draft: Draft) -> Record:
        """One more memory, as a user would tell it."""
        return self._stores.memory.add(draft, round(self.now * 1000))

    def night(self, *, asked: bool = False) -> Mapping[str, Any]:
        """One night; its report. `asked`: as if a person had asked for it, so that what was taken back is done again."""
        order = Order("night", ASKED if asked else "absent", asked)
        return run_night(self._stores.nights, [self._pass], order, Surroundings(clock=self._read)).as_json()

    def records(self) -> list[Record]:
        """Every memory, those too that are not current any more, by id."""
        return list(self._stores.memory.export())

    def journal(self) -> list[JournalEntry]:
        """Every change that a night has made, oldest first."""
        nights = self._stores.nights
        return [each for night in nights.nights() for each in nights.journal(night=night.id)]

    def undo(self, night: int) -> None:
        """Take a night back, as `iai-daemon nights undo` does."""
        undo_night(self._stores.nights, self.home, night, round(self.now * 1000), force=False)

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Trial:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def _read(self) -> Now:
        now = clock.read()
        return Now(self.now, now.awake, now.boot)


def check(name: str, make: Make, memories: Iterable[Draft], *, now: float | None = None) -> Mapping[str, Any]:
    """What every pass has to keep, tried on these memories; the report of its first night.

    Raises AssertionError that says which promise is broken.
    """
    drafts = list(memories)
    at = clock.read().wall if now is None else now
    with Trial(name, make, drafts, now=at) as trial, Trial(name, make, drafts, now=at) as twin:
        before = _exported(trial)
        report = trial.night()
        if report["outcome"] == "failed":
            raise AssertionError(f"a night fails: {report['reason']}")
        again = trial.night()
        if again["outcome"] != "nothing_to_do":
            raise AssertionError("a second night over unchanged memories finds something to do")
        twin.night()
        done = [each.change_id for each in trial.journal()]
        if done != [each.change_id for each in twin.journal()]:
            raise AssertionError("the same memories do not get the same changes with the same ids")
        if report["id"] is not None:
            trial.undo(report["id"])
            left = _exported(trial)
            if [left[number] for number in before] != list(before.values()):
                raise AssertionError("a night that is taken back leaves memories changed")
            trial.night()
            if len(trial.journal()) != len(done):
                raise AssertionError("what a user has taken back is done again by the next night")
    return report


def _exported(trial: Trial) -> dict[int, str]:
    return {each.id: json.dumps(describe(each)) for each in trial.records()}
