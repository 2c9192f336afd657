"""The whole story of a memory: who told it, what nights did and why, what it replaced and what replaced it, what waits."""

from __future__ import annotations

from typing import Any

from iai_daemon.cli.story import say_chapter
from iai_daemon.consolidation.journal import undo_night
from iai_daemon.consolidation.story import tell
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.busy import Fades
from tests.consolidation.evening import NOW, night, remember
from tests.consolidation.passes_for_tests import joining, summing_up
from tests.fakes import NOON


def story(stores: Stores, record: int) -> list[dict[str, Any]]:
    return tell(stores, stores.memory.get(record))


def whats(stores: Stores, record: int) -> list[str]:
    return [each["what"] for each in story(stores, record)]


def two_ports(stores: Stores) -> None:
    remember(stores, "the port is 1", subject="api", attribute="port", source="notes.md")
    remember(stores, "the port is 2", subject="api", attribute="port")
    night(stores)


def test_a_memory_tells_by_whom_it_was_told_and_what_has_its_place(stores: Stores) -> None:
    two_ports(stores)
    told, replaced = story(stores, 1)
    assert (told["what"], told["source"], told["night"]) == ("told", "notes.md", None)
    assert (replaced["what"], replaced["night"], replaced["pass"]) == ("replaced_by", 1, "supersede")
    assert replaced["reason"].startswith("replaced by 2, a newer fact")
    assert replaced["others"] == [{"id": 2, "content": "the port is 2"}]
    assert replaced["undone_at"] is None


def test_the_other_one_tells_whose_place_it_has(stores: Stores) -> None:
    two_ports(stores)
    _, replaces = story(stores, 2)
    assert (replaces["what"], replaces["night"], replaces["record"]) == ("replaces", 1, 1)
    assert replaces["others"] == [{"id": 1, "content": "the port is 1"}]


def test_what_was_taken_back_is_marked_on_both_sides(stores: Stores, home: Home) -> None:
    two_ports(stores)
    undo_night(stores.nights, home, 1, NOW + 1000)
    for record in (1, 2):
        last = story(stores, record)[-1]
        assert (last["night"], last["undone_at"]) == (1, "2026-11-21T12:00:01.000Z")
        assert "taken back at 2026-11-21T12:00:01.000Z" in say_chapter(last)


def test_what_was_joined_into_it_is_named(stores: Stores) -> None:
    for number in range(3):
        remember(stores, f"note {number}")
    night(stores, chosen=[joining(into=1)])
    assert whats(stores, 1) == ["told", "replaces", "replaces"]
    assert [each["others"][0]["content"] for each in story(stores, 1)[1:]] == ["note 1", "note 2"]
    assert [each["effect"] for each in story(stores, 2)[1:]] == ["merged"]


def test_what_a_night_has_added_was_told_by_nobody(stores: Stores) -> None:
    remember(stores, "a note")
    night(stores, chosen=[summing_up()])
    (added,) = story(stores, 2)
    assert (added["what"], added["added"], added["reason"]) == ("added", True, "sums up 1 notes")


def test_a_second_change_of_one_that_was_replaced_is_no_second_replacement(stores: Stores) -> None:
    """Its row still names the other; the journal says since when."""
    two_ports(stores)
    night(stores, chosen=[Fades(seed=2)])
    assert stores.memory.get(1).archived_at == NOW
    assert whats(stores, 1) == ["told", "replaced_by", "changed"]
    assert whats(stores, 2) == ["told", "replaces"]


def test_what_its_user_imported_anew_has_its_place_at_once_and_in_no_night(stores: Stores) -> None:
    for content in ("one", "uno"):
        stores.memory.import_many([Draft(content, external_id="a", created_at=NOON)], NOW)
    (_, replaced), (_, replaces) = story(stores, 1), story(stores, 2)
    assert (replaced["what"], replaced["night"], replaced["others"]) == (
        "replaced_by",
        None,
        [{"id": 2, "content": "uno"}],
    )
    assert (replaces["what"], replaces["others"]) == ("replaces", [{"id": 1, "content": "one"}])
    assert say_chapter(replaced).endswith(
        "replaced at once by what was imported later under the same id (2: uno)"
    )


def test_what_waits_for_it_comes_last_with_the_reason(stores: Stores) -> None:
    remember(stores, "the token is abc", expires_at=NOON - 60)
    stores.memory.forget(remember(stores, "a note").id, NOW)
    night(stores, review=True)
    told, waits = story(stores, 1)
    assert (told["what"], waits["what"], waits["why"], waits["night"]) == ("told", "waits", "review", 1)
    assert "expired is planned and waits for you: was to be kept until" in say_chapter(waits)
    assert whats(stores, 2) == ["told", "forgotten"]


def test_one_that_has_gone_since_is_named_by_its_number(stores: Stores, home: Home) -> None:
    remember(stores, "a note")
    night(stores, chosen=[summing_up()])
    night(stores, chosen=[joining(into=2)])
    undo_night(stores.nights, home, 1, NOW, force=True)
    last = story(stores, 1)[-1]
    assert (last["effect"], last["others"]) == ("merged", [{"id": 2, "content": None}])
    assert say_chapter(last).endswith("(2: gone since)")


def test_a_chapter_reads_like_a_line_of_a_diary(stores: Stores) -> None:
    two_ports(stores)
    told, replaced = map(say_chapter, story(stores, 1))
    assert told == "2026-11-21T11:50:00.000Z  told (source notes.md)"
    assert replaced == (
        "2026-11-21T12:00:00.000Z  night 1, supersede: superseded: replaced by 2, a newer fact about (api, port) "
        "in global (2: the port is 2)"
    )
    assert say_chapter(story(stores, 2)[1]) == (
        "2026-11-21T12:00:00.000Z  night 1, supersede: took the place of 1 (superseded) (1: the port is 1)"
    )
