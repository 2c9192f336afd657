"""How the doctor's tests look: through the registry, as the command does, at one check or at all."""

from __future__ import annotations

from iai_daemon.clock import Now, read
from iai_daemon.doctor.examine import examine
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.doctor.registry import CHECKS
from iai_daemon.paths import Home

Found = dict[str, Finding]


def look(home: Home, check: str, now: Now | None = None) -> Found:
    """What one check of the registry finds here, by the names of the findings."""
    chosen = [each for each in CHECKS if each.name == check]
    assert chosen, f"there is no check {check}"
    return {each.name: each for each in examine(meet(home, now or read()), chosen)}


def failing(found: Found) -> dict[str, str]:
    """What is not well: the names, and what was seen."""
    return {name: each.seen for name, each in found.items() if each.status is not Verdict.OK}
