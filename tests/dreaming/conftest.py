"""What the scheduler logs, whatever another test has done to the loggers above it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


class Said(logging.Handler):
    """The records of one logger."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def at(self, level: int) -> list[str]:
        return [record.getMessage() for record in self.records if record.levelno == level]


@pytest.fixture
def said() -> Iterator[Said]:
    logger = logging.getLogger("iai_daemon.dreaming")
    handler = Said()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.setLevel(before)
    logger.removeHandler(handler)
