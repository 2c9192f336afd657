"""`python -m tests.faults [NAME …]` runs the proofs of promises (`make faults`) and says what became of each."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from iai_daemon.clock import Stopwatch
from tests.fakes import LONG, SEED
from tests.faults import proving
from tests.faults.promises import CHAPTERS, PROMISES, Promise
from tests.faults.proving import FAILED, Report, Verdict
from tests.faults.seeds import again

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "promises.md"
# As `make test` does it: what needs the machine for itself comes last.
RUNS = (
    ("not night and not alone", ["-n", str(2 * (os.cpu_count() or 1))]),
    ("night", ["-n", "2", "--dist", "loadfile"]),
    ("alone", []),
)
NOTHING_SELECTED = 5
USAGE = 2
_say = partial(print, flush=True)


def main(words: Sequence[str]) -> int:
    """The exit status: 1 where a promise failed."""
    options = _parser().parse_args(words)
    unknown = [name for name in options.names if name not in PROMISES]
    if unknown:
        _say("\n".join(map(_unknown, unknown)), file=sys.stderr)
        return USAGE
    if options.list:
        _say("\n".join(f"{each.name:20} {each.promise}" for each in PROMISES.values()))
        return 0
    if options.write:
        PAGE.write_text(proving.page(CHAPTERS))
        return 0
    return _prove([PROMISES[name] for name in dict.fromkeys(options.names or PROMISES)])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m tests.faults", description="Run the proofs of promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these promises")
    parser.add_argument("--list", action="store_true", help="the promises and their names")
    parser.add_argument("--write", action="store_true", help="print docs/promises.md anew")
    return parser


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, PROMISES, 1)
    return f"there is no promise {name!r}: " + (f"is it {near[0]!r}?" if near else "`--list` has them all")


def _prove(promises: Sequence[Promise]) -> int:
    _say(f"faults: {again()}, {len(promises)} promises")
    watch = Stopwatch()
    reports = list(_run(proving.wanted(promises)))
    verdicts = [proving.judge(each, reports) for each in promises]
    _say("\n" + "\n".join(line for each in verdicts for line in each.lines()))
    _say(f"\n{_sum(verdicts)} in {watch.seconds():.0f} s; {again()}")
    return 1 if any(each.outcome == FAILED for each in verdicts) else 0


def _sum(verdicts: Sequence[Verdict]) -> str:
    """How many came to which end."""
    outcomes = (proving.PROVEN, FAILED, proving.NOT_HERE)
    return ", ".join(f"{sum(each.outcome == outcome for each in verdicts)} {outcome}" for outcome in outcomes)


def _run(proofs: Sequence[str]) -> Iterator[Report]:
    """What became of their tests."""
    seeded = [f"--hypothesis-seed={SEED}"] if LONG else []
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder, "record")
        for marked, more in RUNS:
            own = [
                "-p",
                "tests.faults.recording",
                f"--record={record}",
                "-m",
                marked,
                "-q",
                "-r",
                "fE",
                *more,
            ]
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *own, *seeded, *proofs], cwd=ROOT, check=False
            )
            if done.returncode not in (0, 1, NOTHING_SELECTED):
                yield Report("pytest", "collect", "failed", reason=f"exit status {done.returncode}")
        if record.exists():
            yield from (Report(**json.loads(line)) for line in record.read_text().splitlines())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
