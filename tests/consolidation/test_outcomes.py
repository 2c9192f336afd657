"""The pass `outcomes`: which facts the profiles of models become, and what becomes of them when the file changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.insights.profiles import LARGEST
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, export, night
from tests.consolidation.recorded import facts, profile, said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outcomes.json"


def _write(path: Path, *profiles: object) -> None:
    path.write_text(json.dumps(profiles), encoding="utf-8")


def test_every_model_becomes_a_fact(stores: Stores, path: Path) -> None:
    _write(
        path,
        {
            "model_id": "m-1",
            "success_rate": 0.82,
            "calls": 120,
            "good at": "tests",
            "local": True,
            "note": None,
        },
        {"model_id": "m-2", "latency": {"p50_s": 3.1}},
    )
    report = profile(stores, path)
    assert report.counters.model_insights == 2
    assert facts(stores) == {
        "m-1": "m-1: calls 120, good at tests, local yes, success_rate 0.82.",
        "m-2": "m-2: latency.p50_s 3.1.",
    }
    (fact, _) = stores.nights.made_by("outcomes")
    assert (fact.kind, fact.attribute, fact.tags, fact.source) == (
        "fact",
        "outcomes",
        ("model-outcomes",),
        "outcomes",
    )


def test_model_profiles_alone_bring_no_further_round(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "m", "rate": 1})
    assert len(profile(stores, path).rounds) == 1


def test_a_changed_profile_takes_the_place_of_the_one_before(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "m", "rate": 0.5}, {"model_id": "other", "rate": 1})
    profile(stores, path)
    (before, _) = stores.nights.made_by("outcomes")
    _write(path, {"model_id": "m", "rate": 0.25}, {"rate": 1, "model_id": "other"})
    assert profile(stores, path).counters.model_insights == 1
    assert facts(stores) == {"m": "m: rate 0.25.", "other": "other: rate 1."}
    assert not stores.memory.get(before.id).current


def test_a_profile_that_goes_back_to_what_it_was_is_told_again(stores: Stores, path: Path) -> None:
    for rate in (1, 2, 1):
        _write(path, {"model_id": "m", "rate": rate})
        profile(stores, path)
    assert facts(stores) == {"m": "m: rate 1."}


def test_the_same_content_is_no_change_and_an_unchanged_file_no_work(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "m", "rate": 0.5, "calls": 3})
    profile(stores, path)
    before = export(stores)
    assert profile(stores, path).outcome == "nothing_to_do"
    _write(path, {"calls": 3, "rate": 0.5, "model_id": "m"})
    os.utime(path, (NOW, NOW))
    assert profile(stores, path).counters.model_insights == 0
    assert export(stores) == before


def test_the_fact_of_a_model_that_is_in_the_file_no_more_stays(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "m", "rate": 0.5}, {"model_id": "other", "rate": 1})
    profile(stores, path)
    _write(path, {"model_id": "other", "rate": 1})
    profile(stores, path)
    path.unlink()
    assert profile(stores, path).outcome == "completed"
    assert set(facts(stores)) == {"m", "other"}
    assert profile(stores, path).outcome == "nothing_to_do"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{}",
        b"[",
        b"[{}",
        b'[{"model_id": "n"},]',
        b"[] []",
        b"\xff",
        b"[" * 100_000,
        b'[{"model_id": "n", "rate": 1}, {"model_id',
        b"[" + b" " * LARGEST + b"]",
    ],
)
def test_a_file_that_is_no_json_array_changes_nothing_and_is_named(
    stores: Stores, path: Path, content: bytes
) -> None:
    _write(path, {"model_id": "m", "rate": 0.5})
    profile(stores, path)
    path.write_bytes(content)
    report = profile(stores, path)
    assert (report.outcome, facts(stores)) == ("completed", {"m": "m: rate 0.5."})
    assert "the whole file" in said(report, "outcomes")
    assert profile(stores, path).outcome == "nothing_to_do"


def test_what_cannot_be_told_of_a_profile_is_named(stores: Stores, path: Path) -> None:
    path.write_bytes(
        b'[{"model_id": "m", "a": NaN, "b": Infinity, "c": [1], "d": {"e": {"f": 1}}, "g": 1e999, "h": 2}, 7, '
        b'{"rate": 1}, {"model_id": ""}, {"model_id": 5}, {"model_id": "twice", "n": 1}, {"model_id": "twice", "n": 2}]'
    )
    report = profile(stores, path)
    assert facts(stores) == {"m": "m: h 2.", "twice": "twice: n 2."}
    assert said(report, "outcomes") == (
        "left out: 2 fields that are lists or lie too deep, 3 fields without a finite value, "
        "1 followed by another profile of the same model, 1 not an object, 3 without a model_id"
    )


def test_names_and_texts_stay_in_one_line_and_are_cut(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "m\n\x1b[31m", "no\nte": "a\r\nb" + "c" * 500})
    profile(stores, path)
    (content,) = facts(stores).values()
    assert content.startswith("m [31m: no te a b")
    assert content.isprintable()
    assert len(content) < 250


def test_a_pipe_is_not_read(stores: Stores, path: Path) -> None:
    os.mkfifo(path)
    assert profile(stores, path).outcome == "completed"
    assert not facts(stores)


def test_many_models_are_told_portion_by_portion(stores: Stores, path: Path) -> None:
    _write(path, *({"model_id": f"m{number}", "rate": number} for number in range(250)))
    report = profile(stores, path)
    assert report.counters.model_insights == 250
    assert sum(each.examined for each in report.passes) == 250


def test_what_a_user_took_back_or_forgot_is_not_told_again(stores: Stores, path: Path) -> None:
    _write(path, {"model_id": "back", "rate": 1})
    report = profile(stores, path)
    assert report.id is not None
    stores.nights.undo(report.id, NOW, force=False)
    _write(path, {"model_id": "back", "rate": 1}, {"model_id": "forgotten", "rate": 1})
    profile(stores, path)
    (fact,) = stores.nights.made_by("outcomes")
    stores.memory.forget(fact.id, NOW)
    _write(
        path,
        {"model_id": "back", "rate": 1},
        {"model_id": "forgotten", "rate": 1},
        {"model_id": "new", "rate": 1},
    )
    profile(stores, path)
    assert set(facts(stores)) == {"new"}


def test_nothing_is_left_to_do_after_a_whole_night(stores: Stores, home: Home, path: Path) -> None:
    _write(path, {"model_id": "m", "rate": 0.5})
    settings = Settings()
    chosen = [*passes.chosen(settings, home, alone=True)]
    named = [passes.Outcomes(path) if each.name == "outcomes" else each for each in chosen]
    assert night(stores, chosen=named).counters.model_insights == 1
    assert night(stores, chosen=named).outcome == "nothing_to_do"


def test_no_file_is_set_unless_somebody_sets_one(home: Home) -> None:
    assert Settings().outcomes_path(home) is None
