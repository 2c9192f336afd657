"""What some records say together, by plain values; test_summarize asks it of whole nights."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.consolidation.likeness.gist import MOST_CHARACTERS, gist
from tests.consolidation.test_passes import go_on
from tests.memory.test_rank import memory

RUNS = "The ledger backup runs at night."
FILLS = "The ledger backup fills the bucket."
INGRID = "Ingrid restores the ledger backup."


def said(*texts: str, **more: Any) -> str | None:
    """Of records of which each is older than the next; the same in whatever order they come."""
    records = [memory(at, text, created_at=at, **more) for at, text in enumerate(texts, 1)]
    found = gist(records, go_on)
    assert gist(records[::-1], go_on) == found
    return found


def about(*texts: str) -> str:
    """The words before the first colon."""
    found = said(*texts)
    assert found is not None
    return found.partition(":")[0]


def test_it_is_told_what_it_is_about_and_what_each_says_from_the_oldest_on() -> None:
    assert said(RUNS, FILLS, INGRID) == f"About ledger, backup: {RUNS} {FILLS} {INGRID}"
    assert said(INGRID, FILLS, RUNS) == f"About ledger, backup: {INGRID} {FILLS} {RUNS}"


def test_of_two_of_the_same_time_the_one_with_the_smaller_number_comes_first() -> None:
    records = [memory(9, RUNS, created_at=5), memory(2, FILLS, created_at=5), memory(1, INGRID, created_at=7)]
    assert gist(records, go_on) == f"About ledger, backup: {FILLS} {RUNS} {INGRID}"


@pytest.mark.parametrize(
    "texts", [(), (RUNS,), (RUNS, RUNS), ("Thanks!", "Great, thanks.", "See you."), ("Ledger.", "Backup.")]
)
def test_what_says_less_than_two_sentences_has_no_gist(texts: tuple[str, ...]) -> None:
    assert said(*texts) is None


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        # What half of them speak of, most of them first, three at most.
        ((RUNS, FILLS), "About ledger, backup, night"),
        ((FILLS, RUNS), "About ledger, backup, fills"),
        ((RUNS, FILLS, INGRID), "About ledger, backup"),
        ((RUNS, "Olga watches the backup.", "Ingrid mends the backup."), "About backup"),
        ((RUNS, "Olga watches the lamp.", "Ingrid mends a kettle."), "About ledger, backup, night"),
        # Names come last, as they are written within a sentence.
        (
            ("The Ledger runs on Postgres.", "Backups of Postgres fill the ledger."),
            "About backups, Ledger, Postgres",
        ),
        (
            (
                "Postgres holds the ledger at night.",
                "We put the ledger bucket into Postgres.",
                "Olga watches ledger and Postgres daily.",
            ),
            "About ledger, Postgres",
        ),
    ],
)
def test_it_is_about_the_words_that_most_have_in_common(texts: tuple[str, ...], words: str) -> None:
    assert about(*texts) == words


def test_a_word_is_told_in_the_form_that_most_of_them_use() -> None:
    assert about(
        "Backups of the ledger fill it.",
        "A backup of the ledger mirror.",
        "The backup holds the ledger lamp.",
    ) == ("About backup, ledger")


def test_a_name_is_told_as_who_writes_it_within_a_sentence_does_though_most_do_not() -> None:
    texts = ("The backup fills the ledger at night.", "Olga watches ledger and backup daily.")
    assert about(*texts, "We put the backup into Ledger here.") == "About backup, Ledger"


def test_of_a_fact_that_does_not_say_what_it_is_about_that_is_told() -> None:
    records = [
        memory(1, "It runs at night on postgres.", subject="ledger backup", created_at=1),
        memory(2, "Ingrid restores the ledger backup.", subject="ledger backup", created_at=2),
    ]
    assert gist(records, go_on) == (
        "About ledger, backup, night: ledger backup: It runs at night on postgres. Ingrid restores the ledger backup."
    )


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (f"{RUNS} {FILLS}", [RUNS, FILLS]),
        (f"{RUNS[:-1]}!\n\n  {FILLS[:-1]}?", [f"{RUNS[:-1]}!", f"{FILLS[:-1]}?"]),
        (f"{RUNS[:-1]}\n{FILLS[:-1]}", [RUNS, FILLS]),
        (f"\n {RUNS} \n", [RUNS]),
        (f"{RUNS[:-1]}:\n{FILLS[:-1]};", [f"{RUNS[:-1]}:", f"{FILLS[:-1]};"]),
        (f"{RUNS[:-1]} …\n{FILLS}", [f"{RUNS[:-1]} …", FILLS]),
        (
            "The ledger runs e.g. at night, i.e. early, z.B. in winter. A. Smith fills the ledger bucket.",
            [
                "The ledger runs e.g. at night, i.e. early, z.B. in winter.",
                "A. Smith fills the ledger bucket.",
            ],
        ),
        (
            "The ledger  backup\truns at night at 3.15 here.",
            ["The ledger backup runs at night at 3.15 here."],
        ),
    ],
)
def test_a_text_is_taken_apart_where_a_sentence_or_a_line_ends(content: str, parts: list[str]) -> None:
    found = said(content, INGRID)
    assert found is not None
    assert found.partition(": ")[2] == " ".join([*parts, INGRID])


def test_of_a_text_the_first_six_sentences_are_read() -> None:
    common = (
        "The kettle runs.",
        "The lamp shines.",
        "A rope hangs.",
        "The chair stands.",
        "A mirror breaks.",
    )
    sixth = " ".join([*common, FILLS])
    seventh = " ".join([*common, "A window opens.", FILLS])
    assert FILLS in str(said(sixth, RUNS, INGRID))
    assert FILLS not in str(said(seventh, RUNS, INGRID))


def test_a_long_sentence_is_cut_behind_a_word_within_240_characters() -> None:
    long = f"The ledger backup {'verylong ' * 24}end"
    assert len(long) == 237
    assert f": {long} … {INGRID}" in str(said(f"{long} {long}", INGRID))
    fits = f"The ledger backup {'x' * 222}"
    assert len(fits) == 240
    assert f"{fits}. {INGRID}" in str(said(fits, INGRID))
    assert f"The ledger backup … {INGRID}" in str(said(f"{fits}x", INGRID))


def test_whole_sentences_come_before_fragments_where_there_are_two_of_them() -> None:
    fragment, whole = "Ledger backup bucket.", "Ledger backup at night here."
    assert said(fragment, "Backup ledger Ingrid.") == (
        f"About ledger, backup, bucket: {fragment} Backup ledger Ingrid."
    )
    assert said(fragment, whole, "Ledger backup Ingrid.") == (
        f"About ledger, backup: {fragment} {whole} Ledger backup Ingrid."
    )
    assert said(fragment, whole, INGRID) == f"About ledger, backup: {whole} {INGRID}"


def test_what_tells_less_than_two_words_is_courtesy() -> None:
    assert said(RUNS, "Thank you so much for the ledger.", INGRID) == f"About ledger, backup: {RUNS} {INGRID}"


def test_what_says_again_what_was_said_is_left_out() -> None:
    assert said(RUNS, "the ledger backup runs at night", INGRID) == (
        f"About ledger, backup, night: {RUNS} {INGRID}"
    )
    # Four words of five are the same: that is again; three of four are not.
    assert said("Kettle lamp rope chair mirror too.", "Kettle lamp rope chair spoon too.") is None
    assert said("Kettle lamp rope chair too.", "Kettle lamp rope window too.") == (
        "About kettle, lamp, rope: Kettle lamp rope chair too. Kettle lamp rope window too."
    )


def test_four_sentences_are_the_most() -> None:
    things = [
        ("kettle", "rope"),
        ("bucket", "lamp"),
        ("spoon", "chair"),
        ("mailer", "table"),
        ("crawler", "mirror"),
    ]
    texts = [f"The ledger backup {one} {other} runs here." for one, other in things]
    assert said(*texts) == f"About ledger, backup: {' '.join(texts[:4])}"


def test_those_that_have_most_in_common_with_the_others_are_told() -> None:
    things = ["kettle", "bucket", "spoon", "mailer"]
    texts = [f"The ledger backup of {each} runs here." for each in things]
    aside = "The ledger has a green mirror here."
    assert said(aside, *texts) == f"About ledger, backup: {' '.join(texts)}"


def test_a_third_sentence_that_has_less_in_common_than_it_repeats_is_left_out() -> None:
    assert said(RUNS, FILLS, "Lamps shine over the green mirror.") == f"About ledger, backup: {RUNS} {FILLS}"


def test_no_gist_is_longer_than_600_characters() -> None:
    assert MOST_CHARACTERS == 600
    texts = [f"The ledger backup {name} {name[0] * 150} runs." for name in ("kettle", "bucket", "spoon")]
    whole = f"About ledger, backup: {' '.join(texts)}"
    room = 600 - len(whole)
    assert room > 0
    texts[2] = texts[2].replace(" runs", f"{'s' * room} runs")
    exactly = said(*texts)
    assert exactly is not None
    assert len(exactly) == 600
    texts[2] = texts[2].replace(" runs", "s runs")
    shorter = said(*texts)
    assert shorter == f"About ledger, backup: {' '.join(texts[:2])}"


@pytest.mark.parametrize(("records", "asked"), [(0, 1), (1, 4), (2, 7), (3, 10)])
def test_it_is_asked_at_each_record_sentence_and_choice_whether_to_go_on(records: int, asked: int) -> None:
    times: list[int] = []
    told = [memory(at, text, created_at=at) for at, text in enumerate((RUNS, FILLS, INGRID)[:records])]
    gist(told, lambda: times.append(1))
    assert len(times) == asked
