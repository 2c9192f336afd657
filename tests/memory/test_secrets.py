"""What counts as a secret and what does not, case by case; tests/stores has a text for each shape. No value here was ever in use;
those with an issuer's shape are put together when the test runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from iai_daemon.memory.record import Draft
from iai_daemon.memory.secrets import Redacted, Secret, find, redact, redact_draft

# Letters and figures, no two alike next to each other, and of each as many as are wanted.
LOT = "q7Zr2Kx9Lm4Vb8Nc3Wd6Ty5Hp1Gf0Js" * 9
HEX = "9f8e7d6c5b4a39281706" * 9
UPPER = "Q7Z2K5X3L4V6B2N3" * 9
# As long, and not drawn by lot.
PLAIN = "abc" * 100


def kinds(text: str) -> tuple[str, ...]:
    return redact(text).kinds


# --- shapes


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("GitLab token", "glpat-{}"),
        ("Slack token", "xoxb-{}"),
        ("Slack token", "xapp-1-{}"),
        ("Slack webhook", "https://hooks.slack.com/services/{}"),
        ("Anthropic key", "sk-ant-{}"),
        ("OpenAI key", "sk-{}"),
        ("Google token", "ya29.{}"),
        ("Stripe key", "sk_live_{}"),
        ("Stripe key", "whsec_{}"),
        ("Hugging Face token", "hf_{}"),
        ("npm token", "npm_{}"),
        ("SendGrid key", "SG.{}.rest-of-the-value-that-is-as-long-as-it"),
        ("Vault token", "hvs.{}"),
        ("authorization header", "Authorization: Bearer {}"),
    ],
)
def test_what_other_things_look_like_as_well_counts_only_where_it_is_drawn_by_lot(
    kind: str, text: str
) -> None:
    length = {"npm token": 36, "Hugging Face token": 36, "SendGrid key": 22}.get(kind, 40)
    assert kinds(f"It is {text.format(LOT[:length])} now") == (kind,)
    assert kinds(f"It is {text.format(PLAIN[:length])} now") == ()


def test_a_bot_whose_key_is_not_drawn_by_lot_is_none() -> None:
    assert kinds(f"1234567890:AA{LOT[:33]}") == ("Telegram token",)
    assert kinds(f"1111111111:AA{'A' * 33}") == ()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("AWS access key", "AKIA" + "A" * 16),
        ("GitHub token", "ghp_" + PLAIN[:36]),
        ("GitHub token", "github_pat_" + PLAIN[:60]),
        ("Google key", "AIza" + PLAIN[:35]),
        ("Google client secret", "GOCSPX-" + PLAIN[:28]),
        ("PyPI token", "pypi-AgE" + PLAIN[:60]),
        ("DigitalOcean token", "dop_v1_" + "a" * 64),
        ("Databricks token", "dapi" + "a" * 32),
        ("age key", "AGE-SECRET-KEY-1" + "A" * 58),
        ("Azure key", "AccountKey=" + PLAIN[:86] + "=="),
        ("JSON web token", f"eyJ{PLAIN[:20]}.eyJ{PLAIN[:20]}.{PLAIN[:20]}"),
    ],
)
def test_what_nothing_else_looks_like_counts_whatever_it_is(kind: str, text: str) -> None:
    assert kinds(f"It is {text} now") == (kind,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("glpat " + "gl" + LOT[:20], None),
        ("no gl here: xpat-" + LOT[:20], None),
        ("AccountKey=" + LOT[:59], None),
        ("ACCOUNTKEY=" + LOT[:60], None),
        ("accountkey=" + LOT[:60], "Azure key"),
    ],
)
def test_what_is_cut_off_or_named_otherwise_is_none(text: str, kind: str | None) -> None:
    assert [each for each in kinds(text) if each == "Azure key"] == ([kind] if kind else [])


# --- where they stand


def test_each_is_told_with_where_it_stands() -> None:
    text = f"AKIA{UPPER[:16]} and password: Tr0ub4dor&3."
    assert find(text) == [Secret("AWS access key", 0, 20), Secret("password", 35, 46)]
    assert redact(text) == Redacted(
        "[secret: AWS access key] and password: [secret: password].", ("AWS access key", "password")
    )


def test_one_right_behind_another_is_one_of_its_own() -> None:
    key = f"-----BEGIN PRIVATE KEY-----\n{LOT[:64]}\n-----END PRIVATE KEY-----"
    text = f"{key}AKIA{UPPER[:16]}"
    assert find(text) == [
        Secret("private key", 0, len(key)),
        Secret("AWS access key", len(key), len(text)),
    ]


def test_of_two_at_one_place_the_longer_is_told_and_none_within_another() -> None:
    token = f"hvs.{LOT[:30]}"
    assert find(f"token={token}&x=1") == [Secret("key or token", 6, 44)]
    assert find(f"postgres://a:ghp_{LOT[:36]}@h") == [Secret("GitHub token", 13, 53)]


def test_kinds_are_told_in_their_order_each_once() -> None:
    text = f"password: Tr0ub4dor&3, AKIA{UPPER[:16]}, password: hunter2xyz"
    assert kinds(text) == ("password", "AWS access key")


def test_a_text_without_one_stays_as_it_is() -> None:
    assert redact("") == Redacted("", ())
    assert redact("The port is 8081.") == Redacted("The port is 8081.", ())


# --- passwords that are given


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("db is postgres://app:x@h", "x"),
        ("postgres://app:PASSWORD@h", None),
        ("postgres://app:example-1@h", None),
        ("curl -u app:abc http://h", "abc"),
        ("curl --user app:abc http://h", "abc"),
        ("curl --user='app:abc' http://h", "abc"),
        ("curl -u app:Secret http://h", None),
        ("curl -u app:changeme http://h", None),
        ("wget -u app:abc http://h", None),
    ],
)
def test_where_there_is_no_doubt_all_but_a_placeholder_counts(text: str, value: str | None) -> None:
    found = [text[each.start : each.end] for each in find(text)]
    assert found == ([] if value is None else [value])
    kind = "password in a URL" if "://app" in text else "password"
    assert kinds(text) == ((kind,) if found else ())


# --- what is named


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("abc12", False),
        ("abc123", True),
        ("Tr0ub4dor&3", True),
        ("abcdef", False),
        ("Abcdef", False),
        ("ABCDEF", False),
        ("abcDef", False),
        ("aBcDeFg", False),
        ("aBCdefg", True),
        ("^^^^^^", True),
        ("&&&&&&", False),
        ("required", False),
        ("REQUIRED", False),
        ("changeme1", False),
        ("$PASSWORD1", False),
        ("/run/secrets/db1", False),
        ("2026-11-21", False),
        ("sha256", False),
        ("argon2id", False),
        ("oauth2-proxy", False),
        ("base64-encoded", False),
        ("config/settings-v2.yaml", False),
        ("abc-d1e2f3", True),
        ("abcd-d1ef", True),
        ("abcde-d1ef", False),
        ("90days", False),
        ("12345678", False),
        ("1234567x9", True),
    ],
)
def test_a_password_is_what_no_ordinary_word_is(value: str, is_one: bool) -> None:
    assert kinds(f"password: {value}") == (("password",) if is_one else ())


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("q7Zr2Kx9L", False),
        ("q7Zr2Kx9Lm", True),
        ("qwZrtKxgLmq", False),
        ("7184937261-", False),
        ("a1a1a1a1a1a1", False),
        ("abc1abc2abc1", False),
        ("abcd1234efab", True),
        ("x9KeyqP0aaZ7", False),
        ("x9TokenqP0aZ7", False),
        ("x9keyqP0aaZ7", True),
    ],
)
def test_a_key_is_longer_and_drawn_by_lot_and_does_not_name_itself(value: str, is_one: bool) -> None:
    assert kinds(f"token: {value}") == (("key or token",) if is_one else ())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("DB_PASSWORD=wordword", "password"),
        ("PASSWORD=wordword", "password"),
        ("PASSWORD: wordword", None),
        ("password=wordword", None),
        ("PASSWORD=short", None),
        ("PASSWORD=required", None),
        ("API_TOKEN=wordwordword", None),
        ("API_TOKEN=q7Zr2Kx9Lm", "key or token"),
    ],
)
def test_to_a_variable_of_the_environment_a_word_is_a_password_too(text: str, kind: str | None) -> None:
    assert kinds(text) == ((kind,) if kind else ())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("password: hunter2x.", "password: [secret: password]."),
        ("password: hunter2x!?:", "password: [secret: password]!?:"),
        ("password: hunter2x(", "password: hunter2x("),
        ("password: hunter2x[0]", "password: hunter2x[0]"),
        ("password: hunter2x(); password: hunter3x", "password: hunter2x(); password: [secret: password]"),
        ("password: hunt2.", "password: hunt2."),
        ("password: 'hunter2x'", "password: '[secret: password]'"),
        ("`password` `hunter2x`", "`password` `[secret: password]`"),
        ("PASSWORT IST hunter2x", "PASSWORT IST hunter2x"),
        ("das Kennwort lautet hunter2x", "das Kennwort lautet [secret: password]"),
        ("パスワード：hunter2x", "パスワード：[secret: password]"),
        ("compass: hunter2x", "compass: hunter2x"),
    ],
)
def test_of_what_is_named_the_value_alone_goes(text: str, kept: str) -> None:
    assert redact(text).text == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mysql --password hunter2x", "mysql --password [secret: password]"),
        ("mysql --db-password=hunter2x", "mysql --db-password=[secret: password]"),
        ("run --auth-token q7Zr2Kx9Lm", "run --auth-token [secret: key or token]"),
        ("run --token wordwordword", "run --token wordwordword"),
        ("mysql --password required", "mysql --password required"),
    ],
)
def test_what_an_option_is_given_goes(text: str, kept: str) -> None:
    assert redact(text).text == kept


# --- whole memories

MARKED = "[secret: password]"


@pytest.mark.parametrize(
    ("about", "kept"),
    [
        ({"attribute": "password"}, MARKED),
        ({"subject": "password"}, MARKED),
        ({"subject": "password", "attribute": "port"}, "hunter2xyz"),
        ({"subject": "staging", "attribute": "password"}, MARKED),
        ({"subject": "staging"}, "hunter2xyz"),
        ({}, "hunter2xyz"),
    ],
)
def test_a_bare_value_is_judged_by_its_attribute_and_else_by_its_subject(
    about: dict[str, str], kept: str
) -> None:
    told = Draft("hunter2xyz", **about)  # type: ignore[arg-type]
    expected = replace(told, content=kept, redacted=("password",) if kept == MARKED else ())
    assert redact_draft(told) == expected


def test_a_sentence_is_not_judged_by_its_attribute() -> None:
    told = Draft("hunter2xyz forever", attribute="password")
    assert redact_draft(told) is told


@pytest.mark.parametrize("place", ["content", "subject", "attribute", "source"])
def test_a_secret_goes_from_every_text(place: str) -> None:
    texts: dict[str, Any] = {"content": "two words"}
    told = Draft(**texts | {place: "password: hunter2xyz"})
    assert redact_draft(told) == Draft(**texts | {place: f"password: {MARKED}"}, redacted=("password",))


def test_tags_keep_their_number_and_their_order() -> None:
    told = Draft("two words", tags=("a", "password: hunter2xyz", "b"))
    assert redact_draft(told) == replace(told, tags=("a", f"password: {MARKED}", "b"), redacted=("password",))


def test_what_was_taken_out_before_is_told_first_and_each_kind_once() -> None:
    told = Draft(
        f"password: hunter2xyz, AKIA{UPPER[:16]}",
        source="password: hunter2xyz",
        redacted=("Azure key", "password"),
    )
    assert redact_draft(told).redacted == ("Azure key", "password", "AWS access key")


def test_ids_scope_and_session_are_names_and_stay() -> None:
    name = "password: hunter2xyz"
    told = Draft("two words", external_id=name, kind=name, scope=name, session=name, client=name)
    assert redact_draft(told) is told
