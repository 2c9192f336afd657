"""Why two records are linked, by plain values; test_associate asks it of whole nights."""

from __future__ import annotations

from typing import Any

import pytest

from iai_daemon.consolidation.likeness.relating import link, words
from iai_daemon.consolidation.likeness.topics import Tie, mark
from iai_daemon.consolidation.plan import change_id
from iai_daemon.memory.nights import Link, LinkKind
from tests.memory.test_rank import memory

SPOKEN = "The Ledger backup fills the bucket at night."
ELSE = "Ingrid restores a bucket of the ledger backup."


def reason(one: str, other: str, *shared: str, weight: float = 0.5, **more: Any) -> str:
    """By the words of the one that came first."""
    tie = Tie(2, weight, tuple(map(mark, shared)))
    first, second = memory(1, one, **more), memory(2, other, **more)
    found = link(first, second, tie)
    assert link(second, first, tie) == found
    return found.reason


@pytest.mark.parametrize("newer_first", [True, False])
def test_of_a_link_everything_is_told_whichever_of_the_two_is_asked_about(newer_first: bool) -> None:
    older, newer = memory(3, SPOKEN), memory(8, ELSE)
    two = (newer, older) if newer_first else (older, newer)
    assert link(*two, Tie(8, 0.625, (mark("backup"), mark("ledger")))) == Link(
        change_id("associate", "related", 3, 8),
        3,
        8,
        LinkKind.RELATED,
        0.625,
        "both speak of Ledger, backup",
    )


def test_three_of_the_shared_words_are_named_as_the_older_one_writes_them() -> None:
    assert reason(SPOKEN, ELSE, "bucket", "backup", "ledger") == "both speak of Ledger, backup, bucket"
    assert (
        reason(SPOKEN, ELSE, "bucket", "backup", "night", "ledger") == "both speak of backup, bucket, night"
    )


SEED = "Seed the fixtures before the importer."


@pytest.mark.parametrize(
    ("one", "other", "weight", "said"),
    [
        (SPOKEN, f" {SPOKEN[:-1]} ", 0.1, "both say the same"),
        (SEED, "Before the importer seed the fixtures.", 0.4, "almost the same"),
        (SEED, "Do not seed the fixtures before the importer.", 0.4, "almost the same, but one denies what the other says"),
        (SEED, "Do not seed the fixtures before the importer.", 0.39, "both speak of seed"),
        (SEED, "Seed the fixtures before the mailer.", 0.9, "both speak of seed"),
        # Three of four are enough.
        ("seed kettle bucket mailer", "seed kettle bucket crawler", 0.9, "almost the same, but “crawler” against “mailer”"),
        ("seed kettle bucket mailer spoon", "seed kettle bucket crawler", 0.9, "both speak of seed"),
    ],
)  # fmt: skip
def test_what_hardly_differs_is_told_by_what_it_differs_in(
    one: str, other: str, weight: float, said: str
) -> None:
    assert reason(one, other, "seed", weight=weight) == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("ledger", "ledger", "both are about ledger"),
        ("ledger", "bucket", "both speak of backup"),
        ("ledger", None, "both speak of backup"),
        (None, "ledger", "both speak of backup"),
        (None, None, "both speak of backup"),
    ],
)
def test_a_subject_that_both_have_is_the_reason(one: str | None, other: str | None, said: str) -> None:
    first, second = memory(1, SPOKEN, subject=one), memory(2, ELSE, subject=other)
    assert link(first, second, Tie(2, 0.3, (mark("backup"),))).reason == said


def test_what_hardly_differs_is_told_so_though_both_have_a_subject() -> None:
    assert reason(SEED, "Before the importer seed the fixtures.", "seed", subject="s") == "almost the same"


@pytest.mark.parametrize(
    ("text", "terms", "written"),
    [
        ("Backups of the Ledger: each backup.", ("ledger", "backup"), ["backups", "Ledger"]),
        ("The ledger of Staging is in VAULT, not in vault.", ("vault", "stage"), ["Staging", "VAULT"]),
        ("The mongo_Url at v1.2 and NIGHT", ("1.2", "night"), ["v1.2", "NIGHT"]),
        ("Email to Paris", ("email", "paris"), ["email", "Paris"]),
        ("Nothing of it", ("ledger",), []),
        # What people say whatever they speak of is no word of a topic.
        ("Thanks for the backup", ("thank", "backup"), ["backup"]),
        ("", (), []),
    ],
)
def test_words_are_told_once_in_the_order_and_form_in_which_they_are_written(
    text: str, terms: tuple[str, ...], written: list[str]
) -> None:
    assert words(memory(1, text), [mark(term) for term in terms]) == written


def test_what_it_is_said_to_be_about_counts_too() -> None:
    about = memory(1, "It runs at night.", subject="Ledger", attribute="backup")
    assert words(about, [mark("ledger"), mark("backup"), mark("night")]) == ["night", "ledger", "backup"]
