"""Where a home keeps its memory and its agenda: in a file of its own, or at an address that other machines may have, too."""

from __future__ import annotations

import os
import stat

from iai_daemon import config
from iai_daemon.errors import BadConfig
from iai_daemon.kinds import is_server, without_password
from iai_daemon.paths import Home


def address_of(home: Home, memory: config.Memory | None = None) -> str | None:
    """The address of the PostgreSQL that this home's settings name; None: its own file. `memory`: the settings that hold, if they are not those
    that stand in the file now. Raises BadConfig, also for an address with a password that others can read."""
    settings = config.load(home).memory if memory is None else memory
    if settings.store_env:
        return _from_environment(home, settings.store_env)
    if not is_server(settings.store):
        return None
    if settings.store != without_password(settings.store):
        _require_nobody_else_reads(home)
    return settings.store


def _from_environment(home: Home, name: str) -> str:
    found = os.environ.get(name, "")
    if not is_server(found):
        problem = (
            "is not set" if not found else "does not hold an address such as postgresql://user@host/database"
        )
        raise BadConfig(path=home.config, where="memory.store_env", problem=f"the variable {name} {problem}")
    return found


def _require_nobody_else_reads(home: Home) -> None:
    mode = home.config.stat().st_mode if home.config.exists() else 0
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        problem = f"it holds a password and others can read the file: chmod 600 {home.config}"
        raise BadConfig(path=home.config, where="memory.store", problem=problem)
