"""How a sentence is built: its subjects, its heading, what is done, and which part of it tells of a change."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from iai_daemon.wording.claims import MOST_TOKENS, Claim
from iai_daemon.wording.features import features


def claim(text: str) -> Claim:
    return features(text).claim


def listed(keys: Iterable[str]) -> str:
    return " ".join(sorted(keys))


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("The upload size quota is 7 MB.", [("quota size upload", "quota", False)]),
        ("Backups of the orders database run at 3.", [("backup db order", "backup", False)]),
        ("Backups and notes run at 3.", [("backup", "backup", False)]),
        (
            "Backups run at 3, notes run at 4, kilns run at 5, vans run at 6.",
            [("backup", "backup", False), ("kiln", "kiln", False), ("van", "van", False)],
        ),
        ("We moved the docs to Netlify.", [("doc", "doc", True)]),
        ("We left SSM: the keys are in SAP.", [("ssm", "ssm", True), ("key", "key", True)]),
        ("We now use Rust: the keys are in SAP.", [("rust", "rust", True), ("key", "key", True)]),
        ("We use Rust: the keys are in SAP.", [("rust", "rust", False), ("key", "key", False)]),
        ("It is in Rome.", []),
        ("This is in Rome.", []),
        ("The user prefers tabs.", [("user", "user", False)]),
        ("`make test` needs Docker.", [("make test", "test", False)]),
        ("Use httpx for HTTP calls.", [("http httpx", "httpx", False)]),
        ("Use httpx instead of aiohttp.", [("httpx", "httpx", True)]),
        ("Use httpx with tape from Rome.", [("httpx", "httpx", False)]),
        ("Upgraded the robot to Zephyr 4.", [("robot", "robot", True)]),
        ("Upgraded to Zephyr 4.", [("4 zephyr", "4", True)]),
        ("Finished porting kilns to Rust.", [("kiln", "kiln", True)]),
        ("Finished porting.", [("port", "port", False)]),
        ("Moved.", [("move", "move", True)]),
        ("Moved to it.", [("move", "move", True)]),
        ("Used to it.", []),
        ("Painted the shed red.", [("red shed", "red", False)]),
        ("Painted red sheds.", [("red shed", "shed", False)]),
        ("Runs the kiln.", [("kiln", "kiln", False)]),
        ("Run the kiln.", [("kiln", "kiln", False)]),
        ("Deploys run at night.", [("deploy", "deploy", False)]),
        ("Deploy runs.", [("deploy", "deploy", False)]),
        ("The run is over.", []),
        ("A build of the van takes 5 s.", [("build van", "build", False)]),
        ("Still Jetty is used.", []),
        ("We still use Jetty.", []),
        ("Tomcat serves the forum.", [("tomc", "tomc", False)]),
        ("Forums are served by Tomcat.", [("forum", "forum", False)]),
        ("Forum: served by Tomcat.", [("forum", "forum", False), ("tomc", "tomc", False)]),
        ("Forum on Tomcat.", [("forum", "forum", False)]),
        ("Forum in Rome with tape.", [("forum", "forum", False)]),
        ("Ports 80 and 443.", [("443 80 port", "443", False)]),
        ("7 MB is the quota.", [("quota", "quota", False)]),
        ("80% of guests pay.", [("guest", "guest", False)]),
        ("> 5 guests pay.", [("guest", "guest", False)]),
        ("5 guests pay.", [("guest", "guest", False)]),
        ("Monday is off.", [("monday", "monday", False)]),
        ("The file name is x.txt.", [("file name", "name", False)]),
        ("The file.", [("file", "file", False)]),
        ("The name of the kiln is Ada.", [("kiln name", "name", False)]),
        ("The kiln for Ada and Ben glows.", [("ada ben glow kiln", "kiln", False)]),
        ("Correction: the kiln glows.", [("glow kiln", "glow", True)]),
        ("Have moved the kiln.", [("kiln", "kiln", True)]),
        ("We must paint sheds.", [("paint shed", "shed", False)]),
        ("You should paint sheds.", [("paint shed", "shed", False)]),
        ("The kiln, glowing, is red.", [("kiln", "kiln", False), ("glow", "glow", False)]),
        ("Seen.", []),
        ("The.", []),
        ("And so on.", []),
        ("Everybody likes tape.", []),
        ("Wir nutzen ruff.", [("ruff", "ruff", False)]),
        ("Now paint sheds.", [("paint shed", "shed", True)]),
        ("Took the kiln to Rome.", [("kiln", "kiln", True)]),
        ("Cut the rope.", [("rope", "rope", True)]),
        ("Name the kiln.", [("kiln", "kiln", False)]),
        ("The painted sheds glow.", [("glow paint shed", "glow", False)]),
        ("Sheds painted red glow.", [("glow paint red shed", "glow", False)]),
        ("Tape, glue. Rope.", [("tape", "tape", False), ("glue", "glue", False), ("rope", "rope", False)]),
        (
            "Tape, glue, rope, kilns.",
            [("tape", "tape", False), ("glue", "glue", False), ("rope", "rope", False)],
        ),
        ("Finished porting used kilns.", [("kiln", "kiln", False)]),
        ("Finished porting", [("port", "port", False)]),
        ("Kiln instead of oven.", [("kiln", "kiln", True)]),
        ("Not only kilns glow.", [("glow kiln", "glow", False)]),
        ("No more kilns glow.", [("glow kiln", "glow", True)]),
    ],
)
def test_each_clause_speaks_of_its_subject(text: str, subjects: list[tuple[str, str | None, bool]]) -> None:
    assert [(listed(each.terms), each.head, each.marked) for each in claim(text).subjects] == subjects


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Geocoding: Nominatim replaces it.", "geocod"),
        ("Forum tool - Jetty.", "forum tool"),
        ("We left SSM: the keys are in SAP.", ""),
        ("Forum: Jetty: Tomcat.", "forum"),
        ("Forum. Jetty: Tomcat.", ""),
        ("Forum, Jetty: Tomcat.", ""),
        ("Runs: kiln.", ""),
        ("The forum: Jetty.", "forum"),
        ("Forum; Jetty.", ""),
        ("The forum is used: Jetty.", ""),
    ],
)
def test_what_stands_before_the_first_colon_is_the_heading_where_it_is_no_sentence(
    text: str, heading: str
) -> None:
    assert listed(claim(text).heading) == heading


@pytest.mark.parametrize(
    ("text", "modifiers"),
    [
        ("The payment API is slow.", {"api": "payment"}),
        ("The payment API and the admin API are slow.", {"api": "admin payment"}),
        ("The old payment API.", {"api": "old payment"}),
        ("Payment tests.", {"test": "payment"}),
        ("The API pays.", {}),
        ("The API tool uses Jetty forums.", {"tool": "api", "forum": "jetty"}),
        ("The forum runs kiln tests.", {"test": "kiln"}),
        ("The API of payment.", {}),
        ("5 payment APIs.", {"apis": "payment"}),
        ("The 5 MB payment API.", {"api": "payment"}),
        ("The `make` API.", {"api": "make"}),
        ("Moved kiln tests.", {"test": "kiln"}),
        ("kiln tests, oven tests.", {"test": "kiln oven"}),
        ("Deploy kiln tests.", {"test": "deploy kiln"}),
        ("Kiln tests use oven tests.", {"test": "kiln oven"}),
        ("Kiln test run log.", {"test": "kiln"}),
        ("v2 API.", {}),
        ("100 per minute limit.", {}),
        ("Kiln tests moved oven tests.", {"test": "kiln oven"}),
    ],
)
def test_what_stands_right_before_a_noun_is_a_part_of_its_name(text: str, modifiers: dict[str, str]) -> None:
    assert {noun: listed(keys) for noun, keys in claim(text).modifiers.items()} == modifiers


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("Tape.", ([(0, 1)], [(0, 1)])),
        ("Tape holds. Glue holds.", ([(0, 1), (1, 2)], [(0, 1), (1, 2)])),
        ("Tape holds, glue holds. Rope holds.", ([(0, 2), (2, 3)], [(0, 1), (1, 2), (2, 3)])),
        ("Tape holds; glue holds: rope holds.", ([(0, 1), (1, 2), (2, 3)], [(0, 1), (1, 2), (2, 3)])),
        ("Tape → glue.", ([(0, 2)], [(0, 2)])),
        ("Tape, glue, rope.", ([(0, 3)], [(0, 1), (1, 2), (2, 3)])),
        ("Tape. It is. Glue, rope.", ([(0, 1), (1, 3)], [(0, 1), (1, 2), (2, 3)])),
        ("It is, tape.", ([(0, 1)], [(0, 1)])),
        ("Tape, it is, glue.", ([(0, 2)], [(0, 1), (1, 2)])),
        ("The kiln glows (5 s). Rope, tape.", ([(0, 3), (3, 5)], [(0, 2), (2, 3), (3, 4), (4, 5)])),
        ("It is.", ([], [])),
        ("Tape holds, glue holds", ([(0, 2)], [(0, 1), (1, 2)])),
    ],
)
def test_sentences_and_their_parts_are_told_by_their_terms(
    text: str, stretches: tuple[list[tuple[int, int]], list[tuple[int, int]]]
) -> None:
    assert (list(claim(text).clauses), list(claim(text).parts)) == stretches


@pytest.mark.parametrize(
    ("text", "deeds"),
    [
        ("The kiln is stored in Rome.", "be at"),
        ("Kilns are kept and used in Rome.", "be at, be done with"),
        ("Kilns are painted.", ""),
        ("Kilns are built with tape and run.", "be done with"),
        ("Paint kilns.", ""),
        ("Kilns review tape.", ""),
        ("Tape is called glue.", "be called"),
        ("Tape is written by Ada.", "be made"),
        ("Tape generates glue.", "be made"),
        ("Tape like glue holds.", "be at"),
        ("Tape holds. Glue runs.", "be at"),
        ("Tape is red. Glue runs.", "be done with"),
        ("Deployments happen.", "be at"),
        ("Tests run.", "be done with"),
        ("Tape is reviewed and sold.", ""),
        ("Tape is placed.", "be at"),
        ("Pull requests glow.", ""),
        ("Merge requests hold tape.", "be at"),
        ("Tape is read.", "read"),
        ("The migration moves.", "be at"),
        ("Tape lives in glue.", "be at"),
        ("Tape is based on glue.", "be done with"),
        ("Die Bilder liegen in Rom.", "be at"),
    ],
)
def test_what_is_done_has_one_name_for_verbs_of_one_sense(text: str, deeds: str) -> None:
    assert ", ".join(sorted(claim(text).deeds)) == deeds


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("We moved the docs to Netlify, and glue holds. Rope holds.", ("doc move netlify", (0, 6))),
        ("We left SSM: the keys are in SAP.", ("key leave sap ssm", (0, 3))),
        ("Tape holds. We moved the docs.", ("doc move", (3, 7))),
        ("Tape holds; it is now red; glue holds.", ("red", (3, 7))),
        ("Still we moved the docs.", ("", (0, 5))),
        ("We no longer use SSM, the keys are in SAP.", ("key longer sap ssm", (0, 5))),
        ("Use ruff instead, the keys are in SAP.", ("key ruff sap", (0, 3))),
        ("Now tape holds, glue holds.", ("tape", (0, 3))),
        ("Now tape holds: glue holds.", ("glue tape", (0, 3))),
        ("Tape was dropped, glue holds, rope holds.", ("glue remove tape", (0, 3))),
        ("We moved the docs; glue is used, not tape.", ("doc move tape", (0, 4))),
        ("Correction, tape holds; glue holds.", ("correct tape", (0, 1))),
        ("Tape holds.", ("", (0, 0))),
    ],
)
def test_what_tells_of_the_change_and_where_it_is_told_is_known(
    text: str, sign: tuple[str, tuple[int, int]]
) -> None:
    assert (listed(claim(text).spoken), claim(text).sign) == sign


@pytest.mark.parametrize(
    ("text", "talk"),
    [
        ("Is it red?", True),
        ("Is it red? Yes.", True),
        ("I like tape.", False),
        ("I like tape. You like glue.", True),
        ("I like tape, you like glue.", False),
        ("I like tape!", True),
        ("Tape holds!", False),
        ("Tape holds. Glue holds.", False),
        ("Tape holds. My glue holds.", True),
        ("Tape holds. Thanks.", True),
        ("Thanks! Tape holds.", True),
        ("I am.", False),
        ("My tape; your glue.", False),
        ("", False),
    ],
)
def test_questions_and_what_somebody_says_to_somebody_are_talk(text: str, talk: bool) -> None:
    assert claim(text).talk is talk


def test_the_first_subject_is_the_theme() -> None:
    found = claim("Backups of the kiln run at 3, notes run at 4.")
    assert (found.theme, found.head) == (frozenset({"backup", "kiln"}), "backup")
    assert (claim("It glows.").theme, claim("It glows.").head) == (frozenset(), None)


def test_of_a_long_note_the_beginning_is_read() -> None:
    assert MOST_TOKENS == 160
    assert claim("x " * 158 + "dropped flake8").ended == (frozenset({"flake8"}),)
    assert claim("x " * 160 + "dropped flake8").ended == ()
    assert claim("x " * 200).parts == ((0, 160),)
