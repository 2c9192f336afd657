"""The daemon's log: one JSON object a line, rotated by size; on a terminal the same as plain lines."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from iai_daemon.config import Log

if TYPE_CHECKING:
    from types import ModuleType

    from structlog.typing import EventDict, FilteringBoundLogger


def _load_structlog() -> ModuleType:
    """structlog without its console side, which imports rich wherever rich is installed: 4 MB that the daemon never uses."""
    absent = object()
    rich = sys.modules.get("rich", absent)
    sys.modules["rich"] = None  # type: ignore[assignment]  # what the import system takes for "not installed"
    try:
        import structlog  # noqa: PLC0415 -- after rich has been hidden
    finally:
        if rich is absent:
            del sys.modules["rich"]
        else:
            sys.modules["rich"] = rich  # type: ignore[assignment]
    return structlog


structlog: Any = _load_structlog()


def open_log(path: Path, settings: Log, terminal: TextIO | None) -> FilteringBoundLogger:
    """The log that writes to `path`, and to `terminal` as well when one is given. Raises OSError."""
    shared = [
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
    return structlog.stdlib.get_logger("iai_daemon")  # type: ignore[no-any-return]


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
