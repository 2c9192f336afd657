"""Every target for a moment, and the proof that each finds a reader that breaks its law."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes import LONG
from tests.fuzz import registry
from tests.fuzz.mutating import mutated
from tests.fuzz.running import TakesTooLong, fuzz, try_one
from tests.fuzz.target import Target, Verdict, accepted, refused

_SECONDS = 20.0 if LONG else None
_EXAMPLES = 100
# With most of these seeds a broken reader is found at once.
_TRIES = 20


def _target(name: str) -> Target:
    return registry.load([name])[0]


@pytest.mark.parametrize("name", registry.names())
def test_the_law_holds_whatever_is_read(name: str) -> None:
    result = fuzz(_target(name), seed=0, seconds=_SECONDS, examples=_EXAMPLES)
    assert result.failure is None, result.failure
    assert result.one_sided is None


@pytest.mark.parametrize("name", registry.names())
def test_a_reader_that_breaks_the_law_is_found_and_shown_by_an_input_that_can_be_kept(name: str) -> None:
    target = _target(name)
    tries = (
        fuzz(target, seed=seed, examples=_EXAMPLES, subject=target.broken, smallest=False)
        for seed in range(_TRIES)
    )
    found = next((each.failure for each in tries if each.failure), None)
    assert found is not None
    kept = ast.literal_eval(repr(found.given))
    assert kept == found.given
    assert try_one(target, kept).failure is None


def test_all_examples_of_a_target_are_tried_as_they_are() -> None:
    for target in registry.load(registry.names()):
        assert any(try_one(target, each).count(accepted=True) for each in target.corpus), target.name


def _length(subject: int, given: bytes) -> Verdict:
    assert len(given) < subject
    return accepted() if given.startswith(b"{") else refused("no brace")


_SIMPLE = Target("simple", "short", (b'{"a": 1}',), mutated([b'{"a": 1}'], [b"x" * 9]), _length, 10**6, 12)


def test_the_same_seed_finds_the_same_smallest_input() -> None:
    one, two = (fuzz(_SIMPLE, seed=7, subject=12).failure for _ in range(2))
    assert one is not None
    assert two is not None
    assert one.given == two.given
    assert (one.seed, two.seed) == (7, 7)


def test_a_run_that_only_accepts_or_only_refuses_proves_nothing() -> None:
    only = Target("only", "", (b"{",), _SIMPLE.inputs.map(lambda data: b"{" + data), _length, 10**6, 1)
    assert "no input was refused" in (fuzz(only, seed=0, examples=20).one_sided or "")
    none = Target("none", "", (b"x",), _SIMPLE.inputs.map(lambda data: b"x" + data), _length, 10**6, 1)
    assert "every input was refused" in (fuzz(none, seed=0, examples=20).one_sided or "")


def test_an_input_that_takes_endless_time_is_a_failure() -> None:
    def endless(subject: object, given: bytes) -> Verdict:
        while True:
            pass

    target = Target("endless", "", (b"",), _SIMPLE.inputs, endless, None, None, seconds=0.05)
    found = fuzz(target, seed=0).failure
    assert found is not None
    assert isinstance(found.cause, TakesTooLong)


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_says_the_seed_what_was_tried_and_that_it_is_fine(tmp_path: Path) -> None:
    ended = _run("crontab", "--seconds", "0.5", "--seed", "5")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith("seed 5; 0.5 s for each of 1 targets\n")
    assert "accepted" in ended.stdout
    assert ended.stdout.endswith("fine\n")
    kept = tmp_path / "one.txt"
    kept.write_text(repr("0 9 * * * claude -p x\n"), encoding="utf-8")
    assert _run("crontab", "--input", str(kept)).stdout == "crontab: accepted: an agent\n"


def test_a_target_that_there_is_not_is_named() -> None:
    ended = _run("chess")
    assert ended.returncode == 2
    assert "there is no target chess" in ended.stderr
