"""Passes of somebody else's package: installed as packages are, run by real workers, and contained when they misbehave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from iai_daemon import config
from iai_daemon.clock import Stopwatch
from iai_daemon.errors import BadConfig
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.consolidation.commands import passes_of
from tests.consolidation.evening import a_day
from tests.consolidation.packages import OURS, Site, choose
from tests.consolidation.working import BACK, work
from tests.journeys.real import call, call_json, until
from tests.project.source import ROOT


def a_memory(home: Home) -> None:
    with closing(open_stores(home)) as stores:
        a_day(stores, 30)


def test_a_pass_runs_only_when_it_is_named_and_in_its_place(home: Home, site: Site) -> None:
    site.offer("stranger", archiving=f"{OURS}Archiving", looking=f"{OURS}Looking")
    a_memory(home)
    choose(home, "expire", "maintain")
    report = work(home, alone=True).report
    assert report is not None
    assert list(passes_of(report)) == ["expire", "maintain"]
    choose(home, "maintain", "looking", "archiving", "expire")
    report = work(home, alone=True).report
    assert report is not None
    assert list(passes_of(report)) == ["expire", "looking", "archiving", "maintain"]
    assert [each["status"] for each in passes_of(report).values()] == ["done"] * 4
    assert passes_of(report)["looking"]["examined"] == 30
    assert passes_of(report)["archiving"]["changed"] == 30
    assert work(home, alone=True).report["outcome"] == "nothing_to_do"  # type: ignore[index]
    undone = call_json(home, "nights", "undo", "2", "--yes")
    assert undone["restored"] == 30


def test_a_name_that_nobody_offers_is_named_with_the_nearest_of_all(home: Home, site: Site) -> None:
    site.offer("stranger", archiving=f"{OURS}Archiving", embed=f"{OURS}Looking")
    choose(home, "archivign")
    with pytest.raises(BadConfig) as refused:
        config.load(home)
    assert 'line 2: consolidation.passes knows no pass "archivign": did you mean "archiving"' in str(
        refused.value
    )
    said = call(home, "config", "set", "consolidation.passes", '["expire", "archiving"]')
    assert said.returncode == 78, "the file as it stands has to be right first"
    choose(home, "embed")
    a_memory(home)
    report = work(home, alone=True).report
    assert report is not None
    assert passes_of(report)["embed"]["changed"] == 30, "a built-in name is never anybody else's"


MISBEHAVIOUR = {
    "raising": ("Raising", "KeyError: 'port'"),
    "leaving": ("Leaving", "it tried to end the process (SystemExit)"),
    "nonsense": ("Nonsense", "its `plan` returns no Batch but list"),
    "unreadable": ("Unreadable", "its `read` returns no Portion but nothing"),
    "rewriting": ("Rewriting", "its `plan` sets content, which no night may set"),
    "wordless": ("Wordless", "its `plan` gives a Change without reason"),
    "grasping": ("Grasping", "its `plan` moves the cursor 'supersede', which is not its own"),
    "dangling": ("Dangling", "FOREIGN KEY constraint failed"),
    "selfish": ("Selfish", "its `plan` sets merged_into of "),
    "textual": ("Textual", "its `plan` sets archived_at to str, which is no number"),
    "cancelled": ("Cancelled", "it tried to end the process (CancelledError)"),
    "hoarding": ("Hoarding", "its `plan` keeps a note that is no text"),
    "boasting": ("Boasting", "its `plan` tells of what it did elsewhere in another form than Outside"),
    "uncounted": ("Uncounted", "its `read` counts with something else than numbers"),
    "circling": ("Circling", "its `read` returns the same portion again and again"),
    "renamed": ("Renamed", "its `name` cannot be 'another'"),
    "incomplete": ("Incomplete", "it has no `cursor`"),
    "later": ("Later", "it speaks version 2 of the protocol, and this iai-daemon speaks 1"),
    "fails": ("fails_to_start", "it cannot be loaded (RuntimeError: no licence)"),
    "missing": ("NoSuchPass", "it cannot be loaded (AttributeError: "),
}


def test_whatever_a_pass_does_wrong_is_its_own_failure_in_words_and_the_others_run(
    home: Home, site: Site
) -> None:
    site.offer("stranger", **{name: OURS + what for name, (what, _) in MISBEHAVIOUR.items()})
    a_memory(home)
    choose(home, "expire", *MISBEHAVIOUR, "embed")
    report = work(home, alone=True).report
    assert report is not None
    assert report["outcome"] == "failed"
    became = {name: each["status"] for name, each in passes_of(report).items()}
    assert (became.pop("expire"), became.pop("embed")) == ("done", "done")
    for name, (_, said) in MISBEHAVIOUR.items():
        assert became[name].startswith("failed: "), name
        assert said in became[name], name
    assert call_json(home, "memory", "show", "3")["current"]
    for _ in range(2):
        work(home, alone=True)
    assert work(home, alone=True).report["outcome"] == "nothing_to_do"  # type: ignore[index]


def test_one_that_prints_reads_standard_input_or_names_unknown_records_does_no_harm(
    home: Home, site: Site
) -> None:
    site.offer("stranger", talking=f"{OURS}Talking", unknown=f"{OURS}Unknown")
    a_memory(home)
    choose(home, "talking", "unknown")
    report = work(home, alone=True).report
    assert report is not None
    assert report["outcome"] == "completed"
    assert {each["changed"] for each in report["passes"]} == {0}


def test_one_that_never_asks_is_ended_in_time_when_somebody_comes_back(home: Home, site: Site) -> None:
    site.offer("stranger", deaf=f"{OURS}Deaf")
    a_memory(home)
    choose(home, "deaf")
    watch = Stopwatch()

    def heard(night: Any, event: Any) -> None:
        if event["event"] == "pass":
            until((home.root / "begun").exists)
            nonlocal watch
            watch = Stopwatch()
            night.request_yield(BACK)

    worked = work(home, heard=heard, yield_within=1.0, alone=True)
    assert watch.seconds() < 1.0
    assert "did not give way in time and was killed in the pass deaf" in worked.said


def test_two_packages_that_offer_the_same_pass_are_named(home: Home, site: Site) -> None:
    site.offer("stranger", looking=f"{OURS}Looking")
    site.offer("neighbour", looking=f"{OURS}Looking")
    a_memory(home)
    choose(home, "looking")
    report = work(home, alone=True).report
    assert report is not None
    assert report["reason"] == ("the pass looking failed (several packages offer it: neighbour, stranger)")


def test_one_that_does_not_share_the_store_is_left_out_while_clients_are_open(home: Home, site: Site) -> None:
    site.offer("stranger", alone=f"{OURS}Alone")
    a_memory(home)
    choose(home, "alone")
    assert work(home, alone=False).report["outcome"] == "nothing_to_do"  # type: ignore[index]
    assert work(home, alone=True).report["outcome"] == "completed"  # type: ignore[index]


def test_who_names_no_plug_in_never_looks_for_one() -> None:
    program = """
import sys
from iai_daemon import daemon
from iai_daemon.config import parse
from pathlib import Path
parse('[consolidation]\\npasses = ["expire", "embed"]', Path("x"))
print("importlib.metadata" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "False\n", done.stderr


def test_the_example_package_installs_and_runs_in_a_real_night(home: Home, site: Site) -> None:
    pytest.importorskip("hatchling", reason="the example is built with hatchling, which is not installed")
    example = ROOT / "examples" / "temporary-notes"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    built = subprocess.run(
        [*pip, "--no-index", "--no-build-isolation", "--target", str(site.path), str(example)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    assert built.returncode == 0, built.stderr
    choose(home, "temporary-notes", "maintain")
    stamp = {"created_at": "2020-01-01T00:00:00Z"}
    lines = [
        {"content": "The old token works until the rollout.", "tags": ["temporary"], **stamp},
        {"content": "Deploys go out on Tuesdays.", **stamp},
    ]
    notes = "\n".join(map(json.dumps, lines))
    assert call(home, "memory", "import", "-", stdin=notes).returncode == 0
    report = call_json(home, "consolidate")
    assert (report["outcome"], report["expired_pruned"]) == ("completed", 1)
    shown = call(home, "nights", "show", str(report["id"])).stdout
    assert "was tagged to be kept for 14 days" in shown
    assert not list(example.glob("**/*.egg-info")), "nothing is left in the example's own directory"


def test_the_tests_of_the_example_pass() -> None:
    """As its reader would run them."""
    example = ROOT / "examples" / "temporary-notes"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(example / "tests")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(example / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
