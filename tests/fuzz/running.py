"""Runs a target: the corpus as it is, then batches of hypothesis' examples with fresh seeds, until the time or the number is over."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from iai_daemon.clock import Stopwatch
from tests.fuzz.target import Target, Verdict

BATCH = 500
_SETTINGS = settings(
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class TakesTooLong(AssertionError):
    """One input took more of the processor's time than its target may."""


@dataclass(slots=True)
class Failure:
    """The smallest input that was found to break the law, how, and the seed of the batch that found it; None: the corpus itself."""

    given: Any
    cause: BaseException
    seed: int | None


@dataclass(slots=True)
class Result:
    """What came of one target. `examples`: inputs that were tried; `verdicts`: how often which was given."""

    target: Target
    examples: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    failure: Failure | None = None

    def count(self, *, accepted: bool) -> int:
        return sum(number for verdict, number in self.verdicts.items() if verdict.accepted is accepted)

    def kinds(self, *, accepted: bool) -> list[str]:
        return sorted(verdict.kind for verdict in self.verdicts if verdict.accepted is accepted)

    @property
    def one_sided(self) -> str | None:
        """Where everything was refused, or nothing: such a run proves little."""
        if not self.count(accepted=True):
            return "every input was refused: the examples are none"
        return None if self.count(accepted=False) else "no input was refused: the damage is none"

    @property
    def is_fine(self) -> bool:
        return self.failure is None and self.one_sided is None


def fuzz(
    target: Target,
    *,
    seed: int,
    seconds: float | None = None,
    examples: int = BATCH,
    subject: Any = None,
    smallest: bool = True,
) -> Result:
    """For so many seconds, or so many examples; until the first failure. `subject`: instead of the target's own; `smallest`: look
    for the smallest input that fails in the same way."""
    result = Result(target)
    subject = target.subject if subject is None else subject
    for each in target.corpus:
        _try(result, subject, each, None)
        if result.failure:
            return result
    watch = Stopwatch()
    phases = (Phase.generate, Phase.shrink) if smallest else (Phase.generate,)
    while True:
        chosen = settings(_SETTINGS, max_examples=examples if seconds is None else BATCH, phases=phases)
        _batch(result, subject, seed, chosen, lambda: seconds is not None and watch.seconds() >= seconds)
        seed += 1
        if result.failure or seconds is None or watch.seconds() >= seconds:
            return result


def try_one(target: Target, given: Any) -> Result:
    """One input alone, such as one that was kept."""
    result = Result(target)
    _try(result, target.subject, given, None)
    return result


def _try(result: Result, subject: Any, each: Any, seed: int | None) -> None:
    try:
        _judge(result, subject, each)
    except Exception as cause:  # noqa: BLE001 -- whatever is raised is what is looked for, and is told
        result.failure = Failure(each, cause, seed)


def _judge(result: Result, subject: Any, each: Any) -> None:
    with _at_most(result.target.seconds):
        verdict = result.target.check(subject, each)
    result.examples += 1
    result.verdicts[verdict] += 1


def _batch(result: Result, subject: Any, seed: int, chosen: settings, is_over: Callable[[], bool]) -> None:
    last: list[Any] = []

    @hypothesis.seed(seed)
    @chosen
    @given(result.target.inputs)
    def run(each: Any) -> None:
        # What has failed is made smaller, however late it is.
        if not last and is_over():
            return
        try:
            _judge(result, subject, each)
        except Exception:
            last[:] = [each]
            raise

    try:
        run()
    except Exception as cause:  # noqa: BLE001 -- as above
        # Hypothesis tries the smallest one at the end again.
        result.failure = Failure(last[0] if last else None, cause, seed)


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """TakesTooLong after so much of the processor's time: a machine under load is no endless loop.

    The virtual timer, since the reader of calendars uses the other one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise TakesTooLong(f"it takes longer than {seconds:g} s of the processor's time")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
