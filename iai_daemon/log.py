"""The daemon's log: one JSON object a line, rotated by size; on a terminal the same as plain lines."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from iai_daemon.config import Log
from iai_daemon.lean import without

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger
    from structlog.typing import EventDict, Processor

# Its console side imports rich wherever rich is installed: 4 MB that the daemon never uses.
with without("rich"):
    import structlog


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
    file = logging.handlers.RotatingFileHandler(
        path, maxBytes=settings.max_size, backupCount=settings.keep, encoding="utf-8", delay=True
    )
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
