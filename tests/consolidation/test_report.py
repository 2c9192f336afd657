"""The report's names, which other programs read, and the note that people read."""

from __future__ import annotations

from iai_daemon.consolidation.report import Counters, Report, counters, morning_note, of_row
from iai_daemon.memory.nights import NightRow, Outlook
from iai_daemon.memory.opening import Stores
from tests.consolidation.evening import NOW, a_day, night

COUNTERS = {
    "expired_pruned",
    "superseded_gc",
    "nodes_embedded",
    "trajectory_insights",
    "model_insights",
    "duplicates_merged",
    "links_added",
    "gists_written",
    "archived",
    "held_back",
    "proposed",
}
STATE = {"total_nodes", "embedding_coverage"}


def report(**fields: object) -> Report:
    usual = {
        "id": 7,
        "kind": "night",
        "rule": "absent",
        "started_at": NOW,
        "ended_at": NOW + 1500,
        "outcome": "completed",
        "reason": None,
        "rounds": (),
        "counters": Counters(expired_pruned=2, nodes_embedded=5),
        "after": Outlook(work=False, total=10, embedded=5),
    }
    return Report(**{**usual, **fields})  # type: ignore[arg-type]


def test_the_report_has_the_names_that_were_promised() -> None:
    shown = report().as_json()
    assert shown.keys() == COUNTERS | STATE | {
        *("id", "kind", "rule", "started_at", "ended_at", "outcome", "reason", "rounds"),
        *("stopped", "resumes", "yield_ms", "cpu_seconds", "peak_rss_bytes", "passes"),
    }
    assert (shown["started_at"], shown["ended_at"]) == (
        "2026-11-21T12:00:00.000Z",
        "2026-11-21T12:00:01.500Z",
    )
    assert (shown["total_nodes"], shown["embedding_coverage"]) == (10, 0.5)


def test_an_empty_store_is_wholly_covered() -> None:
    empty = Outlook(work=False, total=0, embedded=0)
    assert report(after=empty).as_json()["embedding_coverage"] == 1.0


def test_counters_are_what_the_store_holds_of_a_night(stores: Stores) -> None:
    a_day(stores, 30)
    said = night(stores)
    assert said.id is not None
    assert counters(stores.nights, said.id) == said.counters == Counters(10, 3, 30)
    assert counters(stores.nights, said.id, 2) == Counters()


def test_model_profiles_alone_are_no_meaningful_work() -> None:
    assert not Counters(model_insights=3, held_back=1).meaningful
    assert Counters(trajectory_insights=1).meaningful


def test_the_morning_note_says_what_was_done_and_how_to_take_it_back() -> None:
    assert morning_note(report().as_json()).splitlines() == [
        "The night 7 of 2026-11-21T12:00:00.000Z: completed.",
        "Of 10 memories: 2 past their time, 5 given a vector.",
        "`iai-daemon nights undo 7` takes it back.",
    ]


def test_the_morning_note_of_a_night_that_yielded_gives_the_reason() -> None:
    cut = report(outcome="yielded", reason="WAKE: a call from claude", counters=Counters())
    assert morning_note(cut.as_json()).splitlines() == [
        "The night 7 of 2026-11-21T12:00:00.000Z: yielded (WAKE: a call from claude).",
        "Of 10 memories: nothing had to be changed.",
    ]


def test_a_night_without_an_end_is_shown_without_one() -> None:
    shown = of_row(NightRow(3, "nap", "idle", NOW, None, None, None, None, None))
    assert (shown["id"], shown["kind"], shown["ended_at"], shown["outcome"]) == (3, "nap", None, None)
    assert shown.keys() == {*report().as_json(), "undone_at"}


def test_the_morning_note_says_what_waits_for_whom() -> None:
    said = report(counters=Counters(held_back=1, proposed=12)).as_json()
    _, changed, proposed, held_back = morning_note(said).splitlines()
    assert changed == "Of 10 memories: nothing was changed."
    assert proposed.startswith("It proposes 12 changes: `iai-daemon nights show 7 --diff` shows them, ")
    assert proposed.endswith("`iai-daemon nights accept 7` carries them out.")
    assert held_back == "1 change held back: `iai-daemon nights show 7` says why."


def test_the_note_tells_of_links_and_gists_and_how_to_take_them_back() -> None:
    note = morning_note(report(counters=Counters(links_added=1, gists_written=2)).as_json())
    assert "Beside them: 1 link and 2 gists of what belongs together." in note
    assert "`iai-daemon nights undo 7` takes it back." in note
    assert "1 archived" in morning_note(report(counters=Counters(archived=1)).as_json())
