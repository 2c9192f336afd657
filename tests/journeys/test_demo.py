"""The demo is the whole product in one evening: it must tell the truth, and leave nothing behind."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from iai_daemon.clock import Stopwatch, pause
from iai_daemon.demo import corpus
from iai_daemon.demo.evening import run
from iai_daemon.demo.stage import Pace

FAST = Pace(tick=0.5, idle_after=1.0, quiet_for=3.0, last_year=8_000)
NOTES = len(corpus.load().notes)


@pytest.fixture(scope="module")
def evening() -> dict[str, Any]:
    """One fast evening, as `--json` tells it."""
    out, err = io.StringIO(), io.StringIO()
    assert run(as_json=True, pace=FAST, out=out, err=err) == 0
    assert out.getvalue().count("\n") == 1
    answer: dict[str, Any] = json.loads(out.getvalue())
    answer["told"] = err.getvalue()
    return answer


def test_the_daemon_goes_from_wake_over_idle_to_bedtime_before_each_night(evening: dict[str, Any]) -> None:
    states = " ".join(each["to"] for each in evening["transitions"])
    assert evening["schema"] == 1
    assert states.count("WAKE IDLE BEDTIME") >= 2
    rules = [each["rule"] for each in evening["transitions"] if each["to"] == "BEDTIME"]
    assert rules[0] == "inactive"  # a client was left open
    assert set(rules) <= {"inactive", "absent"}


def test_the_first_night_yields_to_the_client_that_returns_and_the_second_completes(
    evening: dict[str, Any],
) -> None:
    first, second = evening["nights"]
    assert (first["outcome"], second["outcome"]) == ("yielded", "completed")
    assert 0 <= evening["yield_ms"] < 1000
    assert first["yield_ms"] < 1000
    assert first["stopped"]["done"] < first["stopped"]["total"]
    embedded = first["nodes_embedded"] + second["nodes_embedded"]
    assert embedded == evening["after"]["counts"]["total"] >= FAST.last_year + NOTES + 1
    assert second["embedding_coverage"] == 1.0


def test_nights_retire_what_is_corrected_and_what_is_over_and_nothing_else(evening: dict[str, Any]) -> None:
    notes = corpus.load().notes
    corrected = [note.key for note in notes if note.sort == "corrected"]
    over = sum(note.ends_tonight for note in notes)
    replaced = len(corrected) - len(set(corrected)) + 1
    before, after = evening["before"]["counts"], evening["after"]["counts"]
    assert sum(night["expired_pruned"] for night in evening["nights"]) == after["expired"] == over
    assert sum(night["superseded_gc"] for night in evening["nights"]) == after["superseded"] == replaced
    assert before["current"] == before["total"] == FAST.last_year + NOTES
    assert after["current"] == after["total"] - over - replaced
    assert (before["embedding_coverage"], after["embedding_coverage"]) == (0.0, 1.0)


def test_a_question_has_one_answer_in_the_morning_where_it_had_several_in_the_evening(
    evening: dict[str, Any],
) -> None:
    before, after = evening["before"]["queries"][0], evening["after"]["queries"][0]
    assert before["query"] == after["query"]
    assert [record["current"] for record in before["records"]] == [True, True]
    assert len(before["found"]) == 2
    assert [record["current"] for record in after["records"]] == [False, False, True]
    assert after["found"] == [after["records"][-1]["id"]]
    assert [record["superseded_by"] for record in after["records"][:-1]] == [
        record["id"] for record in after["records"][1:]
    ]


def test_in_the_morning_a_search_finds_all_that_is_current_and_nothing_that_is_not(
    evening: dict[str, Any],
) -> None:
    for answer in evening["after"]["queries"]:
        assert sorted(answer["found"]) == [each["id"] for each in answer["records"] if each["current"]]


def test_undoing_the_nights_and_doing_them_again_gives_the_same_bytes(evening: dict[str, Any]) -> None:
    assert evening["undo"]["equal"] is True
    assert evening["undo"]["restored"] == sum(
        night["expired_pruned"] + night["superseded_gc"] + night["duplicates_merged"] + night["gists_written"]
        for night in evening["nights"]
    )
    assert evening["redo"]["equal"] is True
    assert evening["redo"]["outcome"] == "completed"


def test_the_story_is_told_in_plain_lines_where_there_is_no_terminal(evening: dict[str, Any]) -> None:
    assert "IDLE → BEDTIME (inactive)" in evening["told"]
    assert "\x1b" not in evening["told"]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`iai-daemon demo`, with its temporary home below `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "iai_daemon", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_ctrl_c_ends_all_that_the_demo_has_started_and_removes_its_home(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    started = _wait_started(demo, "iai_wrapper.py")
    _stop(demo, signal.SIGINT, 130)
    assert [each for each in started if _is_alive(each)] == []
    assert list(tmp_path.iterdir()) == []


def test_a_demo_that_is_told_to_stop_says_so_in_one_sentence(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    started = _wait_started(demo, "import")
    assert _stop(demo, signal.SIGTERM, 1).count("\n") == 1
    assert [each for each in started if _is_alive(each)] == []
    assert list(tmp_path.iterdir()) == []


def _stop(demo: subprocess.Popen[str], number: signal.Signals, status: int) -> str:
    """Send the signal and wait for the end; what it said on standard error."""
    demo.send_signal(number)
    _, said = demo.communicate(timeout=20)
    assert demo.returncode == status
    assert "Traceback" not in said
    return said


def _wait_started(demo: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """Every process below the demo, once one with this word in its command is among them."""
    watch = Stopwatch()
    while watch.seconds() < 20:
        started = psutil.Process(demo.pid).children(recursive=True)
        if any(word in part for each in started for part in _command_of(each)):
            return started
        pause(0.02)
    raise AssertionError(f"no process with {word} was started within 20 s")


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
