"""What a memory knows at once of what contradicts what, and how search goes by it, on every engine."""

from __future__ import annotations

from iai_daemon.memory.nights import Batch, Change
from iai_daemon.memory.record import Draft, Record
from iai_daemon.memory.store import Contradiction, Query
from iai_daemon.memory.stores import Stores

NOW = 1_800_000_000_000
HOUR = 3_600_000
OLD, NEW = "The bot lints with jshint on every push.", "We dropped jshint; the bot runs oxlint now."
NEWEST = "oxlint was replaced by biome in the bot."


def add(opened: Stores, content: str, at: int = NOW, **fields: object) -> Record:
    return opened.memory.add(Draft(content, **fields), at)  # type: ignore[arg-type]


def found(opened: Stores, text: str, now: int = NOW + HOUR, **asked: object) -> list[str]:
    hits = opened.memory.search(Query(text, **asked), now)  # type: ignore[arg-type]
    return [hit.record.content for hit in hits]


def apply(opened: Stores, *changes: Change, contradictions: tuple[Contradiction, ...] = ()) -> int:
    """A night that makes these changes, and finds this."""
    night = opened.nights.begin_night("night", "absent", NOW)
    opened.nights.apply(night, 1, "supersede", Batch(changes, contradictions=contradictions), NOW)
    opened.nights.end_night(night, "completed", None, {}, NOW)
    return night


def superseding(older: Record, newer: Record) -> Change:
    sets = {"superseded_by": newer.id, "valid_to": newer.valid_from}
    return Change(f"{older.id:016}", "superseded", older.id, older.revision, "…", sets, {})


def test_what_is_told_names_what_it_seems_to_correct_and_why(opened: Stores) -> None:
    older = add(opened, OLD)
    newer = add(opened, NEW, NOW + 1)
    (correction,) = opened.memory.corrected_by(newer.id)
    assert correction.record == opened.memory.get(older.id)
    assert correction.evidence == f"says “We dropped jshint” of what was “{OLD[:-1]}”"
    assert opened.memory.corrected_by(older.id) == []


def test_nothing_is_over_before_a_night_has_looked_at_it(opened: Stores) -> None:
    older = add(opened, OLD)
    add(opened, NEW, NOW + 1)
    assert opened.memory.get(older.id).current


def test_a_fact_of_the_same_key_is_named_as_corrected_too(opened: Stores) -> None:
    older = add(opened, "Port 80.", subject="api", attribute="port")
    newer = add(opened, "Port 9000.", NOW + 1, subject="api", attribute="port")
    (correction,) = opened.memory.corrected_by(newer.id)
    assert (correction.record.id, correction.evidence) == (
        older.id,
        "it is newer, about the same subject and attribute",
    )


def test_what_corrects_comes_before_it_at_once_also_where_its_own_words_do_not_match(opened: Stores) -> None:
    add(opened, OLD)
    add(opened, NEW, NOW + 1)
    assert found(opened, "what lints every push") == [NEW, OLD]
    add(opened, NEWEST, NOW + 2)
    assert found(opened, "what lints every push") == [NEWEST, NEW, OLD]
    assert found(opened, "what lints every push", limit=1) == [NEWEST]


def test_the_order_of_telling_does_not_matter_where_the_times_are_known(opened: Stores) -> None:
    add(opened, NEW, created_at=2000.0)
    add(opened, OLD, created_at=1000.0)
    assert found(opened, "what lints every push") == [NEW, OLD]


def test_at_an_earlier_moment_only_what_held_then_comes_first(opened: Stores) -> None:
    add(opened, OLD, created_at=1000.0)
    add(opened, NEW, created_at=3000.0)
    assert found(opened, "what lints every push", as_of=2_000_000) == [OLD]
    assert found(opened, "what lints every push", as_of=4_000_000) == [NEW, OLD]


def test_what_is_forgotten_or_expired_corrects_nothing_any_more(opened: Stores) -> None:
    add(opened, OLD)
    passing = add(opened, NEW, NOW + 1, expires_at=(NOW + 2 * HOUR) / 1000)
    assert found(opened, "what lints every push")[0] == NEW
    assert found(opened, "what lints every push", NOW + 3 * HOUR) == [OLD]
    opened.memory.forget(passing.id, NOW)
    assert found(opened, "what lints every push") == [OLD]


def test_what_a_user_took_back_is_not_put_last_again(opened: Stores) -> None:
    older, newer = add(opened, OLD), add(opened, NEW, NOW + 1)
    night = apply(opened, superseding(older, newer))
    assert found(opened, "what lints every push") == [NEW]
    opened.nights.undo(night, NOW, force=False)
    assert found(opened, "what lints every push") == [OLD]


def test_the_words_of_what_is_over_lead_to_what_holds(opened: Stores) -> None:
    first, second = add(opened, "Beer is in the cellar."), add(opened, "It went up to the attic.", NOW + 1)
    third = add(opened, "The barn has it.", NOW + 2)
    assert found(opened, "cellar") == ["Beer is in the cellar."]
    apply(opened, superseding(first, second))
    apply(opened, superseding(second, third))
    assert found(opened, "cellar") == ["The barn has it."]
    assert found(opened, "cellar", include_superseded=True) == ["The barn has it.", "Beer is in the cellar."]
    opened.memory.forget(third.id, NOW)
    assert found(opened, "cellar") == []


def test_however_much_is_over_what_holds_is_found(opened: Stores) -> None:
    """Hundreds that matched better once are no reason to miss what matches now."""
    opened.memory.import_many((Draft(f"cellar cellar {at}", created_at=at) for at in range(200)), NOW)
    holder, *others = sorted(opened.memory.export(), key=lambda record: -record.id)
    apply(opened, *(superseding(each, holder) for each in others))
    kept = [
        add(opened, f"The {at} of the house are kept in a cellar full of mice.") for at in ("cats", "dogs")
    ]
    assert set(found(opened, "cellar", limit=5)) == {holder.content, *(each.content for each in kept)}


def test_what_a_night_finds_is_known_from_then_on(opened: Stores) -> None:
    opened.memory.import_many([Draft("Pears are ripe."), Draft("Plums are.")], NOW)
    pears, plums = opened.memory.export()
    said = Contradiction(pears.id, plums.id, "a rule", "says so", certain=False)
    apply(opened, contradictions=(said,))
    assert opened.nights.contradicted_by([plums.id, pears.id]) == [said]
    assert found(opened, "pears") == ["Plums are.", "Pears are ripe."]


def test_an_import_compares_nothing(opened: Stores) -> None:
    opened.memory.import_many([Draft(OLD), Draft(NEW)], NOW)
    _, newer = opened.memory.export()
    assert opened.memory.corrected_by(newer.id) == []


# --- what shares words


def sharing(opened: Stores, content: str, limit: int = 20, **fields: object) -> list[str]:
    record = add(opened, content, NOW + 9, **fields)
    return [each.content for each in opened.nights.sharing(record, limit)]


def test_what_shares_the_rarest_words_comes_first(opened: Stores) -> None:
    for content in ("apples and pears", "apples", "apples and quinces", "quinces and medlars"):
        add(opened, content)
    assert sharing(opened, "quinces beside medlars") == ["quinces and medlars", "apples and quinces"]
    assert sharing(opened, "quinces beside medlars again", limit=1) == ["quinces beside medlars"]


def test_only_users_records_of_the_same_scope_that_are_not_gone_are_compared(opened: Stores) -> None:
    add(opened, "medlars elsewhere", scope="other")
    opened.memory.forget(add(opened, "medlars forgotten").id, NOW)
    kept = add(opened, "medlars kept")
    over = add(opened, "medlars over")
    apply(opened, superseding(over, kept))
    assert set(sharing(opened, "medlars")) == {"medlars kept", "medlars over"}


def test_where_every_word_is_in_many_records_two_of_them_find_what_shares_both(opened: Stores) -> None:
    opened.memory.import_many((Draft(f"the gateway number {at}") for at in range(300)), NOW)
    opened.memory.import_many((Draft(f"a timeout of kind {at}") for at in range(300)), NOW)
    both = add(opened, "gateway timeout")
    assert sharing(opened, "timeout, gateway") == [both.content]


def test_what_is_told_again_and_again_corrects_what_was_told_last(opened: Stores) -> None:
    opened.memory.import_many((Draft(f"The nightly build took {at} minutes.") for at in range(300)), NOW)
    told = add(opened, "The nightly build took 300 minutes.", NOW + 1)
    corrected = [each.record.content for each in opened.memory.corrected_by(told.id)]
    assert corrected[0] == "The nightly build took 299 minutes."
    assert found(opened, "how long took the nightly build")[0] == told.content


def test_texts_without_words_share_nothing(opened: Stores) -> None:
    add(opened, "!?")
    assert sharing(opened, "…") == []
    assert sharing(opened, '" OR 1') == []
