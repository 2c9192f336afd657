"""Whatever is random in the proofs of faults comes from here: of one seed, `FAULTS_SEED`, which is told when something fails.

The same seed gives the same choices. When the kernel lets which process run is its own affair: a kill after 0.3 s does not
find a process at the same instruction again; one at a system call does.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random

import pytest

from tests.fakes import LONG, SEED


def chance(what: str) -> Random:
    """The random numbers of this proof; others of the same seed have others."""
    return Random(f"{SEED} {what}")  # noqa: S311 -- nothing secret


def luck(what: str) -> Random:
    """The same, in a test: pytest shows with its failure which seed it had."""
    print(f"\n{again()} gives the same choices ({what})")  # noqa: T201 -- for whoever reads of a failure
    return chance(what)


def again() -> str:
    """What to put before the command."""
    return f"FAULTS_SEED={SEED} FAULTS=long" if LONG else f"FAULTS_SEED={SEED}"


def pytest_report_header() -> str:
    """The first lines of a run say it, whatever becomes of the run."""
    return f"faults: {again()}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """So does every failure of a fault."""
    report = yield
    if report.failed:
        report.sections.append(("faults", again()))
    return report
