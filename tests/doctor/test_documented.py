"""docs/reference/doctor.md tells every finding that the doctor may have, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import iai_daemon
from iai_daemon.doctor.checks import told
from iai_daemon.doctor.registry import CHECKS

_CHECKS = Path(iai_daemon.__file__).parent / "doctor" / "checks"
_GUIDE = Path(__file__).parents[2] / "docs" / "reference" / "doctor.md"
# As a finding is made, by whatever way: every text in the checks that looks like a name of theirs.
_NOUNS = "|".join(sorted({each.name.partition(".")[0] for each in CHECKS} | {"disk"}))
_NAME = re.compile(rf"\"((?:{_NOUNS})(?:\.[a-z-]+)*)\"")
_CALL = re.compile(r"\b(?:ok|warn|fail|told)\(\s*\"([a-z.-]+)\"")


def documented() -> Iterator[str]:
    for line in _GUIDE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `"):
            continue
        names = re.findall(r"`([a-zA-Z.-]+)`", line.split("|")[1])
        # What begins with a dot is a finer one of the noun of its row.
        noun = names[0].partition(".")[0]
        yield from (noun + name if name.startswith(".") else name for name in names)


def made() -> set[str]:
    names = set(told.NAMES.values())
    for path in _CHECKS.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        names |= set(_CALL.findall(text)) | {each for each in _NAME.findall(text) if "." in each}
    return names


def test_every_finding_stands_in_the_guide_and_every_row_is_a_finding() -> None:
    assert set(documented()) - {"clients.NAME"} == made()
