"""Whether texts of the same words claim the same, by plain values; test_deduplicate asks it of whole verdicts."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.likeness.claims import claims_alike, has_figures
from iai_daemon.wording.features import features

# Each stands for itself, without a figure.
WORDS = [f"{letter}{letter}oru" for letter in "bcdfghjklmnpqrstvwxyz"]


def alike(one: str, other: str) -> bool:
    """Asked both ways."""
    left, right = features(one), features(other)
    found = claims_alike(left, right)
    assert claims_alike(right, left) is found
    assert claims_alike(left, left)
    assert claims_alike(right, right)
    return found


@pytest.mark.parametrize(
    ("term", "has"), [("8081", True), ("v2", True), ("2.1", True), ("postgres", False), ("", False)]
)
def test_a_term_has_figures_where_any_of_its_signs_is_one(term: str, has: bool) -> None:
    assert has_figures(term) is has


@pytest.mark.parametrize(
    "text",
    [
        "Rerun the job?",
        "If needed, rerun the job.",
        "Unless needed, rerun the job.",
        "Wenn nötig, rerun the job.",
        "It might rerun the job.",
        "It could rerun the job.",
    ],
)
def test_what_is_asked_supposed_or_doubted_is_not_what_is_told(text: str) -> None:
    assert not alike(text, "Rerun the job.")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("If needed, rerun the job.", "Rerun the job if needed.", True),
        ("If needed, rerun the job.", "Unless needed, rerun the job.", True),
        ("It might rerun the job.", "It could rerun the job.", True),
        ("If needed, rerun the job.", "It might rerun the job.", False),
        ("Rerun the job?", "Might rerun the job.", False),
        ("Rerun the job?", "If needed, rerun the job.", False),
    ],
)
def test_two_that_are_supposed_in_the_same_way_may_claim_the_same(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The mail worker is running.", "The mail worker is sitting.", False),
        ("The mail worker is running.", "The mail worker runs.", True),
        ("The mail worker is running.", "The mail worker sits.", True),
        ("The mail worker is running and sitting.", "The mail worker is sitting.", True),
        ("The planner climbed the park.", "The planner parked the climb.", False),
        ("The planner climbed the park.", "The planner parks the climb.", True),
        ("The planner climbed and parked.", "The planner parked.", True),
        ("The planner was climbing.", "The planner climbed.", True),
        ("The planner was climbing.", "The planner parked.", False),
        # A verb that tells little is one only while it is under way, and a path is none at all.
        ("They used pnpm.", "They installed pnpm.", True),
        ("They are using pnpm.", "They are installing pnpm.", False),
        ("Copy /srv/parking.", "Copy the climbing.", True),
        ("Copy /srv/parked.", "Copy the climbed.", True),
    ],
)
def test_what_is_done_has_to_be_the_same_where_both_say_it(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def in_order(places: str) -> str:
    return " ".join(WORDS["abcdefghijklmnopqrstu".index(each)] for each in places)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("abcdef", "acebdf", False),
        ("abcdef", "fedcba", True),
        ("abcde", "acebd", True),
        ("abcdef", "acebd", True),
        # Of ten pairs each, three shared are too few and four are enough.
        ("abcdefghijk", "abcdfhjegik", False),
        ("abcdefghijk", "abcdegikfhj", True),
        # Of twenty each, seven are just enough.
        ("abcdefghijklmnopqrstu", "abcdefghjlnprtikmoqsu", True),
        ("abcdefghijklmnopqrstu", "abcdefgikmoqsuhjlnprt", False),
    ],
)
def test_of_many_words_a_third_of_those_that_stand_together_has_to_stay_so(
    one: str, other: str, same: bool
) -> None:
    assert alike(in_order(one), in_order(other)) is same


@pytest.mark.parametrize(
    "between", [", ", "; ", ". ", "? ", " and ", " or ", " but ", " und ", " oder ", " aber "]
)
def test_a_figure_belongs_to_the_words_of_its_clause(between: str) -> None:
    assert not alike(f"alpha 1{between}beta 2", f"alpha 2{between}beta 1")
    assert alike(f"alpha 1{between}beta 2", f"beta 2{between}alpha 1")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("alpha 1 beta 2", "alpha 2 beta 1", True),
        ("alpha 1, and beta 2", "alpha 2, and beta 1", False),
        ("alpha, 1, beta 2", "alpha, 2, beta 1", False),
        ("alpha 1, beta 2", "beta 1, beta 2", False),
        ("alpha 1, beta 2", "alpha 1, gamma 2", True),
        ("alpha 1, beta 2", "alpha 3, beta 4", True),
        ("alpha 1, beta 2", "alpha 1", True),
        ("alpha 1, beta 1 gamma 2", "alpha 1 gamma 2, beta 1", False),
        ("alpha beta 1, gamma 2", "alpha 1, beta gamma 2", True),
        ("alpha beta 1, gamma 2", "alpha gamma 1, beta 2", False),
        ("alpha beta 1, gamma 2", "alpha 2, beta gamma 1", False),
        ("1, alpha 2", "alpha 1, 2", False),
        ("alpha, beta 1, gamma 2", "alpha, gamma 2, beta 1", True),
    ],
)
def test_a_figure_may_not_stand_where_another_one_stood(one: str, other: str, same: bool) -> None:
    assert alike(one, other) is same


def figures(count: int) -> list[str]:
    """Clauses of a word and a figure each."""
    return [f"{WORDS[at % 21]}{WORDS[at // 21]} {100 + at}" for at in range(count)]


def test_of_more_than_fifty_figures_the_order_alone_counts() -> None:
    fifty, more = figures(50), figures(51)
    assert alike(", ".join(fifty), ", ".join([*fifty[25:], *fifty[:25]]))
    assert not alike(", ".join(more), ", ".join([*more[25:], *more[:25]]))
    assert not alike(", ".join(more), ", ".join([*fifty[25:], *fifty[:25]]))
    assert alike(", ".join(more), ", ".join(more) + ", too")
