"""Which warnings and errors of the daemon's log the soak itself has caused: all others are faults. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

LOUD = ("warning", "error", "critical")

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """An entry that a deed of the soak may bring about. `event`: a pattern of all of it; `most`: so many for each such deed;
    `field` and `like`: what else stands in it."""

    event: str
    cause: str
    most: int = 1
    field: str = ""
    like: str = ""

    def explains(self, entry: Entry) -> bool:
        if not re.fullmatch(self.event, str(entry.get("event", ""))):
            return False
        return not self.field or re.search(self.like, str(entry.get(self.field, ""))) is not None


EXPECTED = (
    Expected("night killed", "kill the worker"),
    # Whom a daemon that was killed had woken, and what it had claimed.
    Expected("occurrence left behind", "kill the daemon", most=3),
    Expected("agent ended after its run had been given up", "kill the daemon", most=3),
    Expected("socket was deleted or replaced: opened again", "delete the socket"),
    Expected("lock file was deleted or replaced: taken again", "delete the lock"),
    Expected("recall not run: miss", "recall", field="reason", like="busy|put off|late|past"),
    Expected("recall not run: skip", "recall", field="reason", like="busy|put off|late|past"),
)


@dataclass(frozen=True, slots=True)
class Hindered:
    """What `status` may name under `degraded` because of a deed. `what` and `why`: patterns of its name and its reason."""

    what: str
    why: str
    cause: str

    def explains(self, degraded: Mapping[str, str]) -> bool:
        return bool(re.fullmatch(self.what, degraded["what"]) and re.search(self.why, degraded["why"]))


DEGRADED = (
    Hindered(
        "nights", r"^(night \d+ failed: )?its worker was killed by somebody \(SIGKILL\)", "kill the worker"
    ),
    Hindered("nights", r"^night \d+ failed: .*(killed|gone|daemon)", "kill the daemon"),
    # Who comes back cuts a night short, and so does who kills its worker.
    Hindered("nights", r"^the last \d+ nights were cut short$", "come"),
    Hindered("pass [a-z]+", r"^deferred: somebody came back \d+ times running", "come"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """`explained`: how many entries by event; `unexplained`: those that nothing explains, or too many of their kind."""

    explained: Mapping[str, int]
    unexplained: tuple[Entry, ...]


def account(
    entries: Iterable[Entry], deeds: Mapping[str, int], expected: Iterable[Expected] = EXPECTED
) -> Account:
    """`deeds`: how often the soak did what."""
    allowed = {each: each.most * deeds.get(each.cause, 0) for each in expected}
    explained: Counter[str] = Counter()
    unexplained = []
    for entry in entries:
        if entry.get("level") not in LOUD:
            continue
        reason = next((each for each, left in allowed.items() if left and each.explains(entry)), None)
        if reason is None:
            unexplained.append(entry)
        else:
            allowed[reason] -= 1
            explained[str(entry["event"])] += 1
    return Account(dict(explained), tuple(unexplained))
