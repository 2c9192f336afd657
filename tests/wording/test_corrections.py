"""What ends what: each rule by example, and what looks like it and does not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from iai_daemon.wording.corrections import Evidence, correction
from iai_daemon.wording.features import features


def ended(older: str, newer: str) -> Evidence | None:
    return correction(features(newer), features(older))


@pytest.mark.parametrize(
    ("older", "newer", "rule"),
    [
        ("Index the folder docs/.", "Do not index the folder docs/.", "denied in its own words"),
        ("The cart holds 40 items.", "The cart holds 60 items.", "the same sentence with another value"),
        (
            "Themes are read from theme.xml.",
            "Themes are read from theme.json.",
            "the same sentence with another value",
        ),
        (
            "Ada owns the ledger module.",
            "Ben owns the ledger module.",
            "the same sentence with another value",
        ),
        ("The forum is served by Jetty.", "Tomcat serves the forum.", "the same sentence with another value"),
        ("User writes in Polish.", "The user wants Danish from now on.", "another taste"),
        ("User is in Oslo.", "User has moved to Kyoto.", "another taste"),
        (
            "The bot lints with jshint on every push.",
            "We dropped jshint; the bot runs oxlint now.",
            "named as over",
        ),
        ("Invoices moved to Odoo.", "We left Odoo: invoices are in SAP under fi/ar.", "named as over"),
        ("Contracts are checked by Imke.", "Rolf checks contracts instead of Imke.", "named as over"),
        (
            "The robot is built for Zephyr 3.",
            "Robot compiles in strict mode with Zephyr 4.",
            "another version",
        ),
        ("The design review is at 9:30 on Fridays.", "The design review moved to 10:15.", "another quantity"),
        ("Guests may rate dishes.", "Guests must rate dishes.", "denied"),
    ],
)
def test_each_rule_ends_what_it_is_for(older: str, newer: str, rule: str) -> None:
    evidence = ended(older, newer)
    assert evidence is not None
    assert (evidence.rule, evidence.certain) == (rule, True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Plots are drawn by a perl script.", "Plots are produced by gnuplot as of today."),
        (
            "Sketches are saved on the plotter.",
            "Sketches go to the shared drive now, the plotter has no disk.",
        ),
    ],
)
def test_what_only_seems_to_have_changed_is_not_certain(older: str, newer: str) -> None:
    evidence = ended(older, newer)
    assert evidence is not None
    assert not evidence.certain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("In production the queue keeps jobs for 3 days.", "Locally the queue keeps jobs for 5 minutes."),
        ("The staging robot was flashed with Zephyr 4.", "The production robot has Zephyr 3."),
        ("Android icons are drawn by hand.", "iOS icons are drawn by a script."),
        ("Mona drafts in Vim.", "Kai drafts in Nano."),
        ("The label printer uses ZPL.", "The invoice printer uses PCL."),
        ("The kiosk app no longer supports Firefox 90.", "The desk app supports Firefox 90."),
        ("Totals in v1 of the report include tips.", "Totals in v2 of the report are net."),
        ("Orders before 2021 are on paper.", "Orders from 2021 on are in the ERP."),
        ("The idle timeout is 40 s.", "The write timeout is 4 s."),
        ("The forecast for Spain looks 28 days ahead.", "The forecast for Norway looks 14 days ahead."),
        ("`auth`: now reads the token from a cookie.", "`mail`: reads the token from a file."),
        ("User wants short titles.", "User wants titles in Polish."),
        ("User likes tabs.", "Jan likes spaces."),
        ("Olga leads team Gamma.", "Team Delta has a new lead: Ruben."),
        ("The plotter retries 3 times.", "The plotter was repainted in green."),
    ],
)
def test_facts_of_other_things_contexts_and_attributes_hold_side_by_side(one: str, other: str) -> None:
    assert ended(one, other) is None
    assert ended(other, one) is None


@pytest.mark.parametrize(
    "newer",
    [
        "We plan to move invoices from Odoo to SAP.",
        "Maybe invoices should move to SAP.",
        "Were invoices moved from Odoo to SAP?",
        "Previously invoices were kept on paper.",
        "Invoices are also in SAP.",
    ],
)
def test_plans_questions_history_and_additions_end_nothing(newer: str) -> None:
    assert ended("Invoices are in Odoo.", newer) is None


def test_what_says_the_same_ends_nothing() -> None:
    assert ended("Recipes were moved to Odoo.", "We moved the recipes to Odoo.") is None


def test_a_note_about_much_is_not_over_when_one_of_its_topics_is() -> None:
    news = "Bugsnag was dropped, crashes go to Airbrake."
    long = "Bugsnag collects crashes. " + " ".join(f"The w{number} does z{number}." for number in range(60))
    assert ended("Bugsnag collects crashes.", news)
    assert ended(long, news) is None


def test_a_chain_is_followed_step_by_step() -> None:
    steps = [
        "Invoices are on paper.",
        "Invoices moved to Odoo.",
        "We left Odoo: invoices are in SAP under fi/ar.",
    ]
    assert all(ended(older, newer) for older, newer in pairwise(steps))


def test_the_evidence_quotes_what_says_so_and_of_what() -> None:
    evidence = ended(
        "Holidays are booked in Excel.", "Hello all. Holidays have moved from Excel to Odoo, at last."
    )
    assert evidence is not None
    assert evidence.words == (
        "says “Holidays have moved from Excel to Odoo” of what was “Holidays are booked in Excel”"
    )


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("Die Wartung macht Greta.", "Seit Mai macht Ole die Wartung statt Greta."),
        ("Wir testen mit Karma.", "Wir testen nicht mehr mit Karma, sondern mit Vitest."),
        ("Der Drucker hängt an Port 9100.", "Der Drucker hängt an Port 9101."),
        ("Die Bilder liegen in Nextcloud.", "Die Bilder sind von Nextcloud nach Immich umgezogen."),
    ],
)
def test_german_is_read_sensibly(older: str, newer: str) -> None:
    assert ended(older, newer)
