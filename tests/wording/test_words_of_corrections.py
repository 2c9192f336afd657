"""How it is said that a newer sentence ends an older one, and which are too long for it."""

from __future__ import annotations

import pytest

from tests.wording.ending import ended


def words_of(older: str, newer: str) -> str:
    evidence = ended(older, newer)
    assert evidence is not None
    return evidence.words


@pytest.mark.parametrize(
    ("older", "newer", "words"),
    [
        (
            "Forms come from Rome.",
            "Forms come from Oslo.",
            "says “Forms come from Oslo” of what was “Forms come from Rome”",
        ),
        (
            "The build uses Vite.",
            "We dropped Vite.",
            "says “We dropped Vite” of what was “The build uses Vite”",
        ),
        (
            "The build uses Vite (for all).",
            "Tape holds; we dropped Vite, at last.",
            "says “we dropped Vite” of what was “The build uses Vite (for all)”",
        ),
        (
            "The build uses Vite, tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape tape too",
            "We dropped Vite.",
            "says “We dropped Vite” of what was “The build uses Vite, tape tape tape tape tape tape tape tape tape …”",
        ),
        (
            "The build uses Vite for a b c d e f g h i j.",
            "We dropped Vite.",
            "says “We dropped Vite” of what was “The build uses Vite for a b c d e f g h i …”",
        ),
        (
            "The build uses Vite for a b c d e f g h i j k.",
            "We dropped Vite.",
            "says “We dropped Vite” of what was “The build uses Vite for a b c d e f g h i …”",
        ),
        (
            "The build uses x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/ by Vite.",
            "We dropped Vite.",
            "says “We dropped Vite” of what was “The build uses x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/ by Vite”",
        ),
        (
            "Forums: Jetty (or so)!",
            "We replaced Jetty with Tomcat!",
            "says “We replaced Jetty with Tomcat” of what was “Forums: Jetty (or so)!”",
        ),
        (
            "- Forums run on Jetty…",
            "Forums → Jetty, tape; we left Jetty: forums run on Tomcat.",
            "says “Forums → Jetty” of what was “- Forums run on Jetty…”",
        ),
    ],
)
def test_the_evidence_quotes_the_sentence_that_tells_of_the_change_and_the_older_one(
    older: str, newer: str, words: str
) -> None:
    assert words_of(older, newer) == words


def test_a_note_of_more_than_40_topics_is_not_over() -> None:
    names = [f"q{one}{other}" for one in "bcdfghjklm" for other in "bcdfghjklm"]
    assert ended(" ".join(["Vite", *names[:39]]), "We dropped Vite.")
    assert ended(" ".join(["Vite", *names[:40]]), "We dropped Vite.") is None


def test_a_note_of_more_than_80_topics_ends_nothing() -> None:
    names = [f"q{one}{other}" for one in "bcdfghjklm" for other in "bcdfghjklm"]
    assert ended("The build uses Vite.", " ".join(["We dropped Vite;", *names[:79]]))
    assert ended("The build uses Vite.", " ".join(["We dropped Vite;", *names[:80]])) is None
