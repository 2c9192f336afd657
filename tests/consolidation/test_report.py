"""The report's names, which other programs read, and the note that people read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.consolidation import effects
from iai_daemon.consolidation.journal import accept_night, undo_night
from iai_daemon.consolidation.note import Morning, look, morning_note, summary
from iai_daemon.consolidation.notes import renew_note
from iai_daemon.consolidation.report import Counters, PassReport, Report, Resumed, counters, of_row
from iai_daemon.foreign import one_line
from iai_daemon.memory.nights import NightRow, Outlook
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, a_day, a_night, night, remember, work_in_a_process
from tests.fakes import FakeClock
from tests.journeys.real import call

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
HOUR = 3_600_000


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


def note(said: Report, **fields: Any) -> list[str]:
    waits = {"proposed": said.counters.proposed, "held_back": said.counters.held_back}
    return morning_note(Morning(said.as_json(), **{**waits, **fields}), UTC).splitlines()


def note_of(stores: Stores) -> list[str]:
    morning = look(stores.nights)
    assert morning is not None
    return morning_note(morning, UTC).splitlines()


def facts(stores: Stores, *contents: str) -> None:
    for number, content in enumerate(contents):
        remember(stores, content, FakeClock().wall - 600 + number, subject="staging", attribute="port")


def test_the_report_has_the_names_that_were_promised() -> None:
    shown = report().as_json()
    assert shown.keys() == COUNTERS | STATE | {
        *("id", "kind", "rule", "started_at", "ended_at", "outcome", "reason", "rounds"),
        *("stopped", "resumes", "yield_ms", "cpu_seconds", "peak_rss_bytes", "passes", "self_check"),
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


def test_a_night_without_an_end_is_shown_without_one() -> None:
    shown = of_row(NightRow(3, "nap", "idle", NOW, None, None, None, None, None))
    assert (shown["id"], shown["kind"], shown["ended_at"], shown["outcome"]) == (3, "nap", None, None)
    assert shown.keys() == {*report().as_json(), "undone_at"}


# The note's words.


def test_the_morning_note_says_when_what_was_done_and_how_to_take_it_back() -> None:
    assert note(report()) == [
        "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, completed.",
        "Of 10 memories: 2 past their time, 5 given a vector.",
        "`iai-daemon nights undo 7` takes it back.",
    ]


def test_the_times_of_the_note_are_local_ones_over_midnight_too() -> None:
    long = report(started_at=NOW + 10 * HOUR, ended_at=NOW + 11 * HOUR + 60_000)
    head = morning_note(Morning(long.as_json()), ZoneInfo("Europe/Oslo")).splitlines()[0]
    assert head == "Last night, Sat 21 Nov 2026, 23:00–00:01 CET: night 7, completed."


def test_the_morning_note_of_a_night_that_yielded_gives_the_reason_and_says_that_it_goes_on() -> None:
    cut = report(outcome="yielded", reason="WAKE: a call from claude", counters=Counters())
    assert note(cut) == [
        "Last night, Sat 21 Nov 2026, 12:00 UTC: night 7, yielded (WAKE: a call from claude).",
        "Of 10 memories: nothing had to be changed.",
        "It gave way, and goes on by itself when nobody is at work.",
    ]
    later = report(id=8, kind="nap", resumes=Resumed(7, "embed")).as_json()
    assert not any("goes on" in line for line in note(cut, since=[later]))


def test_the_morning_note_says_what_waits_for_whom() -> None:
    _, changed, proposed, accept, held_back = note(report(counters=Counters(held_back=1, proposed=12)))
    assert changed == "Of 10 memories: nothing was changed."
    assert proposed == "It proposes 12 changes: `iai-daemon nights show 7 --diff` shows them,"
    assert accept == "`iai-daemon nights accept 7` carries them out."
    assert held_back == "1 change held back: `iai-daemon nights show 7` says why."


def test_what_a_night_did_is_told_in_the_same_words_everywhere() -> None:
    """The most important first, without what it did not do, and without what an older version did not count."""
    report = {
        "nodes_embedded": 1200,
        "gists_written": 1,
        "links_added": 2,
        "expired_pruned": 3,
        "archived": 0,
    }
    assert effects.counted(report) == ["3 past their time", "2 links", "1 gist", "1,200 given a vector"]
    assert effects.counted(report, effects.BESIDE) == ["2 links", "1 gist"]
    assert effects.counted({}) == []
    assert set(effects.COUNTERS) | {"held_back", "proposed"} == {each.name for each in fields(Counters)}
    assert set(effects.COUNTERS) - set(effects.UNDOABLE) == {"nodes_embedded"}


def test_the_note_tells_of_links_and_gists_and_how_to_take_them_back() -> None:
    told = note(report(counters=Counters(links_added=1, gists_written=2)))
    assert "Beside them: 1 link and 2 gists of what belongs together." in told
    assert "`iai-daemon nights undo 7` takes it back." in told
    assert "1 archived" in note(report(counters=Counters(archived=1)))[1]


def test_the_note_says_which_pass_broke_of_what_and_what_mends_it() -> None:
    broken = (
        PassReport("expire", 1, status="done"),
        PassReport("embed", 1, status="failed: the server does not answer."),
        PassReport("command:tidy", 1, status="failed: it ended with status 3"),
    )
    *_, wrong, remedy, back = note(report(passes=broken))
    assert wrong == "Went wrong (and 1 other): embed, the server does not answer."
    assert remedy == "The next night tries again; `iai-daemon doctor` says what is wrong."
    assert back.endswith("takes it back.")
    assert "`iai-daemon nights retry embed` lets it run again" in "\n".join(
        note(report(passes=broken), hindered={"embed": True})
    )
    failed = note(report(outcome="failed", reason="no copy could be made", counters=Counters()))
    assert failed[0].endswith("night 7, failed (no copy could be made).")
    assert failed[-1] == "The next night tries again; `iai-daemon doctor` says what is wrong."


def test_the_note_is_never_longer_than_twelve_lines_whatever_there_is_to_tell() -> None:
    everything = report(
        outcome="yielded",
        reason="r" * 5000,
        counters=Counters(*range(1, 12)),
        passes=[PassReport(f"p{number}" * 500, 1, status="failed: " + "x" * 5000) for number in range(50)],
    )
    since = [report(id=number, kind="nap").as_json() for number in range(8, 90)]
    since += [report(id=90, counters=Counters()).as_json()]
    told = note(everything, examples=["a", "b"], since=since)
    assert len(told) == 12
    assert sum(map(len, told)) < 1500


def test_the_summary_quotes_nobody() -> None:
    said = summary(Morning(report().as_json(), examples=['"the password is here"'], proposed=2))
    assert said == "2 past their time, 5 given a vector, 2 changes proposed."
    assert summary(Morning(report(counters=Counters()).as_json())) == "nothing was changed."


@given(st.text(), st.integers(2, 60))
def test_what_others_wrote_stays_on_one_line_within_its_bounds_and_steers_nothing(
    text: str, most: int
) -> None:
    line = one_line(text, most, " ")
    assert len(line) <= most
    assert all(each.isprintable() for each in line)
    assert one_line("\x1b[2J\n", most, " ") == ("[2J" if most > 2 else "[…")
    assert one_line(" \n\x00", most, " ") == ""


# What it tells of.


def test_the_note_gives_examples_in_words(stores: Stores) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    remember(stores, "The token is old.", expires_at=FakeClock().wall - 60)
    night(stores)
    _, done, *examples, _ = note_of(stores)
    assert "1 past their time, 1 replaced by newer facts" in done
    assert examples == [
        '  "Staging is on 8081." gave way to "Staging is on 9000."',
        '  "The token is old." was past its time',
    ]


def test_of_two_that_begin_alike_the_words_are_told_in_which_they_differ(stores: Stores) -> None:
    facts(stores, "The staging API answers on port 8081.", "The staging API answers on port 9000.")
    night(stores)
    assert '  "… on port 8081." gave way to "… on port 9000."' in note_of(stores)


def test_what_replaced_it_is_named_only_while_it_holds(stores: Stores) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    night(stores)
    stores.memory.forget(2, NOW)
    assert '  "Staging is on 8081." was replaced' in note_of(stores)


def test_the_examples_are_of_different_kinds_and_those_come_first_that_say_what_holds_now(
    stores: Stores,
) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.", "Staging is on 9001.")
    night(stores)
    assert note_of(stores)[2:4] == [
        '  "Staging is on 9000." gave way to "Staging is on 9001."',
        '  "Staging is on 8081." was replaced',
    ]
    remember(stores, "The token is old.", expires_at=FakeClock().wall - 60)
    remember(stores, "Staging is on 9002.", FakeClock().wall - 60, subject="staging", attribute="port")
    night(stores)
    assert note_of(stores)[2:4] == [
        '  "Staging is on 9001." gave way to "Staging is on 9002."',
        '  "The token is old." was past its time',
    ]


def test_a_nap_after_a_night_does_not_hide_it(stores: Stores) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    night(stores)
    for number in range(2):
        a_night(stores, NOW + (number + 1) * HOUR, kind="nap", rule="idle")
    told = note_of(stores)
    assert "night 1, completed." in told[0]
    assert "Since then 2 naps, the last at 14:00: nothing was changed." in told


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("completed", "found nothing to change."),
        ("yielded", "gave way before it changed anything."),
        ("cancelled", "was cancelled before it changed anything."),
    ],
)
def test_a_night_that_changed_nothing_leaves_the_note_of_the_one_before(
    stores: Stores, outcome: str, words: str
) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    night(stores)
    a_night(stores, NOW + HOUR, outcome=outcome)
    told = note_of(stores)
    assert "night 1, completed." in told[0]
    assert f"Since then the night at 13:00 {words}" in told


def test_a_night_that_failed_is_told_though_it_changed_nothing(stores: Stores) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    night(stores)
    a_night(stores, NOW + HOUR, outcome="failed")
    assert "night 2, failed" in note_of(stores)[0]


def test_there_is_no_note_without_a_night_and_a_nap_is_told_where_there_is_nothing_else(
    stores: Stores,
) -> None:
    assert look(stores.nights) is None
    a_night(stores, NOW, kind="nap", rule="idle")
    assert note_of(stores)[0].startswith("The last nap, Sat 21 Nov 2026, 12:00 UTC: nap 1, completed.")


def test_a_night_before_more_than_a_hundred_naps_is_no_longer_looked_for(stores: Stores) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    night(stores)
    for number in range(150):
        a_night(stores, NOW + number, kind="nap", rule="idle")
    assert note_of(stores)[0].startswith("The last nap")


# The file.


def test_the_file_is_private_and_told_by_the_worker(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    events: list[Any] = []
    work_in_a_process(home, events.append)
    (told,) = [each for each in events if each["event"] == "note"]
    assert home.last_night.read_text() == told["text"]
    assert "8081" in told["text"]
    assert "8081" not in told["summary"]
    assert stat.S_IMODE(home.last_night.stat().st_mode) == 0o600


def test_a_note_that_cannot_be_written_does_not_fail_the_night(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    home.last_night.mkdir()
    (home.last_night / "in the way").touch()
    events: list[Any] = []
    done = work_in_a_process(home, events.append)
    assert done is not None
    assert done["outcome"] == "completed"
    (warning,) = [each["message"] for each in events if each["event"] == "warning"]
    assert warning.startswith(f"{home.last_night} cannot be written (")
    assert any(each["event"] == "note" for each in events)


def test_after_an_undo_the_note_claims_nothing_that_is_not_so(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    assert work_in_a_process(home) is not None
    undo_night(stores.nights, home, 1, NOW)
    head, undone = home.last_night.read_text().splitlines()
    assert "night 1, completed." in head
    assert undone.startswith("It was taken back at ")


def test_after_an_acceptance_nothing_waits(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    home.config.write_text("[consolidation]\nreview = true\n")
    assert work_in_a_process(home) is not None
    assert "It proposes 1 change:" in home.last_night.read_text()
    accept_night(stores.nights, home, 1, NOW)
    told = home.last_night.read_text()
    assert "proposes" not in told
    assert "1 replaced by newer facts" in told
    assert "takes it back" in told


def test_what_is_erased_goes_from_the_note_too(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    assert work_in_a_process(home) is not None
    assert "8081" in home.last_night.read_text()
    assert call(home, "memory", "purge", "1", "--yes").returncode == 0
    told = home.last_night.read_text()
    assert "8081" not in told
    assert "1 replaced by newer facts" in told


def test_an_undo_as_it_is_typed_writes_the_note_anew(stores: Stores, home: Home) -> None:
    facts(stores, "Staging is on 8081.", "Staging is on 9000.")
    assert work_in_a_process(home) is not None
    assert call(home, "nights", "undo", "1", "--yes").returncode == 0
    assert "It was taken back at " in home.last_night.read_text()


def test_a_note_that_cannot_be_made_true_is_taken_away(stores: Stores, home: Home) -> None:
    a_night(stores, NOW)
    home.last_night.write_text("what is no longer so\n")
    blocker = home.root / f".{home.last_night.name}.{os.getpid()}.tmp"
    blocker.mkdir()
    renew_note(home, stores.nights)
    assert not home.last_night.exists()
    blocker.rmdir()
    renew_note(home, stores.nights)
    assert not home.last_night.exists(), "where there was none none is made"


def _passes(*status: str) -> Sequence[PassReport]:
    return [PassReport(f"pass-{number}", 1, status=each) for number, each in enumerate(status)]


def test_a_pass_that_broke_makes_a_night_worth_telling(stores: Stores) -> None:
    number = a_night(stores, NOW)
    said = replace(report(id=number, counters=Counters()), passes=_passes("done", "failed: of something"))
    stores.nights.end_night(number, "completed", None, said.as_json(), NOW + 1000)
    a_night(stores, NOW + HOUR)
    assert "Went wrong: pass-1, of something." in note_of(stores)
