"""`run` is the demo, as `iai-daemon demo` calls it: it sets the stage, plays the evening, and clears everything away."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from iai_daemon.clock import Clock, SystemClock
from iai_daemon.demo import corpus
from iai_daemon.demo.screen import Screen
from iai_daemon.demo.stage import DemoFailed, Pace, Stage, stage
from iai_daemon.demo.story import Evening
from iai_daemon.demo.watch import watching
from iai_daemon.errors import IaiError


def run(
    *,
    as_json: bool,
    keep: bool = False,
    pace: Pace | None = None,
    out: TextIO | None = None,
    err: TextIO | None = None,
) -> int:
    """Play one evening; returns the exit status. Everything that was started is ended on every way out.

    With `as_json` the story goes to `err` and one object to `out` (standard output and error unless given), else the
    story goes to `out`. With `keep` the home stays, and is named. Raises IaiError with one sentence when something does
    not happen as it should.
    """
    out, err = out or sys.stdout, err or sys.stderr
    screen = Screen(err if as_json else out)
    with stage(pace or Pace(), keep=keep) as set_stage:
        if keep:
            screen.say(f"the home of this evening is {set_stage.home.root}, and stays")
        result = _play(set_stage, screen)
    if as_json:
        out.write(json.dumps(result, ensure_ascii=False) + "\n")
    for part in ("undo", "redo"):
        if not result[part]["equal"]:
            raise DemoFailed(problem=f"after the {part} the memory was not what it should have been")
    return 0


def _play(set_stage: Stage, screen: Screen) -> dict[str, Any]:
    try:
        with screen.following():
            return asyncio.run(_perform(set_stage, screen, SystemClock()))
    except OSError as cause:
        raise DemoFailed(problem=f"{cause}") from cause
    except ExceptionGroup as group:
        # The tasks of the SDK and of the clients that store together wrap the one error that matters here.
        reason = _first_of_ours(group)
        if reason is None:
            raise
        raise reason from group


async def _perform(set_stage: Stage, screen: Screen, clock: Clock) -> dict[str, Any]:
    with _signals_end_it():
        set_stage.furnish()
        screen.chapter("A year of work has left its notes behind.")
        notes = corpus.last_year(set_stage.pace.last_year, clock.now().wall)
        file = set_stage.write_lines("last-year.jsonl", notes)
        added = (await set_stage.answer("memory", "import", str(file)))["added"]
        screen.say(f"{added:,} older notes imported; the daemon starts")
        async with (
            set_stage.daemon() as daemon,
            watching(set_stage.home, screen, clock) as watch,
        ):
            return await Evening(set_stage, screen, clock, watch, daemon).play()


@contextlib.contextmanager
def _signals_end_it() -> Iterator[None]:
    """SIGTERM and SIGHUP end the evening as Ctrl-C does: by way of every `finally`."""
    loop, playing = asyncio.get_running_loop(), asyncio.current_task()
    stops = (signal.SIGTERM, signal.SIGHUP)
    stopped: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        stopped.append(number)
        if playing is not None:
            playing.cancel()

    for number in stops:
        loop.add_signal_handler(number, stop, number)
    try:
        yield
    except asyncio.CancelledError:
        if stopped:
            raise DemoFailed(problem=f"it was told to by {stopped[0].name}") from None
        raise
    finally:
        for number in stops:
            loop.remove_signal_handler(number)


def _first_of_ours(group: BaseExceptionGroup[BaseException]) -> IaiError | None:
    for error in group.exceptions:
        found = _first_of_ours(error) if isinstance(error, BaseExceptionGroup) else error
        if isinstance(found, IaiError):
            return found
    return None
