"""Whatever the text: no crash, no endless work, and the laws of the judgements."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clock import Stopwatch
from iai_daemon.wording.agreement import disagreement
from iai_daemon.wording.corrections import correction
from iai_daemon.wording.features import features
from iai_daemon.wording.similarity import similarity
from tests.wording import sentences

# Much less than a machine under load needs for anything that is not linear.
SECONDS = 5
SIZE = 64 * 1024

FACTS = [fact for row in sentences.rows("tune_supersession") for fact in row["facts"]]
PIECES = st.sampled_from(
    [
        "the",
        "a",
        "not",
        "no",
        "never",
        "any",
        "more",
        "longer",
        "instead",
        "of",
        "from",
        "to",
        "now",
        "since",
        "`make",
        "test`",
        "was",
        "replaced",
        "by",
        "moved",
        "dropped",
        "gone",
        "is",
        "are",
        "user\n",
        "",
        "",
        "",
        "wants",
        "Redis",
        "redis",
        "5",
        "MB",
        "5",
        "s",
        "3",
        "am",
        "v1",
        "v2",
        "production",
        "staging",
        "iOS",
        ".",
        ",",
        ";",
        ":",
        "?",
        "→",
        "->",
        "(",
        ")",
        '"',
        "'",
        "don't",
        "SIXTY_FOUR",
        "a_b",
        "a/b",
        "a.b",
        "--flag",
        "x=1\n",
        "",
        "",
        "",
        "ünïcödé",
        "日本語",
        "\ue000",
        "\x00",
        "\n",
        "9–17",
        "10k",
        "@x",
        "#y",
        "$5",
        "http://x",
        "1,000",
        "over",
        "under",
        "every",
        "second",
        "half",
        "an",
        "hour",
        "rather",
        "than",
    ]
)
TEXTS = st.one_of(st.text(), st.sampled_from(FACTS), st.lists(PIECES, max_size=40).map(" ".join))


@given(TEXTS, TEXTS)
def test_any_two_texts_can_be_judged(one: str, other: str) -> None:
    a, b = features(one), features(other)
    assert 0 <= similarity(a, b) <= 1
    evidence = correction(a, b)
    assert evidence is None or evidence.words.startswith("says “")


@given(TEXTS, TEXTS)
def test_likeness_and_disagreement_do_not_depend_on_who_comes_first(one: str, other: str) -> None:
    a, b = features(one), features(other)
    assert similarity(a, b) == similarity(b, a)
    assert (disagreement(a, b) is None) == (disagreement(b, a) is None)


@given(TEXTS)
def test_every_text_agrees_with_itself_and_ends_nothing_of_it(text: str) -> None:
    one = features(text)
    assert disagreement(one, features(text)) is None
    assert correction(one, one) is None
    assert similarity(one, one) == (1 if one.heavy or one.light else similarity(one, one))


@given(
    st.sampled_from(FACTS),
    st.sampled_from([" ", "\n", "\t", "  "]),
    st.sampled_from(["", " ", "!", " ;", "."]),
)
def test_spaces_and_the_last_sign_change_nothing(fact: str, space: str, end: str) -> None:
    other = space.join(fact.removesuffix(".").split(" ")) + end
    assert disagreement(features(fact), features(other)) is None


@given(st.sampled_from(FACTS))
def test_a_capital_at_the_beginning_changes_nothing(fact: str) -> None:
    one, other = features(fact), features(fact[0].lower() + fact[1:])
    assert disagreement(one, other) is None
    assert similarity(one, other) == 1


@given(st.sampled_from(FACTS), st.sampled_from(FACTS))
def test_a_judgement_is_the_same_every_time(one: str, other: str) -> None:
    assert correction(features(one), features(other)) == correction(features(one), features(other))


HOSTILE = {
    "one long word": "a" * SIZE,
    "underscores": "a_" * (SIZE // 2),
    "dots": "a." * (SIZE // 2),
    "hyphens": "a-" * (SIZE // 2),
    "slashes": "a/" * (SIZE // 2),
    "quotes": "'" * SIZE,
    "backticks": "`" * SIZE,
    "open code": "`a " * (SIZE // 3),
    "arrows": "→" * SIZE,
    "arrows between words": "a→" * (SIZE // 2),
    "digits": "1" * SIZE,
    "grouped digits": "1,000" * (SIZE // 5),
    "spaces": " " * SIZE,
    "lines": "\n" * SIZE,
    "bullets": "\n - a" * (SIZE // 5),
    "parentheses": "(" * SIZE,
    "runs of 199": ("a_" * 99 + "! ") * (SIZE // 200),
    "emails": ("a" * 90 + "." * 90 + "@ ") * (SIZE // 182),
    "colons": ("a:" * 99 + " ") * (SIZE // 199),
    "words": "we moved it from here to there no longer any more instead of that ; " * (SIZE // 68),
    "other words each": " ".join(f"w{number:x}q" for number in range(SIZE // 7)),
    "json": json.dumps([{"id": number, "a": [1, 2, {"b": None}]} for number in range(1500)]),
    "json in one line": json.dumps([{"id": number} for number in range(6000)], separators=(",", ":")),
    "emoji": "🎉" * (SIZE // 4),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_of_64_kib_takes_long(name: str) -> None:
    text = HOSTILE[name]
    watch = Stopwatch()
    one, other = features(text), features(text[::-1])
    for a, b in ((one, other), (other, one), (one, features("We moved it from here to there."))):
        similarity(a, b)
        disagreement(a, b)
        correction(a, b)
    assert watch.seconds() < SECONDS


def test_other_languages_and_code_are_kept_apart_by_what_differs() -> None:
    for one, other in (
        ("サーバーは東京にあります。", "サーバーは大阪にあります。"),
        ("Serwer stoi w Warszawie.", "Serwer stoi w Krakowie."),
        ('{"port": 8080}', '{"port": 8081}'),
        ("x = compute(a, b)", "x = compute(b, c)"),
        ("SELECT id FROM users", "SELECT id FROM orders"),
    ):
        assert disagreement(features(one), features(other)) is not None
        assert disagreement(features(one), features(one)) is None
