"""How far a memory is trusted, by whose words it is. Pure.

What is trusted less never ends what is trusted more: a web page that an agent has read does not overwrite what its user said.
"""

from __future__ import annotations

import json
from typing import Protocol

USER, AGENT, TOOL, IMPORT = "user", "agent", "tool", "import"

# In [0, 1]. An agent tells what its user has said or agreed to, and an import is a user's own file: what is newer of all these
# holds. What a tool has put out, a page that anybody may have written among it, is only reported.
TRUST = {USER: 1.0, AGENT: 1.0, IMPORT: 1.0, TOOL: 0.3}
ORIGINS = tuple(TRUST)
# What a pass has made of others' words.
_MADE = 0.5
# For statements: the same as JSON, a pass under its own name.
TABLE = json.dumps({**TRUST, "pass": _MADE})


class Told(Protocol):
    """Whose words a memory is: `origin`, one of ORIGINS where somebody said so; `made_by`, the pass that made it of others'."""

    @property
    def origin(self) -> str | None: ...

    @property
    def made_by(self) -> str | None: ...


def trust(record: Told) -> float:
    """In [0, 1]. What was kept before anybody asked whose words it is counts as the user's."""
    if record.origin is not None:
        return TRUST[record.origin]
    return TRUST[USER] if record.made_by is None else _MADE


def may_end(newer: Told, older: Told) -> bool:
    """Whether the one is trusted enough to take the other's place."""
    return trust(newer) >= trust(older)
