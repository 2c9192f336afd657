"""Long commands: the bar that a person sees, and nothing of it elsewhere. Real processes."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from iai_daemon.cli.progress import Work, at_work
from iai_daemon.errors import Ended, Stopped
from iai_daemon.paths import Home
from tests.cli.calling import at_a_terminal, call, said
from tests.cli.longer import PORTION, WIDE, count, lines, long
from tests.cli.test_store_migrate import remember

# The bar.


def test_a_bar_stands_on_the_terminal_and_is_gone_at_the_end(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_bytes(lines(range(4 * PORTION)))
    with long(home, "memory", "import", str(file)) as importing:
        assert importing.end() == 0
    assert importing.left == ""
    assert importing.out == "800 added, 0 superseded, 0 unchanged, 0 bad\n"
    size = f"{file.stat().st_size / 1e6:.1f}"
    assert importing.bars[-1].startswith("importing ")
    assert f"{size}/{size} MB" in importing.bars[-1]
    assert all(len(bar) <= WIDE for bar in importing.bars)


def test_of_what_has_no_known_end_only_the_amount_is_told(home: Home) -> None:
    with long(home, "memory", "import", "-", fed=True) as importing:
        importing.write(lines(range(PORTION)))
        importing.until_said("0.0 MB")
        assert "/" not in importing.bars[-1].replace("MB/s", "")
        assert importing.end() == 0
    assert importing.left == ""
    assert count(home.memory) == PORTION


@pytest.mark.parametrize(
    ("variables", "seen"), [({"TERM": "dumb"}, False), ({"NO_COLOR": "1"}, True), ({}, True)]
)
def test_a_terminal_that_cannot_draw_shows_nothing_and_one_without_colour_none(
    home: Home, tmp_path: Path, variables: dict[str, str], seen: bool
) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_bytes(lines(range(PORTION)))
    with long(home, "memory", "import", str(file), **variables) as importing:
        assert importing.end() == 0
    if not seen:
        assert importing.said == ""
    else:
        assert importing.bars
        coloured = re.search(r"\x1b\[(3|9)[0-7]m", importing.said)
        assert (coloured is None) is ("NO_COLOR" in variables)


def test_elsewhere_nothing_is_drawn_and_for_programs_standard_output_is_one_object(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "notes.jsonl"
    file.write_bytes(lines(range(PORTION)))
    for words in (
        ("memory", "import", str(file)),
        ("memory", "secrets"),
        ("memory", "export"),
        ("memory", "purge", "3", "--yes", "--backups"),
        ("store", "backup"),
        ("store", "migrate", "--to", f"sqlite:{tmp_path / 'moved.db'}"),
    ):
        assert call(home, *words).stderr == ""
    with long(home, "memory", "import", str(file), "--json") as importing:
        assert importing.end() == 0
    assert importing.bars
    assert json.loads(importing.out)["unchanged"] == PORTION - 1


def test_no_bar_stands_between_the_lines_that_are_exported_to_the_same_terminal(home: Home) -> None:
    remember(home, PORTION)
    printed = at_a_terminal(home, "memory", "export")
    assert "━" not in printed
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == PORTION
    with long(home, "memory", "export") as exporting:
        assert exporting.end() == 0
    assert exporting.bars
    assert exporting.out == said(home, "memory", "export")


# Without a process.


def test_a_second_ctrl_c_does_not_wait() -> None:
    work = Work()
    before = signal.getsignal(signal.SIGINT)
    try:
        work.answer(signal.SIGINT, None)
        assert not work.may_go_on()
        with pytest.raises(KeyboardInterrupt):
            work.answer(signal.SIGINT, None)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "error", "status"), [(signal.SIGINT, Stopped, 130), (signal.SIGTERM, Ended, 143)]
)
def test_what_is_done_already_is_done_and_what_is_not_is_said(
    number: signal.Signals, error: type[Stopped], status: int
) -> None:
    with at_work(lambda: "never asked") as work:
        os.kill(os.getpid(), number)
        done = True
    assert done
    assert not work.may_go_on()
    with pytest.raises(Stopped, match="half of it") as stopped:
        be_stopped(number)
    assert type(stopped.value) is error
    assert stopped.value.exit_status == status
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def be_stopped(number: signal.Signals) -> None:
    with at_work(lambda: "half of it.") as work:
        os.kill(os.getpid(), number)
        work.tell("something", 1, 2)
