"""The daemon's log: one JSON object a line, rotated by size; on a terminal the same as plain lines."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from iai_daemon.config import Log
from iai_daemon.lean import without

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger
    from structlog.typing import EventDict, Processor

# Its console side imports rich wherever rich is installed, 4 MB that the daemon never uses, and where greenlet is, that is 1 MB more.
with without("rich", "greenlet"):
    import structlog

_LONGEST_TRACEBACK = 16_000


def open_log(path: Path, settings: Log, terminal: TextIO | None) -> BoundLogger:
    """The log that writes to `path`, and to `terminal` as well when one is given. Raises OSError."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    root = logging.getLogger("iai_daemon")
    root.setLevel(settings.level.upper())
    root.propagate = False
    close_log()
    file = _File(path, maxBytes=settings.max_size, backupCount=settings.keep, encoding="utf-8", delay=True)
    file.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ]
        )
    )
    root.addHandler(file)
    if terminal is not None:
        plain = logging.StreamHandler(terminal)
        plain.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _plain]
            )
        )
        root.addHandler(plain)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logger: BoundLogger = structlog.stdlib.get_logger("iai_daemon")
    return logger


def adjust(settings: Log) -> None:
    """Go by other settings from the next entry on."""
    root = logging.getLogger("iai_daemon")
    root.setLevel(settings.level.upper())
    for each in root.handlers:
        if isinstance(each, _File):
            each.maxBytes, each.backupCount = settings.max_size, settings.keep


@contextlib.contextmanager
def telling_of_crashes(path: Path, log: BoundLogger) -> Iterator[None]:
    """Inside, what ends the interpreter itself (a signal of the kernel's, or the abort of a manager that heard nothing any more)
    leaves at `path` where it was at work. What the one before left there goes into the log."""
    file = _open_for_a_traceback(path, log)
    if file is None:
        yield
        return
    with file:
        if left := file.read(_LONGEST_TRACEBACK):
            log.error("the daemon before this one crashed", traceback=left)
            file.seek(0)
            file.truncate()
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()


def _open_for_a_traceback(path: Path, log: BoundLogger) -> TextIO | None:
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        return os.fdopen(os.open(path, flags, 0o600), "r+", encoding="utf-8", errors="replace")
    except OSError as cause:
        log.warning("a crash would leave no trace", why=f"{path} cannot be used ({cause.strerror or cause})")
        return None


def trouble() -> str | None:
    """Why the last entry could not be written, in words; None when it was."""
    files = (each for each in logging.getLogger("iai_daemon").handlers if isinstance(each, _File))
    return next((each.trouble for each in files if each.trouble), None)


class _File(logging.handlers.RotatingFileHandler):
    """An entry that the disk does not take is lost and leaves no part behind; the next one is tried anew.

    A file that was deleted or replaced underneath is opened again at its path.
    """

    trouble: str | None = None

    @property
    def _path(self) -> Path:
        return Path(self.baseFilename)

    def emit(self, record: logging.LogRecord) -> None:
        before = self._look()
        self._cause: OSError | None = None
        super().emit(record)
        self.trouble = None
        if self._cause is not None:
            self.trouble = f"{self._path} cannot be written ({self._cause.strerror})"
            self._take_back(before)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's name
        cause = sys.exc_info()[1]
        if isinstance(cause, OSError):
            self._cause = cause
        else:
            super().handleError(record)

    def _look(self) -> int:
        """The size of the file at the path; lets go of one that is no longer there."""
        try:
            there = self._path.stat()
        except OSError:
            self._let_go()
            return 0
        if self.stream is not None and os.fstat(self.stream.fileno()).st_ino != there.st_ino:
            self._let_go()
        return there.st_size

    def _take_back(self, size: int) -> None:
        self._let_go()
        with contextlib.suppress(OSError):
            if self._path.stat().st_size > size:
                os.truncate(self._path, size)

    def _let_go(self) -> None:
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError):  # what is left in its buffer has no place any more
                stream.close()


def close_log() -> None:
    """Close what open_log opened; safe to call twice."""
    root = logging.getLogger("iai_daemon")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()


def _plain(_logger: object, _method: str, event: EventDict) -> str:
    """`11:00:00 event key=value …`, for a person who watches."""
    stamp, level, said = event.pop("timestamp"), event.pop("level"), event.pop("event")
    event.pop("exc_info", None)
    loud = "" if level in ("debug", "info") else f"{level}: "
    return f"{stamp[11:19]} {loud}{said} " + " ".join(f"{key}={value}" for key, value in event.items())
