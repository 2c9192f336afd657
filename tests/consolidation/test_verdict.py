"""Whether two texts say the same, by plain values; test_deduplicate asks it of whole sentences."""

from __future__ import annotations

import pytest

from iai_daemon.consolidation.likeness.portions import Compared
from iai_daemon.consolidation.likeness.verdict import Verdict, essence, figures, judged, plain, verdict
from iai_daemon.memory.record import Record
from iai_daemon.wording.features import features
from tests.consolidation.test_passes import go_on
from tests.memory.test_rank import memory

SAME, RELATED, APART = Verdict.SAME, Verdict.RELATED, Verdict.APART


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Use pnpm.", "Use pnpm"),
        ("  Use \n\t pnpm ", "Use pnpm"),
        ("Use pnpm..", "Use pnpm."),
        ("Use pnpm. ", "Use pnpm"),
        ("Use pnpm!", "Use pnpm!"),
        ("", ""),
    ],
)
def test_outer_and_repeated_spaces_and_the_last_full_stop_say_nothing(text: str, bare: str) -> None:
    assert plain(text) == bare


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("ok", " ok. ", SAME),
        ("ok", "ok..", RELATED),
        ("done", "Done", RELATED),
        ("Use pnpm.", "use  pnpm", SAME),
        ("Use pnpm.", "pnpm", SAME),
        ("The gateway is protected.", "Is the gateway protected?", RELATED),
        ("Staging uses port 8081.", "Staging uses port 8082.", RELATED),
        ("gateway ledger mailer", "gateway ledger crawler", RELATED),
        ("gateway ledger mailer", "gateway ledger", RELATED),
        # Three of five are related, four of seven are not.
        ("gateway ledger mailer crawler importer", "gateway ledger mailer kettle bucket", RELATED),
        (
            "gateway ledger mailer crawler importer exporter notifier",
            "gateway ledger mailer crawler kettle bucket spoon",
            APART,
        ),
        ("Use pnpm.", "Lunch is at noon.", APART),
        ("", "Lunch is at noon.", APART),
        ("", "  .", SAME),
    ],
)
def test_two_texts_are_the_same_or_related_or_apart(one: str, other: str, said: Verdict) -> None:
    assert verdict(one, other) is said
    assert verdict(other, one) is said


def test_the_verdicts_have_names() -> None:
    assert [*Verdict] == ["same", "related", "apart"]


def test_what_a_text_is_about_is_told_by_the_beginnings_of_its_words_and_its_figures() -> None:
    said = features("Staging runs postgres 15.21.123 and the ledger and MONGO_URL at 10.0.0.12345")
    assert essence(said) == {"stage", "postg", "ledge", "mongo", "15.21.123", "10.0.0.12345"}
    assert essence(features("")) == frozenset()


def test_the_figures_of_a_text_are_told_in_their_order_as_words() -> None:
    assert figures(features("beta 4 on 3 hosts, v2.1 and staging 15, staging 15")) == "15 2.1 3 4"
    assert figures(features("no figures")) == ""


ONE, SAME_AS_ONE, LIKE_ONE, ELSE = (
    memory(number, text)
    for number, text in enumerate(
        (
            "Seed the fixtures before the importer.",
            "seed the fixtures before the importer",
            "Seed the fixtures before the mailer.",
            "Lunch is at noon.",
        ),
        1,
    )
)


def pairs(near: dict[int, list[Record]], *examined: Record) -> list[tuple[int, int, Verdict]]:
    portion = Compared(list(examined), len(examined), last=True, near=near, joined={})
    return [(one.id, other.id, said) for one, other, said in judged(portion, go_on)]


def test_what_is_the_same_and_what_is_related_is_judged_and_what_is_apart_is_not() -> None:
    near = {1: [ELSE, LIKE_ONE, SAME_AS_ONE]}
    assert pairs(near, ONE) == [(1, 3, RELATED), (1, 2, SAME)]


def test_each_pair_is_judged_once_the_one_that_is_examined_first() -> None:
    near = {1: [SAME_AS_ONE, SAME_AS_ONE, ONE], 2: [ONE, LIKE_ONE], 3: [SAME_AS_ONE, ONE]}
    assert pairs(near, ONE, SAME_AS_ONE, LIKE_ONE) == [(1, 2, SAME), (2, 3, RELATED), (3, 1, RELATED)]


def test_what_has_nothing_near_it_is_passed_over() -> None:
    assert pairs({2: [ONE]}, ELSE, SAME_AS_ONE) == [(2, 1, SAME)]


def test_before_each_look_it_is_asked_whether_to_go_on() -> None:
    asked: list[int] = []
    near = {1: [SAME_AS_ONE, ELSE, ONE], 2: [ONE]}
    portion = Compared([ONE, SAME_AS_ONE], 2, last=True, near=near, joined={})
    assert len(list(judged(portion, lambda: asked.append(1)))) == 1
    assert len(asked) == 4
