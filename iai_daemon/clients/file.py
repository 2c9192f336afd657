"""A configuration file as it stands: read once, changed only while it is still the same, never a half of it."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from iai_daemon import atomic
from iai_daemon.clients.jsonc import NotRead
from iai_daemon.clients.reading import read_file
from iai_daemon.errors import Refused

_BACKUP = ".before-iai-daemon"
_NEW_FILE = 0o600


@dataclass(frozen=True, slots=True)
class File:
    """What stood at `path` (links followed) when it was read; `data` is None where nothing did."""

    path: Path
    data: bytes | None
    mode: int = _NEW_FILE

    @classmethod
    def read(cls, path: Path) -> File:
        """Raises Refused for what is no file that can be changed."""
        real = Path(os.path.realpath(path))
        try:
            return cls(real, *read_file(real))
        except FileNotFoundError:
            return cls(real, None)
        except OSError as error:
            problem = f"{path} cannot be opened ({error.strerror}): make it yours and readable."
            raise Refused(problem=problem) from error
        except NotRead as why:
            raise Refused(problem=f"{path} cannot be read: {why}.") from why

    @property
    def text(self) -> str:
        """Raises NotRead. A byte order mark stays out of it, and is written again."""
        try:
            return (self.data or b"").decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise NotRead("it is not UTF-8") from error

    @property
    def digest(self) -> str:
        return digest(self.data or b"")

    @property
    def backup(self) -> Path:
        return self.path.with_name(self.path.name + _BACKUP)

    def encoded(self, text: str) -> bytes:
        """A new text in the way of the old one."""
        return (b"\xef\xbb\xbf" if (self.data or b"").startswith(b"\xef\xbb\xbf") else b"") + text.encode()

    def diff(self, text: str) -> str:
        """What would change, as `diff -u` shows it."""
        before = self.text.splitlines(keepends=True)
        name = str(self.path)
        lines = difflib.unified_diff(before, text.splitlines(keepends=True), name, name)
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def keep(self) -> None:
        """A copy beside it, unless one is there already. Raises Refused."""
        if self.data is not None and not self.backup.exists():
            _write(self.backup, self.data, self.mode)

    def replace(self, data: bytes | None) -> None:
        """Put this in its place (None: delete it), if nobody has changed it since it was read. Raises Refused."""
        if File.read(self.path).data != self.data:
            raise Refused(
                problem=f"{self.path} was changed at this very moment: try again, nothing was done."
            )
        if data is not None:
            _write(self.path, data, self.mode)
            return
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()


def digest(data: bytes) -> str:
    """What tells this content from every other."""
    return hashlib.sha256(data).hexdigest()


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(path, data, mode=mode)
        # The mask of this process may have taken something away.
        path.chmod(mode)
    except OSError as error:
        problem = (
            f"{path} cannot be written ({error.strerror}): see that its directory is yours and writable."
        )
        raise Refused(problem=problem) from error
