"""`make coverage`: the whole suite with every process of ours measured, children too; fails below 95 % of lines and branches.

`python -m tests.coverage [--keep FOLDER] [pytest's arguments]`: with arguments of pytest, one run with them instead of the parts of
`make test-all`. What was measured into a folder that is kept counts in the next run, too.
"""

# ruff: noqa: T201 -- a command: this is what it says
from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import coverage

from tests.coverage.rooms import told, total
from tests.coverage.switch import measuring

ROOT = Path(__file__).parents[2]
GOAL = 95.0
NO_TESTS = 5


def parts() -> list[list[str]]:
    """The arguments of pytest in each line of the Makefile's `test-all`."""
    recipe = re.search(
        r"^test-all:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert recipe, "the Makefile has no target `test-all`"
    workers = str(2 * (os.cpu_count() or 1))
    lines = re.findall(r"-m pytest (.*)", recipe[1])
    return [shlex.split(line.replace("$(WORKERS)", workers)) for line in lines]


def run(runs: Sequence[Sequence[str]]) -> bool:
    """Whether all tests passed."""
    ends = []
    for part in runs:
        argv = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tests.coverage.plugin",
            "-p",
            "no:cacheprovider",
            *part,
        ]
        ends.append(subprocess.run(argv, cwd=ROOT, check=False).returncode)
    return all(end in (0, NO_TESTS) for end in ends)


def report(config: Path, into: Path) -> dict[str, object]:
    """Everything that was seen, as coverage's JSON; files that nothing ran count as unseen."""
    measured = coverage.Coverage(config_file=str(config))
    measured.combine([str(config.parent)], keep=True)
    files = [path for folder in ("iai_daemon", "wrappers") for path in (ROOT / folder).rglob("*.py")]
    measured.get_data().touch_files(map(str, files))
    os.chdir(ROOT)
    measured.json_report(outfile=str(into))
    found: dict[str, object] = json.loads(into.read_text(encoding="utf-8"))
    return found


@contextmanager
def _a_folder(kept: Path | None) -> Iterator[Path]:
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="iai-coverage-") as made:
        yield Path(made)


def main() -> int:
    """Run, combine, tell; 1 when too little was seen. Whether tests pass is for `make test-all` to say: measured processes are slower,
    and some that have a time limit exceed it."""
    parser = argparse.ArgumentParser(prog="python -m tests.coverage", description=__doc__)
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep what was measured there, and its report"
    )
    given, arguments = parser.parse_known_args()
    with _a_folder(given.keep and given.keep.absolute()) as folder:
        with measuring(ROOT, folder) as config:
            passed = run([arguments] if arguments else parts())
        found = report(config, folder / "report.json")
    print(*told(found), sep="\n")
    seen = total(found).percent
    print(f"{seen:.2f} % of lines and branches are run by tests; {GOAL:.0f} % are wanted")
    if not passed:
        print(
            "some tests failed while they were measured: see above; `make test-all` says whether they do without it"
        )
    return 0 if seen >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
