"""Gists by a program of the user's: what it is given, what is taken of it, what it may cost, and that it never keeps anybody."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.config import Consolidation, Settings
from iai_daemon.consolidation.outside import MOST
from iai_daemon.consolidation.passes.associate import Associate
from iai_daemon.consolidation.passes.summarize import Asked, Summarize
from iai_daemon.consolidation.report import Report
from iai_daemon.consolidation.runner import Halt
from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import night, work_in_a_process
from tests.consolidation.topics import BACKUPS, INVOICES, made_up_topics, remember_all
from tests.fakes import NOON, FakeClock

# A program that notes what it was given, and does what the last argument says.
PROGRAM = """
import json, pathlib, sys, time
given = json.load(sys.stdin)
log = pathlib.Path(sys.argv[1])
with log.open("a") as out:
    out.write(json.dumps(given) + "\\n")
exec(sys.argv[2])
"""


class Program:
    """A real program as the setting `summarize_command`."""

    def __init__(self, home: Home, folder: Path) -> None:
        self._home = home
        self._script = folder / "sum_up.py"
        self._script.write_text(PROGRAM, encoding="utf-8")
        self._log = folder / "given.jsonl"

    def given(self) -> list[dict[str, Any]]:
        """What it was started with, each time."""
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]

    @property
    def script(self) -> Path:
        return self._script

    def passes(self, does: str, per_day: int = 20, timeout: float = 20.0) -> list[Any]:
        argv = (sys.executable, str(self._script), str(self._log), does)
        settings = Settings(
            consolidation=Consolidation(
                summarize_command=argv, summarize_timeout=timeout, summarize_per_day=per_day
            )
        )
        return [Associate(), Summarize(Asked.of(settings, self._home))]


@pytest.fixture
def program(home: Home, tmp_path: Path) -> Program:
    return Program(home, tmp_path)


def gists(stores: Stores) -> list[Record]:
    return list(stores.nights.made_by("summarize"))


def said(report: Report) -> str:
    return "; ".join(each.said for each in report.passes if each.name == "summarize" and each.said)


def test_without_a_command_none_is_asked(home: Home) -> None:
    assert Asked.of(Settings(), home) is None


def test_what_the_program_says_is_the_gist_and_it_is_asked_once(stores: Stores, program: Program) -> None:
    remember_all(stores, BACKUPS)
    passes = program.passes("print('Backups of the ledger.', 'They go to cold-storage.', sep='\\n')")
    report = night(stores, chosen=passes)
    (made,) = gists(stores)
    assert made.content == "Backups of the ledger. They go to cold-storage."
    assert said(report) == "1 summed up by the program"
    night(stores, chosen=passes, asked=True)
    (given,) = program.given()
    assert [each["content"] for each in given["sources"]] == list(BACKUPS)
    assert given["sources"][0].keys() == {
        "id",
        "content",
        "kind",
        "subject",
        "attribute",
        "scope",
        "created_at",
    }


@pytest.mark.parametrize(
    ("does", "trouble"),
    [
        ("sys.exit(3)", "it ended with status 3"),
        ("print('x' * 2001)", f"it said more than {MOST} characters"),
        ("print('x' * 100_000)", f"it said more than {MOST} characters"),
        ("print()", "it said nothing"),
        ("time.sleep(30)", "it took too long and was ended"),
    ],
)
def test_what_fails_gets_a_gist_of_its_own_sentences(
    stores: Stores, program: Program, does: str, trouble: str
) -> None:
    remember_all(stores, BACKUPS)
    report = night(stores, chosen=program.passes(does, timeout=0.5 if "sleep" in does else 20.0))
    (made,) = gists(stores)
    assert made.content.startswith("About ")
    assert report.outcome == "completed"
    assert said(report) == f"in its own sentences, because {trouble}"


def test_a_program_that_does_not_exist_is_told_of(stores: Stores, home: Home) -> None:
    remember_all(stores, BACKUPS)
    settings = Settings(consolidation=Consolidation(summarize_command=("/nowhere/sum-up",)))
    report = night(stores, chosen=[Associate(), Summarize(Asked.of(settings, home))])
    assert len(gists(stores)) == 1
    assert "there is no program /nowhere/sum-up" in said(report)


def test_it_is_started_so_many_times_a_day_and_not_more_if_the_clock_is_set_back(
    stores: Stores, program: Program
) -> None:
    remember_all(stores, *made_up_topics(3))
    passes = program.passes("print('A gist.')", per_day=2)
    report = night(stores, chosen=passes)
    assert sorted(each.content == "A gist." for each in gists(stores)) == [False, True, True]
    assert "the program has been started 2 times today" in said(report)
    remember_all(stores, BACKUPS)
    night(stores, chosen=passes, clock=FakeClock(wall=NOON - 5 * 86_400))
    assert len(program.given()) == 2
    remember_all(stores, INVOICES)
    night(stores, chosen=passes, clock=FakeClock(wall=NOON + 86_400))
    assert len(program.given()) == 3


def test_what_was_started_counts_though_the_night_was_broken_off_and_it_is_ended_then(
    stores: Stores, program: Program
) -> None:
    remember_all(stores, BACKUPS)

    def back_once_it_runs() -> Halt | None:
        return Halt("yielded", "somebody is back") if program.given() else None

    report = night(stores, chosen=program.passes("time.sleep(30)", per_day=1), halted=back_once_it_runs)
    assert report.outcome == "yielded"
    assert report.yield_ms is not None
    assert report.yield_ms < 1000
    assert gists(stores) == []
    report = night(stores, chosen=program.passes("print('A gist.')", per_day=1))
    assert gists(stores)[0].content.startswith("About ")
    assert len(program.given()) == 1


def test_a_cap_of_nothing_starts_nothing(stores: Stores, program: Program) -> None:
    remember_all(stores, BACKUPS)
    night(stores, chosen=program.passes("print('A gist.')", per_day=0))
    assert program.given() == []
    assert len(gists(stores)) == 1


def test_a_dry_run_starts_nothing_and_a_real_worker_does(
    stores: Stores, home: Home, program: Program
) -> None:
    remember_all(stores, BACKUPS)
    log = program.script.with_name("given.jsonl")
    argv = [sys.executable, str(program.script), str(log), "print('A gist.')"]
    chosen = f'passes = ["associate", "summarize"]\nsummarize_command = {json.dumps(argv)}'
    home.config.write_text(f"[consolidation]\n{chosen}\n", encoding="utf-8")
    assert work_in_a_process(home, dry_run=True) is not None
    assert program.given() == []
    report = work_in_a_process(home)
    assert report is not None
    assert (report["outcome"], report["gists_written"]) == ("completed", 1)
    assert [each.content for each in gists(stores)] == ["A gist."]
