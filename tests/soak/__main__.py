"""`python -m tests.soak [--minutes 10] [--wrappers 20] [--seed N]`: what `make soak` runs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.soak.found import Found, Wanted, told
from tests.soak.house import House
from tests.soak.soak import Soak


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where anything is not fine. Ctrl-C ends it with what there is by then."""
    asked = _asked(arguments)
    seed = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    wanted = Wanted(asked.minutes * 60, asked.wrappers, seed, asked.day, asked.memories)
    _say(f"seed {seed}: {asked.minutes:g} minutes with {asked.wrappers} wrappers")
    signals: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        signals.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    root = Path(tempfile.mkdtemp(prefix="iai-soak-"))
    try:
        found = Soak(House(root), wanted, lambda: bool(signals), _say).run()
    finally:
        if asked.keep:
            _say(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    for line in told(found):
        _say(line)
    if asked.json:
        asked.json.write_text(
            json.dumps(_plain(found), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return 0 if found.is_fine else 1


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Days of work and nights with troubles."
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--wrappers", type=int, default=20, help="how many at once (20)")
    parser.add_argument("--seed", type=int, help="of the plan; a random one without it")
    parser.add_argument("--day", type=float, default=24.0, help="the seconds of one day (24)")
    parser.add_argument("--memories", type=int, default=400, help="how many are there before it begins (400)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--keep", action="store_true", help="leave the home for a look")
    asked = parser.parse_args(arguments)
    if not asked.minutes > 0 or not asked.day > 0 or asked.wrappers < 1:
        parser.error("minutes, day and wrappers must be more than nothing")
    return asked


def _plain(found: Found) -> dict[str, object]:
    return {
        "schema": 1,
        "fine": found.is_fine,
        **{
            name: getattr(found, name)
            for name in ("seed", "seconds", "days", "lives", "deeds", "counts", "wrong")
        },
        "explained": found.account.explained,
        "unexplained": found.account.unexplained,
        "rows": [{**dataclasses.asdict(row), "verdict": row.verdict} for row in found.rows],
    }


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
