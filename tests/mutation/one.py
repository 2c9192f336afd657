"""The mutants of one module: `python -m tests.mutation.one MODULE TEST… [--sample N] [--seed N]`; its answer is JSON, the last line.

Nothing of ours may be imported here but what lies beside this: a mutant has to come first.
"""

# ruff: noqa: T201 -- its answer goes to whoever started it
from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import hypothesis  # noqa: F401 -- loaded once, for every fork
import psutil  # noqa: F401 -- as above

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trying import KILLED, SURVIVED, collected, fresh
from tests.mutation.whose import file_of
from tests.project.source import PACKAGE


def drawn(mutants: Sequence[Mutant], sample: int | None, seed: int) -> list[Mutant]:
    """So many of them, the same ones for the same seed, in the order of the text."""
    if sample is None or sample >= len(mutants):
        return list(mutants)
    chance = random.Random(f"{seed}:{mutants[0].module}")  # noqa: S311 -- a sample, nothing secret
    return [mutants[number] for number in sorted(chance.sample(range(len(mutants)), sample))]


def main() -> int:
    """Try them; 2 when the tests cannot be run as they are."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.one")
    parser.add_argument("module")
    parser.add_argument("tests", nargs="+", type=Path)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    file, tests = file_of(given.module), given.tests
    excused = EQUIVALENT.get(given.module, {})
    everything = mutants_of(given.module, file.read_text(encoding="utf-8"))
    mutants = [each for each in everything if each.change not in excused]
    chosen = drawn(mutants, given.sample, given.seed)
    known, found = collected(file, chosen, tests) or (None, {})
    assert not [name for name in sys.modules if name.startswith(f"{PACKAGE}.")], (
        "a mutant would come too late"
    )
    if not known or not known.seconds:
        print(f"{given.module}: its tests cannot be run: {', '.join(map(str, tests))}")
        return 2
    for number, mutant in enumerate(chosen):
        if number not in found:
            found[number] = fresh(mutant, file, known.tests(None))
    told = [
        {"line": each.line, "diff": each.diff, "change": each.change, "end": found[number]}
        for number, each in enumerate(chosen)
        if found[number] != KILLED
    ]
    ends = [found[number] for number in range(len(chosen))]
    answer = {
        "killed": ends.count(KILLED),
        "survived": ends.count(SURVIVED),
        "timeout": len(ends) - ends.count(KILLED) - ends.count(SURVIVED),
        "of": len(mutants),
        "tests": len(known.seconds),
        "excused": len(everything) - len(mutants),
        "told": told,
    }
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
