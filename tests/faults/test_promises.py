"""The promises: each proof exists, every test of faults is a part of one, the page says what the registry says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.fakes import SEED
from tests.faults import __main__ as runner
from tests.faults import proving
from tests.faults.promises import CHAPTERS, PROMISES, Promise
from tests.faults.proving import FAILED, NOT_HERE, PROVEN, Report, judge, wanted
from tests.faults.recording import Recorder
from tests.faults.seeds import chance, luck
from tests.project.source import ROOT

# What is tested there is how the proofs are run.
_ITSELF = "tests/faults/test_promises.py"


@cache
def _tests_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {each.name for each in ast.walk(tree) if isinstance(each, functions)}


@pytest.mark.parametrize("promise", PROMISES.values(), ids=PROMISES)
def test_every_proof_is_there(promise: Promise) -> None:
    assert promise.proofs
    for proof in promise.proofs:
        path, _, name = proof.partition("::")
        assert (ROOT / path).is_file(), proof
        assert not name or (name.startswith("test_") and name in _tests_in(path)), proof


def test_no_name_is_given_twice() -> None:
    names = [each.name for chapter in CHAPTERS for each in chapter.promises]
    assert len(names) == len(set(names)) == len(PROMISES)


def test_every_fault_that_is_tested_is_part_of_a_promise() -> None:
    proofs = {proof.partition("::")[0] for promise in PROMISES.values() for proof in promise.proofs}
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/faults").glob("test_*.py")}
    assert files - proofs == {_ITSELF}


def test_the_page_says_what_the_registry_says() -> None:
    assert runner.PAGE.read_text(encoding="utf-8") == proving.page(CHAPTERS), (
        "`python -m tests.faults --write`"
    )


# What became of a promise.

ONE = Promise("one", "It holds.", "It is pulled.", ("tests/a.py", "tests/b.py::test_it"))


def _judged(*reports: Report) -> tuple[str, int, tuple[str, ...]]:
    verdict = judge(ONE, reports)
    return verdict.outcome, verdict.tests, verdict.failed


def test_a_promise_is_proven_when_all_that_could_be_run_has_passed() -> None:
    passed = Report("tests/a.py::test_x", "call", "passed", 1.5)
    other = Report("tests/b.py::test_it[1]", "call", "passed", 2.0)
    skipped = Report("tests/b.py::test_it[2]", "setup", "skipped", reason="no strace")
    assert _judged(passed, other, skipped) == (PROVEN, 2, ())
    verdict = judge(ONE, [passed, other, skipped, skipped])
    assert (verdict.seconds, verdict.skipped) == (3.5, {"no strace": 2})
    assert list(verdict.lines())[1:] == ["    not run here, 2: no strace"]


def test_a_promise_has_failed_where_a_test_fails_or_nothing_is_heard_of_it() -> None:
    passed = Report("tests/a.py::test_x", "call", "passed")
    fails = Report("tests/b.py::test_it", "teardown", "failed")
    others = Report("tests/b.py::test_it_too", "call", "passed")
    assert _judged(passed, fails) == (FAILED, 1, ("tests/b.py::test_it",))
    assert _judged(passed, others) == (FAILED, 1, ("tests/b.py::test_it",))
    assert _judged() == (FAILED, 0, ONE.proofs)


def test_a_promise_of_which_nothing_could_be_run_is_neither() -> None:
    reports = [Report(f"{proof}::test_x", "setup", "skipped", reason="no root") for proof in ("tests/a.py",)]
    reports.append(Report("tests/b.py::test_it", "setup", "skipped", reason="no root"))
    assert _judged(*reports) == (NOT_HERE, 0, ())


def test_a_test_that_proves_several_is_run_once() -> None:
    other = Promise("two", "", "", ("tests/b.py", "tests/c.py::test_x", "tests/c.py::test_x"))
    assert wanted([ONE, other]) == ["tests/a.py", "tests/b.py", "tests/c.py::test_x"]


# The command.


def test_a_name_that_there_is_not_is_named_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["one-demon", "zzz"]) == 2
    said = capsys.readouterr().err
    assert "there is no promise 'one-demon': is it 'one-daemon'?" in said
    assert "'zzz': `--list` has them all" in said


def test_all_of_them_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(PROMISES)


def test_what_became_of_a_test_is_recorded_and_the_seed_told_at_the_beginning(tmp_path: Path) -> None:
    record, own = tmp_path / "record", f"{_ITSELF}::test_no_name_is_given_twice"
    words = ["-p", "tests.faults.recording", f"--record={record}", "-p", "no:cacheprovider", own]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env=os.environ | {"FAULTS_SEED": "70707"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done
    assert "faults: FAULTS_SEED=70707" in done.stdout
    (report,) = _recorded(record)
    assert (report.test, report.when, report.outcome, report.reason) == (own, "call", "passed", "")


def _recorded(record: Path) -> list[Report]:
    return [Report(**json.loads(line)) for line in record.read_text().splitlines()]


def test_of_a_test_that_did_not_pass_it_is_recorded_where_it_stopped_and_why(tmp_path: Path) -> None:
    record = Recorder(tmp_path / "record")
    place = ("tests/a.py", 7, "test_it")
    skipped = ("tests/a.py", 7, "Skipped: no room")
    for outcome, when, why in (
        ("passed", "setup", None),
        ("skipped", "setup", skipped),
        ("failed", "teardown", "x"),
    ):
        record.pytest_runtest_logreport(
            pytest.TestReport("tests/a.py::test_it", place, {}, outcome, why, when, duration=0.5)
        )
    assert _recorded(tmp_path / "record") == [
        Report("tests/a.py::test_it", "setup", "skipped", 0.5, "no room"),
        Report("tests/a.py::test_it", "teardown", "failed", 0.5),
    ]


def test_the_same_seed_gives_the_same_choices_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert luck("a").random() == chance("a").random() != chance("b").random()
    assert f"FAULTS_SEED={SEED}" in capsys.readouterr().out
