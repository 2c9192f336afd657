"""Which backups of the embedded store look whole: told from their headers alone, so that an error may name one at once."""

from __future__ import annotations

import struct
from pathlib import Path

from iai_daemon.paths import Backup, backups
from iai_daemon.storage.migrate import APPLICATION_ID, newest

_MAGIC = b"SQLite format 3\0"
_LARGEST_PAGE = 65_536


def newest_whole(folder: Path) -> Backup | None:
    """The newest one that looks whole; None: there is none."""
    return next((each for each in reversed(backups(folder)) if looks_whole(each.path)), None)


def looks_whole(path: Path) -> bool:
    """Whether the header is that of a store of ours and the file as long as the header says.

    https://sqlite.org/fileformat.html#the_database_header
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
        size = path.stat().st_size
    except OSError:
        return False
    if len(header) < 100 or not header.startswith(_MAGIC):
        return False
    (page,) = struct.unpack_from(">H", header, 16)
    (pages,) = struct.unpack_from(">I", header, 28)
    version, application = struct.unpack_from(">I4xI", header, 60)
    if application != APPLICATION_ID or not 0 < version <= newest():
        return False
    return bool(size == pages * (_LARGEST_PAGE if page == 1 else page))
