"""What a night proposed under review, carried out because a person says so: as that night's own changes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iai_daemon.consolidation.journal import Accepted, accept_night, say_accepted, undo_night
from iai_daemon.errors import NightBusy, NightRefused, NoSuchNight
from iai_daemon.flock import FileLock, is_held
from iai_daemon.memory.nights import Applied, Batch, Why
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.sqlite.nights import SqliteNights
from iai_daemon.memory.sqlite.words import SqliteWords
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from iai_daemon.storage.sqlite import open_database
from iai_daemon.storage.sqlite_database import SqliteDatabase
from tests.consolidation.evening import ALL, NOW, a_day, export, night, remember
from tests.consolidation.passes_for_tests import joining, summing_up
from tests.fakes import NOON

LATER = NOW + 60_000


def accept(stores: Stores, home: Home, number: int = 1) -> Accepted:
    return accept_night(stores.nights, home, number, LATER)


def test_what_is_accepted_is_what_the_night_would_have_done_without_review(
    stores: Stores, home: Home, tmp_path: Path
) -> None:
    """Five hundred facts of one key among it: more than one transaction takes, each resting on the next."""
    elsewhere = Home(tmp_path / "elsewhere")
    elsewhere.create()
    with closing(open_stores(elsewhere)) as without_review:
        for each, review in ((stores, True), (without_review, False)):
            a_day(each, 60)
            for number in range(500):
                remember(each, f"the branch is {number}", subject="branch", attribute="name")
            report = night(each, review=review)
        done = export(without_review)
    accepted = accept(stores, home)
    assert (accepted.applied, list(accepted.left_out)) == (20 + 13 + 499, [])
    assert export(stores) == done
    assert not stores.nights.held()
    assert stores.nights.night(1).report == {
        **(stores.nights.night(1).report or {}),
        "expired_pruned": report.counters.expired_pruned,
        "superseded_gc": report.counters.superseded_gc,
        "proposed": 0,
    }


def test_whoever_stops_it_has_accepted_what_was_carried_out_until_then(stores: Stores, home: Home) -> None:
    """It is told how far it has come; the rest goes on waiting, and the same command goes on with it."""
    a_day(stores, 30)
    night(stores, review=True)
    heard: list[tuple[str, int, int | None]] = []

    def stop_at_the_second(what: str, done: int, total: int | None) -> None:
        heard.append((what, done, total))
        if done:
            raise KeyboardInterrupt

    home.last_night.write_text("what was so before")
    with pytest.raises(KeyboardInterrupt):
        accept_night(stores.nights, home, 1, LATER, stop_at_the_second)
    assert heard == [("accepting", 0, 13), ("accepting", 10, 13)]
    told = stores.nights.night(1).report or {}
    assert (told["expired_pruned"], told["superseded_gc"], told["proposed"]) == (10, 0, 3)
    assert "It proposes 3 changes" in home.last_night.read_text()
    assert not is_held(home.consolidation_lock)
    assert accept(stores, home).applied == 3


def test_the_stored_report_tells_what_its_night_has_done_by_now(stores: Stores, home: Home) -> None:
    a_day(stores, 30)
    night(stores, review=True)
    before = stores.nights.night(1)
    accept(stores, home)
    after = stores.nights.night(1)
    assert (before.report or {})["proposed"] == 13
    told = after.report or {}
    assert (told["expired_pruned"], told["superseded_gc"], told["proposed"]) == (10, 3, 0)
    assert told["nodes_embedded"] == 30
    assert [each["expired_pruned"] for each in told["rounds"]] == [10, 0]  # type: ignore[index, attr-defined]
    assert told["accepted_at"] == "2026-11-21T12:01:00.000Z"
    assert (after.ended_at, after.outcome, after.reason) == (before.ended_at, before.outcome, before.reason)


def test_every_change_belongs_to_its_night_its_round_and_its_pass(stores: Stores, home: Home) -> None:
    a_day(stores, 30)
    night(stores, review=True)
    accept(stores, home)
    made = {
        (entry.night, entry.round, entry.pass_name, entry.effect) for entry in stores.nights.journal(night=1)
    }
    assert made == {(1, 1, "expire", "expired"), (1, 1, "supersede", "superseded")}


def test_an_undo_takes_back_what_was_accepted_byte_for_byte(stores: Stores, home: Home) -> None:
    a_day(stores, 60)
    before = export(stores)
    night(stores, review=True, chosen=[summing_up(), *ALL])
    accept(stores, home)
    assert export(stores) != before
    undo_night(stores.nights, home, 1, LATER)
    assert export(stores) == before
    assert night(stores, review=True).outcome == "nothing_to_do"
    with pytest.raises(
        NightRefused, match=r"Nothing that night 1 proposed waits: it was undone at 2026-11-21T12:01"
    ):
        accept(stores, home)


def test_what_a_person_accepts_is_neither_counted_nor_checked(stores: Stores, home: Home) -> None:
    """Neither the loss budget nor the recall self-check knows better than who has looked at each change."""
    for number in range(251):
        remember(stores, f"note {number}")
    night(stores, review=True, chosen=[joining(into=1)], memory=stores.memory)
    assert accept(stores, home).applied == 250
    assert stores.memory.memories() == 1


def test_records_that_were_proposed_are_added(stores: Stores, home: Home) -> None:
    for number in range(5):
        remember(stores, f"note {number}")
    night(stores, review=True, chosen=[summing_up()])
    assert accept(stores, home).applied == 1
    (gist,) = [each for each in stores.memory.export() if each.kind == "gist"]
    assert gist.content == "a gist of 5 notes"


def test_who_accepts_what_he_once_took_back_has_changed_his_mind(stores: Stores, home: Home) -> None:
    note = remember(stores, "a note")
    night(stores, chosen=[summing_up()])
    undo_night(stores.nights, home, 1, LATER)
    stores.memory.forget(note.id, NOW)
    stores.memory.restore(note.id, NOW)
    night(stores, review=True, chosen=[summing_up()])
    assert accept(stores, home, 2).applied == 1


def test_what_has_moved_on_is_named_and_left_and_looked_at_again(stores: Stores, home: Home) -> None:
    tokens = [remember(stores, f"the token is {number}", expires_at=NOON - 60) for number in range(3)]
    night(stores, review=True)
    stores.memory.forget(tokens[1].id, NOW)
    stores.memory.restore(tokens[1].id, NOW)
    accepted = accept(stores, home)
    assert accepted.applied == 2
    assert [row.planned.record for row in accepted.left_out] == [tokens[1].id]  # type: ignore[union-attr]
    assert stores.memory.get(tokens[1].id).current
    assert not stores.nights.held()
    assert night(stores, review=True).counters.proposed == 1


def test_an_addition_whose_sources_have_moved_on_is_left_out(stores: Stores, home: Home) -> None:
    for number in range(5):
        remember(stores, f"note {number}")
    night(stores, review=True, chosen=[summing_up()])
    stores.memory.forget(3, NOW)
    accepted = accept(stores, home)
    assert (accepted.applied, len(accepted.left_out)) == (0, 1)
    assert "1 to be added no longer fit" in say_accepted(1, accepted)


def test_what_waits_for_another_reason_goes_on_waiting(stores: Stores, home: Home) -> None:
    for number in range(150):
        remember(stores, f"note {number}")
    night(stores, chosen=[joining(into=1)])
    assert {row.why for row in stores.nights.held(night=1)} == {Why.BUDGET}
    with pytest.raises(NightRefused, match="Nothing that night 1 proposed waits"):
        accept(stores, home)
    assert len(stores.nights.held(night=1)) == 49


def test_accepting_twice_is_refused_in_one_sentence(stores: Stores, home: Home) -> None:
    a_day(stores)
    night(stores, review=True)
    accept(stores, home)
    after = export(stores)
    with pytest.raises(NightRefused, match=r"^Nothing that night 1 proposed waits\.$"):
        accept(stores, home)
    assert export(stores) == after


def test_a_night_that_never_was_cannot_be_accepted(stores: Stores, home: Home) -> None:
    with pytest.raises(NoSuchNight):
        accept(stores, home, 7)


def test_nothing_is_accepted_while_a_night_runs_and_the_lock_is_free_afterwards(
    stores: Stores, home: Home
) -> None:
    a_day(stores)
    night(stores, review=True)
    running = FileLock(home.consolidation_lock)
    assert running.acquire("process 1, night (absent)\n")
    with pytest.raises(NightBusy):
        accept(stores, home)
    running.release()
    accept(stores, home)
    assert not is_held(home.consolidation_lock)


class Stumbling(SqliteNights):
    """Breaks at its third batch; knows how large each was."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sizes: list[int] = []

    def apply(self, night: int, round_number: int, pass_name: str, batch: Batch, *rest: Any) -> Applied:
        if len(self.sizes) == 2:
            self.sizes.append(0)
            raise KeyboardInterrupt
        self.sizes.append(len(batch.changes))
        return super().apply(night, round_number, pass_name, batch, *rest)


def test_an_acceptance_that_is_broken_off_goes_on_where_it_stopped(stores: Stores, home: Home) -> None:
    for number in range(450):
        remember(stores, f"the token is {number}", expires_at=NOON - 60)
    night(stores, review=True)
    with closing(open_database(home.memory)) as connection:
        database = SqliteDatabase(connection, home.memory)
        stumbling = Stumbling(database, SqliteWords(database))
        with pytest.raises(KeyboardInterrupt):
            accept(replace(stores, nights=stumbling), home)
        assert stumbling.sizes == [100, 100, 0]
        assert (stores.nights.night(1).report or {})["expired_pruned"] == 200
        assert len(stores.nights.held(night=1)) == 250
        assert not is_held(home.consolidation_lock)
        assert accept(replace(stores, nights=stumbling), home).applied == 250
        assert max(stumbling.sizes) == 100
    assert (stores.nights.night(1).report or {})["expired_pruned"] == 450


def test_proposals_of_a_night_whose_process_was_killed_can_be_accepted(stores: Stores, home: Home) -> None:
    a_day(stores, 30)
    night(stores, review=True)
    with closing(open_database(home.memory)) as connection:
        connection.execute("UPDATE nights SET ended_at = NULL, outcome = NULL, report = NULL")
    assert accept(stores, home).applied == 13
    assert stores.nights.night(1).ended_at is None


def test_an_acceptance_says_what_it_did(stores: Stores, home: Home) -> None:
    tokens = [remember(stores, f"the token is {number}", expires_at=NOON - 60) for number in range(3)]
    night(stores, review=True)
    stores.memory.forget(tokens[0].id, NOW)
    assert say_accepted(1, accept(stores, home)) == (
        "Night 1: 2 proposals were carried out; the memory 1 changed meanwhile and is left as now. "
        "`iai-daemon nights undo 1` takes it back."
    )
