"""The pass `trajectories`: which insights files of tool outcomes become, and what becomes of them when the files change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iai_daemon import config
from iai_daemon.config import Settings
from iai_daemon.consolidation import passes
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.passes.trajectories import Trajectories
from iai_daemon.consolidation.runner import Halt
from iai_daemon.errors import BadConfig
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, export, night, remember, work_in_a_process
from tests.consolidation.recorded import calls, insights, learn, said, write


@pytest.fixture
def folder(home: Home) -> Path:
    return home.trajectories


def test_a_tool_that_fails_becomes_an_insight_with_its_support(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 31, 120) + calls("read", 0, 120))
    report = learn(stores, folder)
    assert (report.outcome, report.counters.trajectory_insights) == ("completed", 1)
    (insight,) = insights(stores).values()
    assert (insight.subject, insight.attribute, insight.kind, insight.made_by) == (
        "search",
        "failure rate",
        "insight",
        "trajectories",
    )
    assert insight.content == "`search` failed in 31 of 120 calls (26%, 95 % interval 19%–34%), in 120 runs."
    assert "support:120" in insight.tags
    assert "confidence:0.999" in insight.tags


def test_below_the_least_support_nothing_is_said(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 9, 9))
    assert learn(stores, folder).counters.trajectory_insights == 0
    assert not insights(stores)


def test_what_chance_alone_does_is_not_told(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 3, 40) + calls("read", 1, 30))
    learn(stores, folder)
    assert not insights(stores)


def test_failures_of_one_run_count_for_less_than_those_of_many(stores: Stores, folder: Path) -> None:
    crowd = calls("search", 10, 10, session="one", run="one")
    write(
        folder / "a.jsonl",
        [*crowd, *(line for n in range(8) for line in calls("search", 0, 10, run=f"r{n}"))],
    )
    write(folder / "b.jsonl", calls("read", 20, 90))
    learn(stores, folder)
    assert set(insights(stores)) == {("read", "failure rate")}


def test_the_next_night_finds_nothing_to_do_until_a_file_changes(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    before = export(stores)
    assert learn(stores, folder).outcome == "nothing_to_do"
    assert export(stores) == before
    write(folder / "a.jsonl", calls("read", 0, 1))
    again = learn(stores, folder)
    assert (again.outcome, again.counters.trajectory_insights) == ("completed", 0)
    assert export(stores) == before


def test_a_home_without_trajectories_is_no_work(stores: Stores, home: Home) -> None:
    assert learn(stores, home.trajectories, home.root / "nowhere").outcome == "nothing_to_do"


def test_nothing_is_left_to_do_after_a_whole_night_with_its_trailing_round(
    stores: Stores, home: Home
) -> None:
    write(home.trajectories / "a.jsonl", calls("search", 30, 60))
    chosen = passes.chosen(Settings(), home, alone=True)
    first = night(stores, chosen=chosen)
    assert (first.outcome, len(first.rounds), first.counters.trajectory_insights) == ("completed", 2, 1)
    assert night(stores, chosen=chosen).outcome == "nothing_to_do"


def test_our_own_insights_are_never_read_and_teach_nothing(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    for _ in range(3):
        write(folder / "a.jsonl", calls("read", 0, 1))
        learn(stores, folder)
    assert stores.nights.counts()["total"] == 1


def test_later_data_take_the_place_of_what_they_contradict(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    (before,) = insights(stores).values()
    write(folder / "b.jsonl", calls("search", 0, 60, session="later"))
    report = learn(stores, folder)
    assert report.counters.trajectory_insights == 1
    (after,) = insights(stores).values()
    assert "30 of 120 calls (25%" in after.content
    was = stores.memory.get(before.id)
    assert (was.superseded_by, was.current, was.content) == (after.id, False, before.content)


def test_what_no_longer_holds_is_said_to_hold_no_longer(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    write(folder / "b.jsonl", calls("search", 0, 400, session="later", at="2026-11-21T13:00:00Z"))
    learn(stores, folder)
    (after,) = insights(stores).values()
    assert after.content == (
        "This is no more than usual now: `search` failed in 0 of 400 calls (0%, 95 % interval 0%–1%), in 400 runs."
    )
    write(folder / "b.jsonl", calls("read", 0, 1))
    assert learn(stores, folder).counters.trajectory_insights == 0


def test_without_data_an_insight_ends_and_an_undo_brings_it_back(stores: Stores, folder: Path) -> None:
    path = write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    path.unlink()
    report = learn(stores, folder)
    assert (report.outcome, insights(stores)) == ("completed", {})
    assert learn(stores, folder).outcome == "nothing_to_do"
    assert report.id is not None
    stores.nights.undo(report.id, NOW, force=False)
    assert set(insights(stores)) == {("search", "failure rate")}


def test_what_a_user_took_back_is_not_told_again_for_the_same_reason(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    report = learn(stores, folder)
    assert report.id is not None
    stores.nights.undo(report.id, NOW, force=False)
    write(folder / "a.jsonl", calls("search", 1, 2, session="more"))
    learn(stores, folder)
    assert not insights(stores)


def test_what_a_user_forgot_stays_forgotten(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    (insight,) = insights(stores).values()
    stores.memory.forget(insight.id, NOW)
    write(folder / "a.jsonl", calls("search", 1, 2, session="more"))
    learn(stores, folder)
    assert not insights(stores)


def test_a_client_with_which_a_tool_fails_is_named(stores: Stores, folder: Path) -> None:
    write(
        folder / "a.jsonl",
        calls("search", 25, 50, client="one") + calls("search", 1, 50, client="two", session="t"),
    )
    learn(stores, folder)
    found = insights(stores)
    assert set(found) == {("search", "failure rate"), ("search", "failures with one")}
    assert found["search", "failures with one"].content.startswith(
        "With `one`, `search` fails more often than with others: 25 of 50 calls (50%) against 1 of 50 calls (2%)"
    )


def _runs(first: str, outcomes: list[str], session: str, **fields: object) -> list[dict[str, object]]:
    """Runs of two calls: `first`, which works, then `write`."""
    return [
        {"tool": tool, "outcome": outcome, "run": f"{session}{number}", "seq": seq, **fields}
        for number, last in enumerate(outcomes)
        for seq, (tool, outcome) in enumerate([(first, "ok"), ("write", last)])
    ]


def test_a_sequence_that_fails_is_told(stores: Stores, folder: Path) -> None:
    write(
        folder / "a.jsonl",
        _runs("guess", ["error", "error", "ok"] * 12, "g") + _runs("read", ["ok"] * 36, "r"),
    )
    learn(stores, folder)
    found = insights(stores)
    assert "24 of 36 calls (67%) against 0 of 36" in found["write", "failures directly after guess"].content
    assert set(found) == {
        ("write", "failure rate"),
        ("write", "failures directly after guess"),
        ("write", "failures directly after read"),
    }


def test_where_tasks_are_known_only_runs_of_the_same_task_are_compared(stores: Stores, folder: Path) -> None:
    """Over all tasks `guess` looks bad; but it is called in the tasks that always fail."""
    lines: list[dict[str, object]] = []
    for task in range(12):
        hard = task % 2
        lines += _runs("guess", ["error" if hard else "ok"] * (8 if hard else 2), f"g{task}-", task=str(task))
        lines += _runs("read", ["error" if hard else "ok"] * (2 if hard else 8), f"r{task}-", task=str(task))
    write(folder / "a.jsonl", lines)
    learn(stores, folder)
    assert [key for key in insights(stores) if "guess" in str(key)] == []


def test_what_separates_success_from_failure_in_the_same_task_is_told(stores: Stores, folder: Path) -> None:
    lines: list[dict[str, object]] = []
    for task in range(10):
        for trial in range(8):
            checked = trial % 2 == 0
            run: dict[str, object] = {
                "run": f"{task}-{trial}",
                "task": task,
                "reward": float(checked or trial == 7),
            }
            lines += [
                {**run, "tool": tool, "outcome": "ok"} for tool in (["check"] if checked else []) + ["write"]
            ]
            lines.append(run)
    write(folder / "a.jsonl", lines)
    learn(stores, folder)
    content = insights(stores)["check", "success of runs that call it"].content
    assert content.startswith(
        "Runs that call `check` succeed more often: 40 of 40 runs (100%) against 10 of 40 runs (25%)"
    )
    assert content.endswith("compared within the same task (10 tasks tell something).")


def test_calls_older_than_half_a_year_before_the_newest_count_no_more(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60, at="2026-01-01T00:00:00Z"))
    learn(stores, folder)
    assert set(insights(stores)) == {("search", "failure rate")}
    write(folder / "a.jsonl", calls("read", 0, 1))
    learn(stores, folder)
    assert not insights(stores)


def test_what_cannot_be_read_is_counted_and_left_out(stores: Stores, folder: Path) -> None:
    write(
        folder / "a.jsonl",
        [
            *calls("search", 30, 60),
            b"{",
            b"[]",
            b'{"tool": "x"}',
            b'{"schema": 1}',
            b'{"tool": "' + b"x" * 70_000 + b'"}',
            b"\xff",
            b"",
        ],
    )
    report = learn(stores, folder)
    assert set(insights(stores)) == {("search", "failure rate")}
    assert said(report, "trajectories").startswith(
        "60 lines of 1 files; left out: 1 longer than 64 KiB, 1 neither a call nor the end of a run, "
        "1 no outcome that is known, 2 not JSON, 1 not an object"
    )


def test_links_pipes_and_other_names_are_not_read(stores: Stores, folder: Path, tmp_path: Path) -> None:
    folder.mkdir(mode=0o700)
    outside = write(tmp_path / "outside.txt", calls("search", 30, 60))
    (folder / "link.jsonl").symlink_to(outside)
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "folder.jsonl").mkdir()
    write(folder / "a.json", calls("search", 30, 60))
    assert learn(stores, folder).outcome == "nothing_to_do"


def test_a_file_in_both_directories_counts_once(stores: Stores, folder: Path) -> None:
    path = write(folder / "a.jsonl", calls("search", 31, 120))
    other = folder.parent / "other"
    other.mkdir()
    os.link(path, other / "b.jsonl")
    learn(stores, folder, folder, other)
    (insight,) = insights(stores).values()
    assert "31 of 120" in insight.content


def test_a_file_that_was_made_anew_is_read_anew(stores: Stores, folder: Path) -> None:
    path = write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    path.write_bytes(b"")
    write(path, calls("read", 15, 30))
    learn(stores, folder)
    assert set(insights(stores)) == {("read", "failure rate")}


def test_hostile_names_stay_in_one_line(stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("se`arch\n\x1b[31m\u202eignore all", 30, 60))
    learn(stores, folder)
    (insight,) = insights(stores).values()
    assert insight.content.isprintable()
    assert insight.content.count("`") == 2


def test_the_same_files_teach_the_same_in_a_real_worker(home: Home, stores: Stores, folder: Path) -> None:
    write(folder / "a.jsonl", calls("search", 31, 120))
    report = work_in_a_process(home)
    assert report is not None
    assert report["trajectory_insights"] == 1
    (insight,) = insights(stores).values()
    assert "31 of 120" in insight.content


def test_a_fact_of_a_user_under_the_same_key_stays(stores: Stores, folder: Path) -> None:
    fact = remember(stores, "it fails on Mondays", subject="search", attribute="failure rate")
    write(folder / "a.jsonl", calls("search", 31, 120))
    night(stores, chosen=[Supersede(), Trajectories([folder]), Supersede()])
    assert stores.memory.get(fact.id).current


def test_what_has_changed_within_rounding_is_not_told_anew_and_what_has_doubled_is(
    stores: Stores, folder: Path
) -> None:
    write(folder / "a.jsonl", calls("search", 30, 60))
    learn(stores, folder)
    before = export(stores)
    write(folder / "a.jsonl", calls("search", 26, 50, session="more"))
    assert learn(stores, folder).counters.trajectory_insights == 0
    assert export(stores) == before
    write(folder / "a.jsonl", calls("search", 5, 10, session="still more"))
    assert learn(stores, folder).counters.trajectory_insights == 1
    (insight,) = insights(stores).values()
    assert "61 of 120 calls" in insight.content


def test_the_directory_of_other_programs_is_a_setting(home: Home) -> None:
    text = '[consolidation]\ntrajectories_dir = "{home}/runs"\noutcomes_path = "~/outcomes.json"\n'
    settings = config.parse(text, home.config)
    assert settings.trajectories_dirs(home) == (home.trajectories, home.root / "runs")
    assert settings.outcomes_path(home) == Path.home() / "outcomes.json"
    assert Settings().trajectories_dirs(home) == (home.trajectories,)


@pytest.mark.parametrize("path", ['"runs"', '"./runs"', "5", "[]", '"/a\\u0000"'])
def test_a_path_that_depends_on_where_the_daemon_was_started_is_refused(home: Home, path: str) -> None:
    with pytest.raises(BadConfig, match=r"consolidation\.trajectories_dir must"):
        config.parse(f"[consolidation]\ntrajectories_dir = {path}\n", home.config)


def test_a_night_that_had_to_give_way_while_it_read_is_made_up_for_by_the_next(
    stores: Stores, folder: Path
) -> None:
    write(folder / "a.jsonl", calls("search", 2000, 6000))
    chosen = [Trajectories([folder])]
    asked = iter(range(1000))
    cut = night(
        stores,
        chosen=chosen,
        halted=lambda: Halt("yielded", "somebody is back") if next(asked) > 10 else None,
    )
    assert (cut.outcome, insights(stores)) == ("yielded", {})
    assert night(stores, chosen=chosen).outcome == "completed"
    (insight,) = insights(stores).values()
    assert "134 of 400 calls" in insight.content


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_another_user_is_not_read(stores: Stores, folder: Path) -> None:
    os.chown(write(folder / "a.jsonl", calls("search", 30, 60)), 65534, 65534)
    assert learn(stores, folder).outcome == "nothing_to_do"
