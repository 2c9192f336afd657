"""Texts taken apart: words, values in their normal form, denials, limits, contexts."""

from __future__ import annotations

import pytest

from iai_daemon.wording.features import OBLIGED, OPTIONAL, PERMITTED, features
from iai_daemon.wording.tokens import BREAK, stem, tokens


def kinds(text: str) -> dict[str, str]:
    return {token.raw: token.kind for token in tokens(text, 99) if token.kind != BREAK}


def keys(text: str) -> list[str]:
    return [token.key for token in tokens(text, 99) if token.kind != BREAK]


@pytest.mark.parametrize(
    "forms",
    [
        "deploy deploys deployed deploying deployment deployments",
        "migrate migrates migrated migration migrations",
        "cache caches cached caching",
        "repo repository repositories",
        "config configuration configure",
        "run runs ran running",
        "write writes wrote written writing",
        "copy copies copied copying",
        "responsible responsibility",
    ],
)
def test_the_forms_of_a_word_are_one(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "pair", ["note not", "product production", "order sort", "import importer", "log login"]
)
def test_other_words_stay_apart(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://a.dev/x", "url"),
        ("root@acme.io", "email"),
        ("src/app/main.py", "path"),
        (".env", "path"),
        ("config.yaml", "path"),
        ("DATABASE_URL", "variable"),
        ("--dry-run", "flag"),
        ("#ops-alerts", "channel"),
        ("abc1234", "hash"),
        ("snake_case", "identifier"),
        ("camelCase", "identifier"),
        ("us-east-1", "identifier"),
        ("gpt-4o", "identifier"),
        ("ingress-nginx", "identifier"),
        ("ci-base:3", "identifier"),
        ("db1.internal", "identifier"),
        ("OrderService", "name"),
        ("SQS", "name"),
        ("v1.2.3", "version"),
        ("9:30", "clock"),
        ("2024-05-01", "date"),
        ("$29", "money"),
        ("8081", "number"),
    ],
)
def test_a_value_is_known_by_its_form(text: str, kind: str) -> None:
    assert kinds(f"It is {text}.")[text] == kind


def test_ordinary_hyphens_are_words_and_known_ones_one_word() -> None:
    assert keys("a long-running server-side back-end e-mail") == [
        "a",
        "verbose",
        "run",
        "server",
        "side",
        "backend",
        "email",
    ]


def test_contractions_and_possessives_are_taken_apart() -> None:
    assert keys("don't can't isn't won’t the user's") == [
        "do",
        "not",
        "can",
        "not",
        "is",
        "not",
        "will",
        "not",
        "the",
        "user",
    ]


def test_what_stands_between_backticks_is_literal() -> None:
    assert kinds("Run `make test --fast` now.")["make"] == "identifier"


def test_an_assignment_says_that_the_name_is_the_value() -> None:
    assert features("WORKERS=8").terms == ("workers", "8")
    assert features("WORKERS is 8").heavy == features("WORKERS=8").heavy


@pytest.mark.parametrize(
    "same",
    [
        ("5 s", "5 seconds", "5000 ms", "5s"),
        ("5 MB", "5MB", "5120 KB"),
        ("1 GB", "1024 MB"),
        ("two weeks", "14 days"),
        ("half an hour", "30 minutes", "30 min"),
        ("an hour", "60 min", "1 h"),
        ("3 am", "03:00", "3:00"),
        ("3 pm", "15:00"),
        ("1,000 calls", "1000 calls", "1k calls"),
        ("May 3rd", "3 May", "3rd of May"),
        ("daily", "every day", "each day"),
        ("100 requests per minute", "100 requests a minute", "100 requests/min"),
        ("$12", "12 USD"),
        ("80 %", "80%", "80 percent"),
        ("three retries", "3 retries"),
        ("at least two reviewers", "no less than two reviewers"),
        ("at most 3 items", "up to 3 items", "no more than 3 items"),
        ("3.11+", "3.11 or newer"),
        ("more than 5 MB", "above 5 MB", "over 5 MB"),
    ],
)
def test_one_quantity_has_one_form(same: tuple[str, ...]) -> None:
    assert len({features(f"It is {text}").heavy for text in same}) == 1, [
        features(text).terms for text in same
    ]


@pytest.mark.parametrize(
    "apart",
    [
        ("5 MB", "20 MB"),
        ("5 s", "5 min"),
        ("5 minutes", "5"),
        ("30 days", "1 month"),
        ("3 am", "3 pm"),
        ("at least 2", "at most 2"),
        ("100 per minute", "100 per hour"),
        ("Python 3.10", "Python 3.1"),
        ("version 2.0.1", "version 2.1.0"),
        ("10 requests/min", "10 requests/h"),
    ],
)
def test_two_quantities_have_two(apart: tuple[str, str]) -> None:
    assert features(apart[0]).heavy != features(apart[1]).heavy


@pytest.mark.parametrize(
    ("text", "denials", "denied"),
    [
        ("Do not cache it.", 1, {"cach"}),
        ("Never cache it.", 1, {"cach"}),
        ("Nobody may push.", 1, {"push"}),
        ("Pushing is forbidden.", 1, set()),
        ("The cache is disabled.", 1, set()),
        ("Cache it.", 0, set()),
        ("No more than 3 items.", 0, set()),
        ("Den Korb nicht leeren.", 1, {"leeren"}),
    ],
)
def test_what_is_denied_is_counted(text: str, denials: int, denied: set[str]) -> None:
    found = features(text)
    assert (found.denials, found.denied) == (denials, denied)


def test_what_is_forbidden_is_not_allowed() -> None:
    assert (
        features("Pushing to main is forbidden.").heavy
        == features("It is not allowed to push to main.").heavy
    )


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("It must be signed.", OBLIGED),
        ("It may be signed.", PERMITTED),
        ("It need not be signed.", OPTIONAL),
        ("The linter is optional.", OPTIONAL),
        ("It is signed.", 0),
    ],
)
def test_obliging_and_permitting_are_told_apart(text: str, modality: int) -> None:
    assert features(text).modality == modality


def test_each_preposition_has_its_terms() -> None:
    assert features("Copy data from staging to local before the deploy.").related == {
        "from": {"stage"},
        "to": {"local"},
        "before": {"deploy"},
    }


def test_where_a_fact_holds_is_its_context() -> None:
    assert features("In production the TTL is 7 s on Android.").contexts == {
        "environment": {"prod"},
        "platform": {"android"},
    }
