"""What a night needs of a store, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iai_daemon.errors import NoSuchNight
from iai_daemon.memory.nights import Batch, Change, Vector, Wanted
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.stores import Stores

NOW = 1_795_262_400_000


def add(stores: Stores, content: str = "a note", **fields: object) -> Record:
    return stores.memory.add(Draft(content, **fields), NOW)  # type: ignore[arg-type]


def expiry(record: Record, revision: int = 1, rests_on: dict[int, int] | None = None) -> Change:
    return Change("0" * 16, "expired", record.id, revision, "…", {"expired_at": NOW}, rests_on or {})


def vector(record: int, model: str = "hash-256") -> Vector:
    return Vector(record, model, 2, b"\0" * 8)


def test_a_batch_changes_records_and_keeps_their_rows_before_and_after(opened: Stores) -> None:
    record = add(opened, "the token is abc")
    night = opened.nights.begin_night("night", "absent", NOW)
    applied = opened.nights.apply(
        night, 2, "expire", Batch([expiry(record)], cursor="expire", position=7), NOW
    )
    assert (applied.changed, applied.embedded, applied.moved_on) == (1, 0, 0)
    assert opened.nights.cursor("expire") == 7
    changed = opened.memory.get(record.id)
    assert (changed.expired_at, changed.revision, changed.change) == (NOW, 2, 1)
    (entry,) = opened.nights.journal(night=night)
    assert (entry.round, entry.pass_name, entry.effect, entry.at) == (2, "expire", "expired", NOW)
    assert entry.before is not None
    assert {name for name in entry.after if entry.after[name] != entry.before[name]} == {
        "expired_at",
        "revision",
    }
    assert opened.nights.effects(night) == {(2, "expired"): 1}
    assert opened.nights.last_entry(night) == entry


def test_a_change_whose_record_has_moved_on_is_left_out(opened: Stores) -> None:
    record = add(opened)
    opened.memory.forget(record.id, NOW)
    night = opened.nights.begin_night("night", "absent", NOW)
    applied = opened.nights.apply(night, 1, "expire", Batch([expiry(record)]), NOW)
    assert (applied.changed, applied.moved_on) == (0, 1)
    assert opened.memory.get(record.id).expired_at is None
    assert not opened.nights.journal(night=night)


def test_a_change_that_rests_on_a_record_that_has_moved_on_is_left_out(opened: Stores) -> None:
    """What would have replaced it was forgotten between planning and applying."""
    older, newer = add(opened), add(opened)
    opened.memory.forget(newer.id, NOW)
    night = opened.nights.begin_night("night", "absent", NOW)
    batch = Batch([expiry(older, rests_on={newer.id: newer.revision})])
    assert opened.nights.apply(night, 1, "supersede", batch, NOW).moved_on == 1
    assert opened.memory.get(older.id).current


def test_changes_of_one_batch_may_rest_on_one_another(opened: Stores) -> None:
    first, second, third = add(opened), add(opened), add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    batch = Batch([expiry(first, rests_on={second.id: 1}), expiry(second, rests_on={third.id: 1})])
    assert opened.nights.apply(night, 1, "supersede", batch, NOW).changed == 2


def test_a_batch_that_breaks_leaves_nothing_of_itself(opened: Stores) -> None:
    record = add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    unlawful = Change("0" * 16, "rewritten", record.id, 1, "…", {"content": 5}, {})
    with pytest.raises(ValueError, match="may not set content"):
        opened.nights.apply(
            night, 1, "expire", Batch([expiry(add(opened)), unlawful], cursor="expire", position=7), NOW
        )
    assert opened.nights.counts()["expired"] == 0
    assert opened.nights.cursor("expire") == 0


def test_vectors_are_stored_in_the_batch_and_counted(opened: Stores) -> None:
    first, second = add(opened), add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    batch = Batch(vectors=[vector(first.id), vector(second.id, "other"), vector(99)])
    assert opened.nights.apply(night, 1, "embed", batch, NOW).embedded == 2
    assert opened.nights.without_vector([first.id, second.id], "hash-256") == {second.id}
    assert opened.nights.counts("hash-256")["embedded"] == 1
    assert not opened.nights.journal(night=night)


@pytest.mark.parametrize(
    ("wanted", "work"),
    [
        (Wanted({"expire": None}), True),
        (Wanted({}), False),
        (Wanted({"supersede": "supersede"}), True),
    ],
)
def test_work_is_what_the_wanted_passes_would_find(opened: Stores, wanted: Wanted, work: bool) -> None:
    add(opened, expires_at=NOW / 1000)
    assert opened.nights.outlook(wanted, NOW).work is work


def test_a_cursor_at_the_last_write_leaves_no_work(opened: Stores) -> None:
    add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    opened.nights.apply(night, 1, "supersede", Batch(cursor="supersede", position=1), NOW)
    opened.nights.end_night(night, "completed", None, {}, NOW)
    assert not opened.nights.outlook(Wanted({"supersede": "supersede", "expire": None}), NOW).work
    assert opened.nights.outlook(Wanted({"supersede": "supersede", "embed": "embed:other"}), NOW).work
    add(opened)
    assert opened.nights.outlook(Wanted({"supersede": "supersede", "expire": None}), NOW).work


def test_a_night_without_an_end_is_work(opened: Stores) -> None:
    night = opened.nights.begin_night("night", "absent", NOW)
    assert opened.nights.outlook(Wanted({}), NOW).work
    opened.nights.end_night(night, "failed", "killed", {}, NOW)
    assert not opened.nights.outlook(Wanted({}), NOW).work


def test_a_record_is_due_to_expire_when_its_time_has_come_and_it_is_current(opened: Stores) -> None:
    due = add(opened, expires_at=NOW / 1000)
    add(opened, expires_at=NOW / 1000 + 0.001)
    forgotten = add(opened, expires_at=NOW / 1000)
    opened.memory.forget(forgotten.id, NOW)
    assert [each.id for each in opened.nights.due_to_expire(NOW, 10, taken_back=False)] == [due.id]
    assert opened.nights.count_due_to_expire(NOW) == 1


def test_records_of_one_key_come_oldest_first_and_only_current_ones(opened: Stores) -> None:
    key = {"subject": "api", "attribute": "port"}
    late = add(opened, **key)
    early = add(opened, created_at=NOW / 1000 - 60, **key)
    opened.memory.forget(add(opened, **key).id, NOW)
    add(opened, scope="/elsewhere", **key)
    wanted = [("api", "port", "global")]
    found = opened.nights.same_key(wanted, NOW, 10, pass_name="supersede", taken_back=False)  # noqa: S106
    assert [each.id for each in found] == [early.id, late.id]
    assert len(opened.nights.same_key(wanted, NOW, 1, pass_name="supersede", taken_back=False)) == 1  # noqa: S106


def test_nights_are_listed_oldest_first_and_the_newest_few(opened: Stores) -> None:
    for number in range(4):
        night = opened.nights.begin_night("nap" if number == 3 else "night", "absent", NOW + number)
        if number != 1:
            opened.nights.end_night(night, "completed", None, {"number": number}, NOW + 10)
    assert [each.id for each in opened.nights.nights()] == [1, 2, 3, 4]
    assert [each.id for each in opened.nights.nights(limit=2)] == [3, 4]
    assert [each.id for each in opened.nights.unfinished_nights()] == [2]
    assert opened.nights.night(3).report == {"number": 2}
    with pytest.raises(NoSuchNight):
        opened.nights.night(9)


def test_the_last_completed_night_is_found_by_kind_and_by_who_wanted_it(opened: Stores) -> None:
    for kind, rule, outcome in (
        ("night", "absent", "completed"),
        ("night", "asked", "completed"),
        ("nap", "idle", "completed"),
        ("night", "absent", "yielded"),
    ):
        night = opened.nights.begin_night(kind, rule, NOW)
        opened.nights.end_night(night, outcome, None, {}, NOW)

    def found(**wanted: object) -> int | None:
        row = opened.nights.last_completed(**wanted)  # type: ignore[arg-type]
        return row and row.id

    assert (found(), found(kind="night"), found(asked=False), found(asked=True)) == (3, 2, 3, 2)
    assert found(kind="nap", asked=True) is None


def test_the_first_start_is_remembered(open_again: Callable[[], Stores]) -> None:
    assert open_again().nights.first_started_at(NOW) == NOW
    assert open_again().nights.first_started_at(NOW + 1000) == NOW


def test_an_undo_is_a_users_write_and_keeps_the_revision(opened: Stores) -> None:
    first, second = add(opened), add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    opened.nights.apply(night, 1, "expire", Batch([expiry(first), expiry(second)]), NOW)
    undone = opened.nights.undo(night, NOW + 1, force=False)
    assert (undone.restored, undone.changed_since) == (2, [])
    assert [(each.revision, each.change) for each in opened.memory.export()] == [(1, 3), (1, 4)]
    assert opened.nights.night(night).undone_at == NOW + 1
    assert {each.undone_at for each in opened.nights.journal(night=night)} == {NOW + 1}
    assert [each.id for each in opened.nights.taken_back("expire", 10)] == [1, 2]


def test_an_undo_goes_back_to_before_the_first_of_several_changes(opened: Stores) -> None:
    record = add(opened)
    night = opened.nights.begin_night("night", "absent", NOW)
    opened.nights.apply(night, 1, "expire", Batch([expiry(record)]), NOW)
    opened.nights.apply(night, 2, "expire", Batch([expiry(record, revision=2)]), NOW)
    assert opened.nights.undo(night, NOW, force=False).restored == 1
    assert opened.memory.get(record.id).expired_at is None


def test_counts_tell_what_became_of_the_records(opened: Stores) -> None:
    kept, forgotten, expired = add(opened), add(opened), add(opened)
    opened.memory.forget(forgotten.id, NOW)
    night = opened.nights.begin_night("night", "absent", NOW)
    opened.nights.apply(night, 1, "expire", Batch([expiry(expired)], [vector(kept.id)]), NOW)
    assert opened.nights.counts("hash-256") == {
        "total": 3,
        "current": 1,
        "superseded": 0,
        "merged": 0,
        "expired": 1,
        "archived": 0,
        "forgotten": 1,
        "embedded": 1,
    }


def test_a_rehearsal_changes_a_copy(opened: Stores) -> None:
    record = add(opened)
    with opened.nights.rehearsal() as copy:
        night = copy.begin_night("night", "absent", NOW)
        assert copy.apply(night, 1, "expire", Batch([expiry(record)]), NOW).changed == 1
        assert copy.counts()["expired"] == 1
    assert opened.memory.get(record.id).current
    assert not opened.nights.nights()


def test_a_backup_stops_where_it_may_not_go_on(opened: Stores, tmp_path: Path) -> None:
    add(opened)
    assert not opened.nights.back_up(tmp_path / "copy", lambda: False)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert opened.nights.back_up(tmp_path / "copy", lambda: True)
