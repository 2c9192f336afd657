"""How a text is built: whose fact it is, what it says is over, what has come."""

from __future__ import annotations

import pytest

from iai_daemon.wording.claims import Claim
from iai_daemon.wording.features import features
from iai_daemon.wording.signs import (
    ALSO,
    CHANGED,
    CORRECTED,
    ENDED,
    INSTEAD,
    MARKED,
    NO_LONGER,
    NOW,
    PAST,
)


def claim(text: str) -> Claim:
    return features(text).claim


@pytest.mark.parametrize(
    ("text", "theme", "head"),
    [
        ("The upload size quota is 7 MB.", {"upload", "size", "quota"}, "quota"),
        ("Backups of the orders database run at 3.", {"backup", "order", "db"}, "backup"),
        ("We moved the docs to Netlify.", {"doc"}, "doc"),
        ("Upgraded the robot to Zephyr 4.", {"robot"}, "robot"),
        ("Use httpx for HTTP calls.", {"httpx", "http"}, "httpx"),
        ("The user prefers tabs.", {"user"}, "user"),
        ("`make test` needs Docker.", {"make", "test"}, "test"),
    ],
)
def test_the_theme_is_what_is_spoken_of(text: str, theme: set[str], head: str) -> None:
    assert (claim(text).theme, claim(text).head) == (theme, head)


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("We dropped flake8.", {"flake8"}),
        ("flake8 was removed.", {"flake8"}),
        ("flake8 is gone.", {"flake8"}),
        ("We stopped using flake8.", {"flake8"}),
        ("We got rid of flake8.", {"flake8"}),
        ("flake8 uninstalled, ruff it is.", {"flake8"}),
        ("We left SSM: it is in SAP.", {"ssm"}),
        ("flake8 was replaced by ruff.", {"flake8"}),
        ("We replaced flake8 with ruff.", {"flake8"}),
        ("ruff replaces flake8.", {"flake8"}),
        ("Swapped flake8 for ruff.", {"flake8"}),
        ("We moved from flake8 to ruff.", {"flake8"}),
        ("ruff took over from flake8.", {"flake8"}),
        ("flake8 gave way to ruff.", {"flake8"}),
        ("Use ruff instead of flake8.", {"flake8"}),
        ("Use ruff rather than flake8.", {"flake8"}),
        ("The user prefers ruff over flake8.", {"flake8"}),
        ("It is ruff, not flake8.", {"flake8"}),
        ("ESLint → Biome", {"eslint"}),
        ("We don't use flake8 any more.", {"flake8"}),
        ("flake8 is no longer used.", {"flake8"}),
        ("Statt flake8 nutzen wir ruff.", {"flake8"}),
        ("Wir nutzen flake8 nicht mehr.", {"flake8"}),
    ],
)
def test_every_way_of_saying_that_something_is_over_is_read(text: str, over: set[str]) -> None:
    assert over in claim(text).ended
    assert claim(text).marks & MARKED


@pytest.mark.parametrize(
    "text",
    [
        "Old branches are deleted after a merge.",
        "Remove the cache before the build.",
        "People closed the tab.",
        "The workers stop at night.",
        "Every ported file cites its source.",
        "Open the page and switch to the second tab.",
        "Opacity to 100 → opaque window",
        "Tests come first, then the code.",
        "Set the limit to 5.",
    ],
)
def test_habits_advice_and_stories_tell_of_no_change(text: str) -> None:
    assert not claim(text).marks & MARKED
    assert not claim(text).ended


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("It now runs on 80.", NOW),
        ("From this sprint on it runs on 80.", NOW),
        ("As of May it runs on 80.", NOW),
        ("The team has a new lead: Ada.", NOW),
        ("Bumped it to 3.12.", CHANGED),
        ("Finished the migration to MariaDB.", CHANGED),
        ("Sentry was cancelled.", ENDED),
        ("It runs on nginx instead.", INSTEAD),
        ("Correction: it runs on 80.", CORRECTED),
        ("It turns out the parser is slow.", CORRECTED),
        ("It isn't signed any longer.", NO_LONGER),
        ("We also use Kafka.", ALSO),
        ("Previously it ran on 80.", PAST),
    ],
)
def test_what_a_text_says_of_time_and_change_is_marked(text: str, marks: int) -> None:
    assert claim(text).marks == marks


@pytest.mark.parametrize(
    "text",
    [
        "We plan to move from Jenkins to GitHub Actions.",
        "Maybe we should drop Jenkins.",
        "We want to replace Jenkins next year.",
        "Was Jenkins replaced by Drone?",
        "We are considering a switch from Jenkins to Drone.",
    ],
)
def test_plans_and_questions_are_no_changes(text: str) -> None:
    assert not claim(text).ended
    assert not claim(text).marks & MARKED


def test_what_leads_to_a_new_place_is_spoken_of_together_with_it() -> None:
    found = claim("We left SSM: the keys are in SAP.")
    assert [(subject.terms, subject.marked) for subject in found.subjects] == [
        ({"ssm"}, True),
        ({"key"}, True),
    ]


def test_a_heading_is_what_a_note_is_about() -> None:
    assert claim("Geocoding: Nominatim replaces the Google Maps API.").heading == {"geocod"}
    assert not claim("We left SSM: the keys are in SAP.").heading
