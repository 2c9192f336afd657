"""Files of trajectories and of models' profiles, as programs leave them, and nights that read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from iai_daemon.consolidation.passes.outcomes import Outcomes
from iai_daemon.consolidation.passes.trajectories import Trajectories
from iai_daemon.consolidation.report import Report
from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores
from iai_daemon.units import format_stamp
from tests.consolidation.evening import night
from tests.fakes import NOON

Line = Mapping[str, object]


def calls(tool: str, failed: int, total: int, *, session: str = "s", **fields: object) -> list[Line]:
    """Calls of one tool in as many runs as there are calls, the failed ones evenly among them."""
    return [
        {
            "schema": 1,
            "at": format_stamp(NOON - 3600 + number),
            "tool": tool,
            "outcome": "error" if (number + 1) * failed // total > number * failed // total else "ok",
            "duration_ms": 12,
            "session": f"{session}{number}",
            **fields,
        }
        for number in range(total)
    ]


def write(path: Path, lines: Iterable[Line | bytes]) -> Path:
    """One more file, or more of one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("ab") as file:
        for line in lines:
            file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")
    return path


def learn(stores: Stores, *directories: Path) -> Report:
    return night(stores, chosen=[Trajectories(directories)])


def profile(stores: Stores, path: Path | None) -> Report:
    return night(stores, chosen=[Outcomes(path)])


def insights(stores: Stores) -> dict[tuple[str | None, str | None], Record]:
    """What the trajectories have taught, by subject and attribute."""
    return {(each.subject, each.attribute): each for each in stores.nights.made_by("trajectories")}


def facts(stores: Stores) -> dict[str | None, str]:
    """What is told of models."""
    return {each.subject: each.content for each in stores.nights.made_by("outcomes")}


def said(report: Report, pass_name: str) -> str:
    """The words of a pass, of all rounds."""
    return " ".join(each.said for each in report.passes if each.name == pass_name)
