"""A configuration as a text that is changed and compared: one interface to JSON, JSON with comments, and TOML. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from iai_daemon.clients import json_text, toml_text
from iai_daemon.clients.jsonc import NotRead
from iai_daemon.clients.reading import content_of
from iai_daemon.clients.registry import Syntax


def value_at(text: str, syntax: Syntax, path: Sequence[str]) -> object:
    """The value there; None where there is none. Raises NotRead."""
    within: Any = content_of(text.encode(), syntax)
    for key in path:
        within = within.get(key) if isinstance(within, Mapping) else None
    return within


def put(text: str, syntax: Syntax, path: Sequence[str], value: object) -> str:
    """Set one member and change nothing else, which is checked by reading the result. Raises NotRead."""
    change = toml_text.put if syntax is Syntax.TOML else json_text.put
    return _checked(change(text, path, value), syntax, path, value)


def take(text: str, syntax: Syntax, path: Sequence[str], *, emptied: int) -> str:
    """Take one member out, and as many of the tables around it as are empty then, at most `emptied`. Raises NotRead."""
    change = toml_text.take if syntax is Syntax.TOML else json_text.take
    return _checked(change(text, path, emptied=emptied), syntax, path, None)


def raw(text: str, syntax: Syntax, path: Sequence[str]) -> str | None:
    """How the value there is written; None where there is none. Raises NotRead."""
    return (toml_text.raw if syntax is Syntax.TOML else json_text.raw)(text, path)


def put_raw(text: str, syntax: Syntax, path: Sequence[str], written: str) -> str:
    """Write the value there in this way. Raises NotRead."""
    return (toml_text.put_raw if syntax is Syntax.TOML else json_text.put_raw)(text, path, written)


def _checked(text: str, syntax: Syntax, path: Sequence[str], wanted: object) -> str:
    if value_at(text, syntax, path) != wanted:
        raise NotRead("what was to be written does not read back")
    return text
