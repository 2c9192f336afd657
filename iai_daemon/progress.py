"""How far something long has come, told by who does it to who wants to know."""

from __future__ import annotations

from collections.abc import Callable

# What is done, how much of it, and of how much (None: nobody knows that beforehand). It is called at portions, and what it raises
# ends the work there.
Tell = Callable[[str, int, int | None], None]


def unheard(_what: str, _done: int, _total: int | None) -> None:
    """A Tell where nobody wants to know."""
