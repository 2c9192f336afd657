"""A plugin of pytest: what became of each test, a line of JSON each, for whoever runs the proofs (`--record=FILE`)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, help="write here what became of each test")


def pytest_configure(config: pytest.Config) -> None:
    """Where several processes run tests, the one that hears of all of them writes."""
    path = config.getoption("record")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder(path))


class Recorder:
    """Writes each report as it comes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self._write(report, report.when)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self._write(report, "collect")

    def _write(self, report: pytest.TestReport | pytest.CollectReport, when: str) -> None:
        skipped = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
        line = {
            "test": report.nodeid,
            "when": when,
            "outcome": report.outcome,
            "seconds": getattr(report, "duration", 0.0),
            "reason": skipped.removeprefix("Skipped: "),
        }
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
