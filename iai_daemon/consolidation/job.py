"""What a worker is asked to do: the first line that it reads. Pure; the parent writes it, the worker reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    """One night. `alone`: passes that need the store alone may run too. `asked`: a person's explicit wish.

    `max_rounds` and `passes`: instead of what the settings say. `dry_run`: on a throwaway copy, to see what would change.
    """

    home: Path
    kind: str
    rule: str
    alone: bool = False
    asked: bool = False
    max_rounds: int | None = None
    passes: Sequence[str] | None = None
    dry_run: bool = False

    def to_line(self, parent: int) -> bytes:
        """One line of JSON; `parent` is the pid of the process that starts the worker."""
        fields = {
            "parent": parent,
            "home": str(self.home),
            "kind": self.kind,
            "rule": self.rule,
            "alone": self.alone,
            "asked": self.asked,
            "max_rounds": self.max_rounds,
            "passes": None if self.passes is None else list(self.passes),
            "dry_run": self.dry_run,
        }
        return json.dumps(fields).encode() + b"\n"


def from_line(line: bytes) -> tuple[Job, int]:
    """The job, and the pid of the parent. Raises ValueError, KeyError or TypeError for what no parent of ours writes."""
    fields = json.loads(line)
    parent = int(fields.pop("parent"))
    return Job(**{**fields, "home": Path(fields["home"])}), parent
