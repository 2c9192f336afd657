"""A configuration as a text that is changed and compared: one interface to JSON, JSON with comments, and TOML. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from iai_daemon.clients import json_text, toml_text
from iai_daemon.clients.jsonc import NotRead
from iai_daemon.clients.reading import content_of
from iai_daemon.clients.registry import Syntax


class _Editor(Protocol):
    """How texts of one syntax are changed."""

    def put(self, text: str, path: Sequence[str], value: object) -> str: ...

    def take(self, text: str, path: Sequence[str], *, emptied: int) -> str: ...

    def raw(self, text: str, path: Sequence[str]) -> str | None: ...

    def put_raw(self, text: str, path: Sequence[str], written: str) -> str: ...


def _editor(syntax: Syntax) -> _Editor:
    if syntax is Syntax.TOML:
        return toml_text
    return json_text


def value_at(text: str, syntax: Syntax, path: Sequence[str]) -> object:
    """The value there; None where there is none. Raises NotRead."""
    within: Any = content_of(text.encode(), syntax)
    for key in path:
        within = within.get(key) if isinstance(within, Mapping) else None
    return within


def put(text: str, syntax: Syntax, path: Sequence[str], value: object) -> str:
    """Set one member and change nothing else, which is checked by reading the result. Raises NotRead."""
    return _checked(_editor(syntax).put(text, path, value), syntax, path, value)


def take(text: str, syntax: Syntax, path: Sequence[str], *, emptied: int) -> str:
    """Take one member out, and as many of the tables around it as are empty then, at most `emptied`. Raises NotRead."""
    return _checked(_editor(syntax).take(text, path, emptied=emptied), syntax, path, None)


def raw(text: str, syntax: Syntax, path: Sequence[str]) -> str | None:
    """How the value there is written; None where there is none. Raises NotRead."""
    return _editor(syntax).raw(text, path)


def put_raw(text: str, syntax: Syntax, path: Sequence[str], written: str) -> str:
    """Write the value there in this way. Raises NotRead."""
    return _editor(syntax).put_raw(text, path, written)


def _checked(text: str, syntax: Syntax, path: Sequence[str], wanted: object) -> str:
    if value_at(text, syntax, path) != wanted:
        raise NotRead("what was to be written does not read back")
    return text
