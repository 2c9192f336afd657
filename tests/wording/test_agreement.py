"""What may be joined as saying the same, and what must not; with the reason in words."""

from __future__ import annotations

import pytest

from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.features import features
from iai_daemon.wording.similarity import similarity


def reason(a: str, b: str) -> str | None:
    return disagreement(features(a), features(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Sort the mails before counting them.", "Before the mails are counted, they must be sorted."),
        ("Use bun in the comics repository.", "In the comics repo, use bun."),
        ("The plotter needs the lid closed.", "The lid has to be closed for the plotter."),
        ("The user wants menus in Danish.", "User prefers Danish menus."),
        ("The lock opens after 5 s.", "The lock opens after 5000 ms."),
        ("No more than 7 guests per table.", "At most seven guests per table."),
        ("The user doesn't like long menus.", "The user dislikes long menus."),
        ("Nginx guards the forum.", "The forum is guarded by nginx."),
        ("Serve rice and beans.", "Serve beans and rice."),
        ("The van runs on diesel.", "On diesel runs the van."),
    ],
)
def test_two_ways_of_saying_one_thing_agree(a: str, b: str) -> None:
    assert reason(a, b) is None
    assert similarity(features(a), features(b)) > 0.7


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("It listens on 7001.", "It listens on 7002.", "“7001” against “7002”"),
        ("The read pool is on ada.", "The write pool is on ada.", "“read” against “write”"),
        ("The cart holds 5 kB.", "The cart holds 20 kB.", "“20480 size” against “5120 size”"),
        ("Ada owns the ledger.", "Ben owns the ledger.", "“ada” against “ben”"),
        ("Do not index docs/.", "Index docs/.", "one denies what the other says"),
        ("You may paint it.", "You must paint it.", "one obliges, the other permits"),
        ("It must be painted.", "It need not be painted.", "one denies what the other says"),
        ("A badge is required here.", "A badge is optional here.", "one denies what the other says"),
        ("Knock before the meal.", "Knock after the meal.", "one says before “meal”, the other after it"),
        ("Wash before peeling.", "Peel before washing.", "“before peel” against “before wash”"),
        ("Use oats instead of rye.", "Use rye instead of oats.", "“instead oat” against “instead rye”"),
        ("Drive from Bonn to Rome.", "Drive from Rome to Bonn.", "“from bonn” against “from rome”"),
        ("The bill is sent by the bank.", "The bill is sent to the bank.", "“by bank” against “to bank”"),
        ("Ben greeted Ada.", "Ada greeted Ben.", "who does it and what it is done to are exchanged"),
        ("Small: 3 seats, large: 50 seats.", "Small: 50 seats, large: 3 seats.", "“3 … 50” against “50 … 3”"),
        ("Use rye.", "Use rye for bread only.", "only one says “bread”"),
        ("Use oats, not rye.", "Use rye, not oats.", "one denies “oat”, the other “rye”"),
    ],
)
def test_what_differs_in_what_matters_does_not_and_says_why(a: str, b: str, said: str) -> None:
    assert reason(a, b) == reason(b, a) == said


def test_long_texts_agree_only_where_their_ends_do() -> None:
    beginning = "word " * 5000
    assert reason(beginning + "to the left", beginning + "to the left") is None
    assert reason(beginning + "to the left", beginning + "to the right") == "they go on differently"


def test_likeness_needs_no_order_and_counts_what_tells_little_little() -> None:
    one = features("Sort the mails before counting the stamps.")
    assert similarity(one, features("Counting the stamps: before, sort mails.")) == 1
    assert similarity(one, features("The weather is fine.")) == 0
    close, far = (
        features("Mails are sorted before the stamps."),
        features("Letters are burnt after the stamps."),
    )
    assert 1 > similarity(one, close) > similarity(one, far) > 0
