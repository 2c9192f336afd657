"""The clocks are three, waiting ends early when something changes, and errors speak to the user."""

from __future__ import annotations

import asyncio
import string

import pytest

from iai_daemon import errors
from iai_daemon.clock import Stopwatch, SystemClock, read
from tests.fakes import FakeClock


def _classes(root: type[errors.IaiError]) -> list[type[errors.IaiError]]:
    return [root, *(each for child in root.__subclasses__() for each in _classes(child))]


def test_the_three_clocks_run_together() -> None:
    first, second = read(), read()
    assert second.awake >= first.awake
    assert second.boot >= first.boot
    assert second.boot - first.boot == pytest.approx(second.wall - first.wall, abs=0.5)


async def _wait(clock: SystemClock | FakeClock, seconds: float, *, changed: bool) -> tuple[bool, bool]:
    event = asyncio.Event()
    if changed:
        asyncio.get_running_loop().call_soon(event.set)
    return await clock.wait(event, seconds), event.is_set()


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_waiting_ends_at_once_when_something_changes(clock: SystemClock | FakeClock) -> None:
    watch = Stopwatch()
    assert asyncio.run(_wait(clock, 3600, changed=True)) == (True, False)
    assert watch.seconds() < 5


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()])
def test_waiting_ends_when_the_time_is_over(clock: SystemClock | FakeClock) -> None:
    before = clock.now().awake
    assert asyncio.run(_wait(clock, 0.01, changed=False)) == (False, False)
    assert clock.now().awake - before >= 0.009


def test_under_the_fake_clock_a_day_takes_no_time() -> None:
    clock, watch = FakeClock(), Stopwatch()
    asyncio.run(_wait(clock, 86_400, changed=False))
    assert clock.now().awake == FakeClock().awake + 86_400
    assert watch.seconds() < 5


@pytest.mark.parametrize("error", _classes(errors.IaiError))
def test_every_error_is_one_sentence_that_its_data_fill(error: type[errors.IaiError]) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(error.__doc__ or "") if name]
    said = str(error(**dict.fromkeys(names, "something")))
    assert said.endswith((".", "something"))
    assert "{" not in said
    assert "\n" not in said
    known = (errors.EX_NEGATIVE, errors.EX_USAGE, errors.EX_CONFIG, errors.EX_STOPPED, errors.EX_ENDED)
    assert error.exit_status in known


def test_braces_in_the_data_stay_as_they_are() -> None:
    assert str(errors.UsageError(problem="{x} is no {y}")) == "{x} is no {y}"
