"""The page of files: what lies in a home, and which variables are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from iai_daemon.cli.manual import FILES, VARIABLES
from iai_daemon.cli.reference.markdown import code, items, prose, table
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.paths import Home

_INTRODUCTION = (
    "Everything lies in one directory, the home: `--home DIR`, else `$IAI_DAEMON_HOME`, else `~/.iai-daemon`. The home and its directories "
    "are its user's alone (0700), and so are the files in them (0600). Beside it there is what `iai-daemon install` and `iai-daemon completion "
    "--install` write, and the entries that `iai-daemon clients connect` makes in clients' own configurations."
)
_BESIDE = (
    "SQLite keeps `memory.db-wal` and `memory.db-shm` beside the memory while it is open. `history.1.jsonl` is the older part of a long "
    "history, and `log/daemon.jsonl.1` and so on those of the log."
)


def page() -> str:
    """The whole page."""
    return whole("Files and variables", _blocks())


def _blocks() -> Iterator[str]:
    yield prose(_INTRODUCTION)
    home = Home(Path())
    yield table(
        ["file", "what it is for"],
        [(code(str(getattr(home, name))), prose(said)) for name, said in FILES.items()],
    )
    yield prose(_BESIDE)
    yield "## Variables"
    yield items((code(name) if name.isupper() else name, prose(said)) for name, said in VARIABLES)
