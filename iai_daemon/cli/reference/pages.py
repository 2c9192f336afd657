"""Which pages there are, and who makes each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from iai_daemon.cli.reference import commands, control, errors, files, settings, tools, words

_MADE_BY: Mapping[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "settings.md": settings.page,
    "tools.md": tools.page,
    "control.md": control.page,
    "states.md": words.page,
    "errors.md": errors.page,
    "files.md": files.page,
}


def pages() -> dict[str, str]:
    """Every page by the name of its file, whole."""
    return {name: make() for name, make in _MADE_BY.items()}
