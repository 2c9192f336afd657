"""What a text says, in words: terms, relations, denials, force, contexts."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from iai_daemon.wording.features import MOST_CHARACTERS, OBLIGED, OPTIONAL, PERMITTED, at_hand, features


def listed(keys: Iterable[str]) -> str:
    return " ".join(sorted(keys))


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("The van has 5 seats.", "van 5 seat"),
        ("It has 5+ seats.", "≥ 5 seat"),
        ("It takes 5 s per call.", "5 time"),
        ("Python 3.11 or newer.", "py 3.11 ≥"),
        ("Python 3.11 and later.", "py 3.11 ≥"),
        ("3 or fewer guests.", "3 ≤ guest"),
        ("3 or less.", "3 ≤"),
        ("At least 3 guests.", "≥ 3 guest"),
        ("At most 3 guests.", "≤ 3 guest"),
        ("Up to 3 guests.", "≤ 3 guest"),
        ("At Rome 3 guests.", "rome 3 guest"),
        ("More than 3 guests.", "> 3 guest"),
        ("Fewer than 3 guests.", "< 3 guest"),
        ("More rope than tape.", "more rope tape"),
        ("Larger than 5 MB.", "> 5242880 size"),
        ("Smaller than 5 MB.", "< 5242880 size"),
        ("No more than 3 guests.", "≤ 3 guest"),
        ("No less than 3 guests.", "≥ 3 guest"),
        ("Not later than 5.", "≤ 5"),
        ("Not more rope than tape.", "more rope tape"),
        ("Above 5 MB.", "> 5242880 size"),
        ("Over 5 MB.", "> 5242880 size"),
        ("Below 5 MB.", "< 5242880 size"),
        ("Under 5 MB.", "< 5242880 size"),
        ("Exceeds 5 MB.", "> 5242880 size"),
        ("Beyond 5 MB.", "> 5242880 size"),
        ("Over the sea.", "sea"),
        ("Exceeds the quota.", "above quota"),
        ("> 5 MB.", "> 5242880 size"),
        ("Plan A is best.", "plan a best"),
        ("A plan is best.", "plan best"),
        ("It is plan: A kiln.", "plan kiln"),
        ("A hundred guests.", "100 guest"),
        ("An hour.", "3600 time"),
        ("Half an hour.", "1800 time"),
        ("Once a day.", "1 per day"),
        ("The kiln is on.", "kiln enabl"),
        ("The kiln is off.", "kiln enabl"),
        ("Turn on the kiln.", "turn kiln"),
        ("Turn on.", "turn enabl"),
        ("The kiln is on in May.", "kiln enabl"),
        ("The kiln is on the roof.", "kiln roof"),
        ("Switch off the kiln.", "switch enabl kiln"),
        ("Switch off.", "switch enabl"),
        ("Off the roof.", "off roof"),
        ("The cache is enabled.", "cach enabl"),
        ("The cache is disabled.", "cach enabl"),
        ("The kiln is activated.", "kiln enabl"),
        ("She loves tape.", "tape"),
        ("She hates tape.", "tape"),
        ("It is true.", "true"),
        ("It is false.", "true"),
        ("Only tape.", "only tape"),
        ("Tape nur in Rome.", "tape only rome"),
        ("Merge requests and pull requests.", "pr pr"),
        ("The back end, the front end.", "backend frontend"),
        ("The log in, the sign in.", "login login"),
        ("The sign off by Ada.", "approve ada"),
        ("Code review and time out.", "review timeout"),
        ("The time of review.", "time review"),
        ("Use tape.", "tape"),
        ("We want to use tape.", "tape"),
        ("It may be possible.", ""),
        ("Required tape.", "tape"),
        ("Optional tape.", "tape"),
        ("Forbidden tape.", "tape"),
        ("Avoid tape.", "tape"),
        ("Unused tape.", "tape"),
        ("The Kiln glows. Kilns glow.", "kiln glow kiln glow"),
        ("The Kiln glows in Rome: Tape holds.", "kiln glow rome tape"),
        ("WORKERS=8", "workers 8"),
        ("May 3rd and noon.", "5-3 12:00"),
        ("Every second day.", "second day"),
        ("The second day.", "second day"),
        ("Daily walks.", "per day walk"),
        ("Twice.", "2"),
        ("The plan A kilns glow.", "plan a kiln glow"),
        ("Turn on", "turn enabl"),
        ("Turn on, turn on", "turn enabl turn enabl"),
        ("Pull request tape.", "pr tape"),
        ("Kilns of at least", "kiln ≥"),
        ("Kilns no more than", "kiln more"),
        ("Kilns more than", "kiln more"),
        ("Kilns exceed", "kiln above"),
        ("Kilns over", "kiln"),
        ("Plan A", "plan a"),
        ("Kilns not", "kiln"),
        ("Kilns by a", "kiln"),
        ("Merge", "merg"),
        ("Half", "half"),
        ("Half an", "half"),
        ("At least kilns glow.", "≥ kiln glow"),
        ("The kiln is on: tape.", "kiln enabl tape"),
        ("The kiln is on and glows.", "kiln enabl glow"),
        ("On.", ""),
        ("On", ""),
        ("Stay on", "enabl"),
    ],
)
def test_a_text_is_about_its_terms_in_order(text: str, about: str) -> None:
    assert " ".join(features(text).terms) == about


@pytest.mark.parametrize(
    ("text", "related"),
    [
        (
            "Copy data from staging to local before the deploy.",
            {"from": "stage", "to": "local", "before": "deploy"},
        ),
        ("Walk from Rome.", {"from": "rome"}),
        ("Walk out of Rome.", {"from": "rome"}),
        ("Walk into Rome.", {"to": "rome"}),
        ("As of May it walks.", {"since": "walk"}),
        ("Tape instead of glue.", {"instead": "glue"}),
        ("Instead of glue tape.", {"instead": "glue tape"}),
        ("Tape rather than glue.", {"instead": "glue"}),
        ("Tape is more than glue.", {}),
        ("Other than glue.", {}),
        ("Less glue than tape.", {"instead": "tape"}),
        ("Walk because of rain in Rome.", {"in": "rome"}),
        ("In favour of tape.", {"in": "favour tape"}),
        ("In place of tape.", {"of": "tape"}),
        ("Get rid of tape.", {"of": "tape"}),
        ("This kind of tape.", {}),
        ("Inside of Rome.", {"of": "rome"}),
        ("Tape of Rome.", {"of": "rome"}),
        ("Walk to Rome when it rains.", {"to": "rome"}),
        ("Walk to Rome, tape.", {"to": "rome"}),
        ("Walk in Rome and eat.", {"in": "rome"}),
        ("Walk in Rome while eating.", {"in": "rome"}),
        ("Prior to lunch.", {"before": "lunch"}),
        ("Until lunch, since May.", {"until": "lunch until"}),
        (
            "Nach Rom, vor Mai, bis Juni, seit Juli.",
            {"after": "rom", "before": "mai vor", "until": "bis juni", "since": "juli"},
        ),
        (
            "Mit Leim, ohne Papier, durch Rom, von Ada, auf Malta, für Ben.",
            {"with": "leim", "by": "rom", "from": "ada", "on": "malta", "for": "ben"},
        ),
        ("With tape by Ada via Rome through Oslo.", {"with": "tape", "by": "ada", "via": "oslo rome"}),
        (
            "About tape, around Rome, across Oslo, along Nile.",
            {"about": "tape", "around": "rome", "across": "oslo", "along": "nile"},
        ),
        (
            "Between Rome, during May, against Ada, toward Oslo, near Nile.",
            {
                "between": "between rome",
                "against": "ada against",
                "toward": "oslo toward",
                "near": "near nile",
            },
        ),
        (
            "Unless rain, except snow, behind walls, at home, on Malta.",
            {
                "unless": "rain unless",
                "except": "except snow",
                "behind": "behind wall",
                "at": "home",
                "on": "malta",
            },
        ),
        ("Over 5 in Rome.", {"in": "rome"}),
        ("In 5 days.", {"in": "432000 time"}),
    ],
)
def test_what_stands_behind_a_preposition_is_told_by_it(text: str, related: dict[str, str]) -> None:
    assert {side: listed(keys) for side, keys in features(text).related.items()} == related


@pytest.mark.parametrize(
    ("text", "denial"),
    [
        ("Do not cache it.", (1, "cach")),
        ("Never cache it.", (1, "cach")),
        ("Nobody may push.", (1, "push")),
        ("No tape, no glue.", (2, "glue tape")),
        ("None of it glows.", (1, "glow")),
        ("Nothing glows.", (1, "glow")),
        ("Tape without glue.", (1, "glue")),
        ("Neither tape nor glue.", (2, "glue tape")),
        ("Not only tape.", (0, "")),
        ("Not tape. Glue.", (1, "tape")),
        ("Not: glue.", (1, "")),
        ("It need not glow.", (1, "glow")),
        ("It must not glow.", (1, "glow")),
        ("It does not need glue.", (1, "glue")),
        ("Kein Leim, keine Rohre, nie Papier, niemals Rom, niemand hier.", (5, "leim papier rohr rom")),
        ("It is forbidden.", (1, "")),
        ("It is not forbidden.", (2, "")),
        ("It cannot glow.", (1, "glow")),
        ("It is off.", (1, "")),
        ("Unable to walk.", (1, "")),
        ("Not more than tape.", (1, "more")),
        ("No later than 5.", (0, "")),
        ("No-one walks.", (1, "walk")),
    ],
)
def test_what_is_denied_is_counted_and_named(text: str, denial: tuple[int, str]) -> None:
    assert (features(text).denials, listed(features(text).denied)) == denial


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("It must glow.", OBLIGED),
        ("It should glow.", OBLIGED),
        ("It shall glow.", OBLIGED),
        ("It may glow.", PERMITTED),
        ("It can glow.", PERMITTED),
        ("It could glow.", 0),
        ("It is allowed.", PERMITTED),
        ("It is permitted.", PERMITTED),
        ("It is able to glow.", PERMITTED),
        ("It ought to glow.", OBLIGED),
        ("Glue is required.", OBLIGED),
        ("Glue is mandatory.", OBLIGED),
        ("Glue is necessary.", OBLIGED),
        ("Glue is optional.", OPTIONAL),
        ("Glue is not required.", OPTIONAL),
        ("It must not glow.", OBLIGED),
        ("It must glow or may glow.", OBLIGED | PERMITTED),
        ("It need not glow.", OPTIONAL),
        ("It requires not glue.", OPTIONAL),
        ("Glue.", 0),
        ("Er muss gehen.", OBLIGED),
        ("Er darf gehen.", PERMITTED),
        ("Er soll gehen, er kann gehen.", OBLIGED | PERMITTED),
        ("It must glow. Glue is optional.", OBLIGED | OPTIONAL),
        ("It is not possible to glow.", 0),
    ],
)
def test_what_obliges_permits_or_leaves_open_is_told(text: str, modality: int) -> None:
    assert features(text).modality == modality


@pytest.mark.parametrize(
    ("text", "copula"),
    [
        ("Ada is glad.", True),
        ("Ada is running.", False),
        ("Ada runs.", False),
        ("Ada greets Ben.", False),
        ("Ada greets Ben, glad.", True),
        ("Ada was greeted.", True),
        ("The kiln gets glue.", False),
        ("Ada greets Ben; glad.", False),
        ("Ist Ada da.", True),
        ("Ada, glad.", True),
        ("So Ada is", True),
        ("Ada is.", True),
        ("Ada", False),
    ],
)
def test_the_order_of_words_tells_nothing_where_something_is_said_to_be(text: str, copula: bool) -> None:
    assert features(text).copula is copula


@pytest.mark.parametrize(
    ("text", "contexts"),
    [
        ("In production the TTL is 7 s on Android.", {"environment": "prod", "platform": "android"}),
        ("Staging and production.", {"environment": "prod stage"}),
        ("The old web app in Germany.", {"tense": "old", "platform": "web", "country": "germany"}),
        ("Weekdays at night.", {"day": "weekday", "time": "night"}),
        ("Tape.", {}),
    ],
)
def test_where_a_fact_holds_is_told_by_its_words(text: str, contexts: dict[str, str]) -> None:
    assert {where: listed(keys) for where, keys in features(text).contexts.items()} == contexts


@pytest.mark.parametrize(
    ("text", "light"),
    [
        ("We use tape and run it.", "run use"),
        ("Keep the kiln.", "keep"),
        ("Keep and use it.", "keep use"),
        ("We want glue.", "want"),
        ("It may glow.", "may"),
        ("Require glue, possible glue.", "possibl require"),
        ("Find 5 kilns.", "find"),
    ],
)
def test_what_adds_little_is_kept_apart(text: str, light: str) -> None:
    assert listed(features(text).light) == light


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("We moved the docs to Netlify.", "doc netlify"),
        ("The migration to Rust.", "migr rust"),
        ("Tape now replaces glue.", "glue tape"),
        ("Since Monday in Rome.", "rome"),
        ("Double glue.", "doubl glue"),
    ],
)
def test_what_tells_of_change_alone_is_no_topic(text: str, topic: str) -> None:
    assert listed(features(text).topic) == topic


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            "5 seats and 5 MB in v2 for $5 at 9:30.",
            {"5": "number", "5242880 size": "size", "2": "version", "$5": "money", "9:30": "clock"},
        ),
        ("5 seats.", {"5": "number"}),
        ("Ada greets Ben in Rome.", {"ben": "name", "rome": "name"}),
        ("A plan A.", {"a": "name"}),
        ("`make` and API and SIZE_MAX.", {"make": "identifier", "api": "name", "size_max": "variable"}),
        ("Daily at noon.", {"per day": "rate", "12:00": "clock"}),
        ("80% of 3 months.", {"80 share": "share", "3 calendar": "calendar"}),
        ("Plan. Ada: Ben; Cid? Dan, Eve.", {"eve": "name"}),
        (
            "use/it #ops -v a@b.de https://x.y abc1234 camelCase.",
            {
                "use/it": "path",
                "#ops": "channel",
                "-v": "flag",
                "a@b.de": "email",
                "https://x.y": "url",
                "abc1234": "hash",
                "camelcase": "identifier",
            },
        ),
    ],
)
def test_values_and_names_are_known_by_their_kind(text: str, kinds: dict[str, str]) -> None:
    assert features(text).kinds == kinds


def test_each_term_is_known_by_the_token_that_it_begins_at() -> None:
    found = features("At least 5 MB of tape, per day.")
    assert found.terms == ("≥", "5242880 size", "tape", "per day")
    assert found.places == (0, 2, 5, 7)
    assert [found.tokens[place].raw for place in found.places] == ["At", "5", "tape", "per"]
    assert found.heavy == set(found.terms)


def test_what_is_too_long_to_be_read_is_kept_as_it_is() -> None:
    assert MOST_CHARACTERS == 16_384
    assert features("x" * 16_384).rest == ""
    assert features("x " * 8192 + "Then  IT\nends.").rest == "then it ends."
    assert features("x" * 16_385).rest == "x"


def test_of_a_long_text_the_first_3000_words_are_terms() -> None:
    assert len(features("x " * 3500).terms) == 3000


def test_the_topic_is_in_the_first_160_tokens() -> None:
    assert features("x " * 159 + "kiln").topic == {"x", "kiln"}
    assert features("x " * 160 + "kiln").topic == {"x"}


def test_short_texts_are_kept_at_hand_and_long_ones_are_read_again() -> None:
    short, long = "x" * 2000, "x" * 2001
    assert at_hand(short) is at_hand(short)
    assert at_hand(long) is not at_hand(long)
    assert at_hand(long) == features(long)


def test_the_claim_is_made_once() -> None:
    found = features("We dropped flake8.")
    assert found.claim is found.claim
    assert found.claim.ended == (frozenset({"flake8"}),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The kiln is on.", "The kiln is enabled."),
        ("Guests cannot push.", "Guests can not push."),
        ("DON'T push.", "Don't push."),
        ("No-one walks.", "Nobody walks."),
        ("Wash prior to lunch.", "Wash before lunch."),
        ("Turn on the radio when the kiln is on.", "Turn on the radio when the kiln is enabled."),
    ],
)
def test_two_ways_of_saying_one_thing_have_the_same_features(one: str, other: str) -> None:
    a, b = features(one), features(other)
    assert (a.heavy, a.denials, a.denied, a.modality) == (b.heavy, b.denials, b.denied, b.modality)


def test_what_was_made_of_a_text_does_not_tell_it_from_the_same_text() -> None:
    one = features("We dropped flake8.")
    assert one.claim.ended
    assert one == features("We dropped flake8.")
    assert "claim" not in repr(one)


def test_obliging_permitting_and_leaving_open_can_be_said_together() -> None:
    assert (OBLIGED, PERMITTED, OPTIONAL) == (1, 2, 4)
