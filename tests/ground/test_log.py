"""The log goes on where its file is, and says why it cannot, to whom asks and to nobody else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from iai_daemon import log as logs
from iai_daemon.config import Log
from iai_daemon.log import close_log, open_log

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    return tmp_path / "log" / "daemon.jsonl"


@pytest.fixture
def log(path: Path) -> Iterator[BoundLogger]:
    yield open_log(path, Log(), None)
    close_log()


def _events(path: Path) -> list[str]:
    return [json.loads(line)["event"] for line in path.read_text().splitlines()]


def test_a_file_that_was_deleted_or_replaced_is_opened_again(path: Path, log: BoundLogger) -> None:
    log.info("one")
    path.unlink()
    log.info("two")
    assert _events(path) == ["two"]
    path.rename(path.with_name("moved"))
    path.touch()
    log.info("three")
    assert _events(path) == ["three"]


def test_a_log_that_cannot_be_written_says_why_and_goes_on_when_it_can(
    path: Path, log: BoundLogger, capsys: pytest.CaptureFixture[str]
) -> None:
    log.info("one")
    assert logs.trouble() is None
    shutil.rmtree(path.parent)
    log.info("two")
    assert logs.trouble() == f"{path} cannot be written (No such file or directory)"
    path.parent.mkdir()
    log.info("three")
    assert logs.trouble() is None
    assert _events(path) == ["three"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_loses_the_entry_and_says_so(path: Path, log: BoundLogger) -> None:
    path.symlink_to("/dev/full")
    for _ in range(3):
        log.info("one")
        assert logs.trouble() == f"{path} cannot be written (No space left on device)"
    path.unlink()
    log.info("two")
    assert (logs.trouble(), _events(path)) == (None, ["two"])
