"""Real programs that write down what they were given, and a herald that tells them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Notify, Settings
from iai_daemon.notify.herald import Herald
from iai_daemon.notify.news import News
from iai_daemon.paths import Home
from iai_daemon.troubles import Troubles

COUNTED = (
    *("expired_pruned", "superseded_gc", "nodes_embedded", "trajectory_insights", "model_insights"),
    *("duplicates_merged", "links_added", "gists_written", "archived", "held_back", "proposed"),
)
# Written beside the program: its arguments, its standard input and its environment, one line for each time it was run.
_WRITES_DOWN = """#!{python}
import json, os, sys
with open({file!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ)]) + "\\n")
{then}
"""


def report(**fields: object) -> dict[str, object]:
    """That of a night which has replaced two facts."""
    return {**dict.fromkeys(COUNTED, 0), "superseded_gc": 2, "passes": [], **fields}


def news(number: int = 7, **fields: Any) -> News:
    usual: dict[str, Any] = {"kind": "night", "outcome": "completed", "report": report()}
    usual |= {"note": "Last night: night 7.\n", "summary": "2 replaced by newer facts."}
    return News(number, **{**usual, **fields})


def program(folder: Path, name: str, then: str = "") -> Path:
    """A program in `folder` that writes down what it is given, and then does what is said."""
    path = folder / name
    folder.mkdir(exist_ok=True)
    path.write_text(_WRITES_DOWN.format(python=sys.executable, file=f"{path}.told", then=then))
    path.chmod(0o700)
    return path


def told(path: Path) -> list[Any]:
    """What it was given, each time."""
    file = Path(f"{path}.told")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class Stage:
    """A herald of these settings, and what stands in the status of its daemon and in its log."""

    def __init__(self, home: Home, *, desktop: bool = False, command: Sequence[str | Path] = ()) -> None:
        self.logged = structlog.testing.CapturingLogger()
        log: Any = structlog.wrap_logger(self.logged, [])
        self.troubles = Troubles(log)
        self.herald = Herald(home, settings(desktop=desktop, command=command), self.troubles, log)

    @property
    def degraded(self) -> list[dict[str, str]]:
        return list(self.troubles.degraded())

    async def told(self) -> None:
        """Until everything is told that there is to tell."""
        await until(lambda: not self.herald.busy)

    def tell(self, *all_of_it: News) -> None:
        """Tell it and wait until it is told."""

        async def tell() -> None:
            for each in all_of_it:
                self.herald.tell(each)
            await self.told()

        asyncio.run(tell())


async def until(found: Callable[[], object], seconds: float = 20.0) -> None:
    """Ask again and again until the answer is true, while the loop goes on."""
    watch = Stopwatch()
    while not found():
        assert watch.seconds() < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.01)  # noqa: TID251 -- another process is at work


def settings(*, desktop: bool = False, command: Sequence[str | Path] = ()) -> Settings:
    return Settings(notify=Notify(desktop=desktop, command=tuple(map(str, command))))
