"""Why two texts may not be joined, word for word; tests/wording/test_agreement.py says which may."""

from __future__ import annotations

import pytest

from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.features import features


def reason(a: str, b: str) -> str | None:
    return disagreement(features(a), features(b))


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        ("Kilns glow.", "Vans glow.", "“kiln” against “van”"),
        ("Kilns glow.", "Kilns glow red.", "only one says “red”"),
        ("Kilns glow red.", "Kilns glow.", "only one says “red”"),
        ("Kilns and vans glow.", "Kilns and apes glow.", "“ape” against “van”"),
        ("Kilns at 5 and vans.", "Kilns at 5 and apes.", "“ape” against “van”"),
        ("Kilns 5 and vans.", "Kilns 6 and apes.", "“5” against “6”"),
        ("Kilns 5 vans.", "Kilns apes.", "only one says “5”"),
        ("Kilns 5.", "Kilns.", "only one says “5”"),
        ("Kilns 5 6.", "Kilns 4 7.", "“4” against “5”"),
        ("Painter kilns red.", "Paints kilns.", "only one says “red”"),
        ("Painter kilns.", "Paints kilns red.", "only one says “red”"),
        ("Painter kilns red.", "Paints kilns blue.", "“blue” against “red”"),
        ("It must glow.", "It may glow.", "one obliges, the other permits"),
        ("Glue must be required.", "Glue must be optional.", "one denies what the other says"),
        (
            "It must glow, it must hold, the lid is optional.",
            "It must glow, it must hold, the lid is.",
            "one denies what the other says",
        ),
        ("Glue need not glow.", "Glue must not glow.", "one obliges, the other leaves it open"),
        ("Wash before lunch.", "Wash after lunch.", "one says before “lunch”, the other after it"),
        (
            "Wash before lunch and after dinner.",
            "Wash before dinner and after lunch.",
            "“after dinner” against “after lunch”",
        ),
        ("Wash lunch before dinner.", "Wash dinner before lunch.", "“before dinner” against “before lunch”"),
        ("Wash lunch after dinner.", "Wash dinner after lunch.", "“after dinner” against “after lunch”"),
        (
            "Wash before lunch, after lunch.",
            "Wash after lunch.",
            "one says before “lunch”, the other after it",
        ),
        ("Lunch in Rome with Oslo.", "Lunch in Oslo with Rome.", "“in oslo” against “in rome”"),
        ("Lunch in Rome.", "Rome in lunch.", "“in lunch” against “in rome”"),
        ("Walk from Rome.", "Walk to Rome.", "“from rome” against “to rome”"),
        ("Walk from Rome to Oslo.", "Walk from Oslo to Rome.", "“from oslo” against “from rome”"),
        ("Walk by Rome.", "Walk to Rome.", "“by rome” against “to rome”"),
        ("Walk without tape.", "No walk by tape.", "one denies “tape”, the other “walk”"),
        ("Sent by tape.", "Sent from tape.", "“by tape” against “from tape”"),
        ("Sent by tape to glue.", "Sent to tape by glue.", "“by glue” against “by tape”"),
        ("Do not use tape, use glue.", "Use tape, do not use glue.", "one denies “glue”, the other “tape”"),
        ("Use tape, not glue.", "Use glue, not tape.", "one denies “glue”, the other “tape”"),
        ("No tape, glue.", "Tape, no glue.", "one denies “glue”, the other “tape”"),
        ("Small: 3 seats, large: 50 seats.", "Small: 50 seats, large: 3 seats.", "“3 … 50” against “50 … 3”"),
        ("X 1 y 2 z 3 w 4 v 5.", "X 2 y 1 z 3 w 4 v 5.", "“1 … 2 … 3 … 4” against “2 … 1 … 3 … 4”"),
        ("Kilns 3 vans 5.", "Vans 3 kilns 5.", "who does it and what it is done to are exchanged"),
        ("Kilns red vans blue.", "Kilns blue vans red.", "who does it and what it is done to are exchanged"),
        ("Ben greeted Ada.", "Ada greeted Ben.", "who does it and what it is done to are exchanged"),
        ("Ben is greeted by Ada.", "Ada is greeted by Ben.", "“by ada” against “by ben”"),
        (
            "Ben paints Rome in Oslo.",
            "Rome paints Ben in Oslo.",
            "who does it and what it is done to are exchanged",
        ),
        ("Big vans hit kilns.", "Kilns hit big vans.", "who does it and what it is done to are exchanged"),
        (
            "Vans hit kilns daily.",
            "Kilns hit vans daily.",
            "who does it and what it is done to are exchanged",
        ),
        (
            "Daily vans hit kilns.",
            "Daily kilns hit vans.",
            "who does it and what it is done to are exchanged",
        ),
        (
            "Vans hit big red kilns.",
            "Big red kilns hit vans.",
            "who does it and what it is done to are exchanged",
        ),
        (
            "Vans paint tape by kilns.",
            "Tape paint vans by kilns.",
            "who does it and what it is done to are exchanged",
        ),
        (
            "Vans hit hot kilns fast and red.",
            "Hot kilns hit vans fast and red.",
            "who does it and what it is done to are exchanged",
        ),
        (
            "Vans hit kilns hit apes.",
            "Apes hit kilns hit vans.",
            "who does it and what it is done to are exchanged",
        ),
        ("Walk from Rome to Oslo.", "Walk to Rome Oslo.", "“from rome” against “to rome”"),
        ("Walk from Rome.", "Walk to Rome from Rome.", "“from rome” against “to rome”"),
        ("Walk to Rome.", "Walk to Rome from Rome.", "“from rome” against “to rome”"),
        (
            "Wash after lunch.",
            "Wash before lunch, after lunch.",
            "one says before “lunch”, the other after it",
        ),
        ("Read it.", "Write it.", "“read” against “write”"),
        ("Get tape.", "Put tape.", "“get” against “put”"),
        ("Do not glow.", "Glow.", "one denies what the other says"),
        ("Never not glow.", "Not glow.", "one denies what the other says"),
    ],
)
def test_what_differs_is_said(a: str, b: str, said: str) -> None:
    assert reason(a, b) == reason(b, a) == said


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Kilns glow.", "Kilns glow."),
        ("Painter kilns.", "Paints kilns."),
        ("It must glow.", "It must glow."),
        ("It must glow.", "It glows."),
        ("It may glow.", "It glows."),
        ("It must glow and may hold.", "It may glow and must hold."),
        ("It must glow or may glow.", "It may glow."),
        ("It must not glow.", "It may not glow."),
        ("Glue must glow; nobody paints.", "Glue may glow; nobody paints."),
        ("Glue need not glow.", "Glue not glow."),
        ("Before lunch wash hands.", "Wash hands before lunch."),
        ("Wash lunch in Rome.", "In lunch wash Rome."),
        ("Walk to Rome from Oslo.", "Walk from Oslo to Rome."),
        ("Not tape.", "No tape."),
        ("Kilns 3 vans 5.", "Vans 5 kilns 3."),
        ("Ben runs in Rome.", "In Rome runs Ben."),
        ("The cluster runs Redis.", "Redis runs on the cluster."),
        ("Vans hit red kilns.", "Red vans hit kilns."),
        ("Vans hit kilns, daily.", "Kilns hit vans, daily."),
        ("Vans are kilns.", "Kilns are vans."),
        ("Vans kilns.", "Kilns vans."),
        ("Wash before lunch.", "Wash before lunch, after lunch."),
        ("Not red painter.", "Red, no paints."),
        ("Red, no painter.", "Not red paints."),
        ("Kilns keep tape.", "Kilns use tape."),
    ],
)
def test_what_differs_in_nothing_valuable_is_no_reason(a: str, b: str) -> None:
    assert reason(a, b) is None
    assert reason(b, a) is None


def many(number: int) -> str:
    """So many words of which no two begin alike."""
    return " ".join(f"{first}{second}xyz" for first in "bcdfghj" for second in "bcdfghj")[: 6 * number - 1]


@pytest.mark.parametrize(
    ("long", "short", "number", "said"),
    [
        ("painter", "paints", 23, "only one says “bbxyz”"),
        ("painter", "paints", 24, "“bbxyz” against “paint”"),
        ("paints", "painter", 23, "only one says “bbxyz”"),
        ("paints", "painter", 24, "“bbxyz” against “painter”"),
    ],
)
def test_where_more_than_24_words_differ_no_forms_of_words_are_looked_for(
    long: str, short: str, number: int, said: str
) -> None:
    assert reason(f"kiln {long} {many(number)}", f"kiln {short}") == said
    assert reason(f"kiln {short}", f"kiln {long} {many(number)}") == said


@pytest.mark.parametrize(
    ("number", "said"), [(44, "who does it and what it is done to are exchanged"), (45, None)]
)
def test_who_does_it_is_asked_of_texts_of_up_to_48_tokens(number: int, said: str | None) -> None:
    assert reason(f"Ben greeted Ada {many(number)}.", f"Ada greeted Ben {many(number)}.") == said
