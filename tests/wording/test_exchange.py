"""Which values can have taken each other's place, and in which sentences one has."""

from __future__ import annotations

import pytest

from iai_daemon.wording.exchange import (
    alike_in_form,
    another_value,
    comparable,
    count_the_same,
    is_quantity,
    kin,
    numbers,
    of_one_kind,
    other_number,
    refer,
)
from iai_daemon.wording.features import features
from iai_daemon.wording.subjects import CLASSES, GENERIC


@pytest.mark.parametrize(
    ("newer", "older", "x", "y", "may"),
    [
        ("kiln 5 s", "kiln 7 s", "5 time", "7 time", True),
        ("kiln 5 s", "kiln 5 s", "5 time", "5 time", False),
        ("kiln 5 s", "kiln 7 MB", "5 time", "7340032 size", False),
        ("5 weeks", "2 months", "3024000 time", "2 calendar", True),
        ("2 months", "5 weeks", "2 calendar", "3024000 time", True),
        ("2 months", "5 MB", "2 calendar", "5242880 size", False),
        ("port 80", "port 81", "80", "81", True),
        ("port 80", "kiln 81", "80", "81", False),
        ("80 kilns", "81 kilns", "80", "81", True),
        ("80 kilns", "81 vans", "80", "81", False),
        ("port 80 kilns", "port 81 vans", "80", "81", False),
        ("port v1.2", "port v1.3", "1.2", "1.3", True),
        ("port 80", "port v1.3", "80", "1.3", True),
        ("80", "81", "80", "81", False),
        ("kiln port 80", "port kiln 81", "80", "81", False),
        ("80 port", "port 81", "80", "81", True),
        ("redis", "kafka", "redis", "kafka", True),
        ("redis", "jest", "redis", "jest", False),
        ("the code", "vim", "code", "vim", False),
        ("built with code", "vim", "code", "vim", True),
        ("`code`", "vim", "code", "vim", True),
        ("vim", "the code", "vim", "code", False),
        ("vim", "in code", "vim", "code", True),
        ("tape", "glue", "tape", "glue", False),
        ("$5", "$6", "$5", "$6", True),
        ("9:30", "9:45", "9:30", "9:45", True),
        ("80%", "70%", "80 share", "70 share", True),
        ("daily", "weekly", "per day", "per week", True),
        ("1-5", "2-6", "1-5", "2-6", True),
        ("May 3", "May 4", "5-3", "5-4", True),
    ],
)
def test_values_of_one_kind_can_have_taken_each_others_place(
    newer: str, older: str, x: str, y: str, may: bool
) -> None:
    assert comparable(x, y, features(newer), features(older)) is may


@pytest.mark.parametrize(
    ("newer", "older", "x", "y", "alike"),
    [
        ("Rome A", "`a`", "rome", "a", False),
        ("in Rome", "in Oslo", "rome", "oslo", True),
        ("in Rome", "in rome", "rome", "rome", False),
        ("x.py", "y.py", "x.py", "y.py", True),
        ("x.py", "`y`", "x.py", "y", True),
        ("x.py", "#y", "x.py", "#y", True),
        ("x.py", "in Oslo", "x.py", "oslo", False),
        ("tape", "glue", "tape", "glue", False),
        ("x.py", "tape", "x.py", "tape", False),
        ("tape", "x.py", "tape", "x.py", False),
        ("-v", "--x", "-v", "--x", True),
        ("a@b.de", "http://x", "a@b.de", "http://x", True),
        ("A_B", "abc1234", "a_b", "abc1234", True),
        ("5", "6", "5", "6", True),
    ],
)
def test_values_look_alike_by_their_form(newer: str, older: str, x: str, y: str, alike: bool) -> None:
    assert alike_in_form(x, y, features(newer), features(older)) is alike


@pytest.mark.parametrize(
    ("text", "key", "quantity"),
    [
        ("orders above 50 EUR", "€50", True),
        ("level 1", "1", False),
        ("is 5", "5", True),
        ("of 5", "5", True),
        ("above 5", "5", True),
        ("over 5", "5", True),
        ("below 5", "5", True),
        ("under 5", "5", True),
        ("at least 5", "5", True),
        ("≤ 5", "5", True),
        ("port 5", "5", False),
        ("5 s", "5 time", True),
        ("v2", "2", False),
        ("x of 5", "5", True),
        ("x 5", "5", False),
        ("5 is", "5", False),
        ("5 kilns", "5", False),
        ("the 5 or newer", "5", False),
        ("at most 5 kilns", "5", True),
        ("at least kilns 5", "5", False),
    ],
)
def test_a_number_is_a_quantity_or_a_part_of_a_name(text: str, key: str, quantity: bool) -> None:
    assert is_quantity(key, features(text)) is quantity


@pytest.mark.parametrize(
    ("newer", "older", "same"),
    [
        ("The cart holds 60 items.", "The cart holds 40 items.", True),
        ("The cart holds items.", "The cart holds 40 items.", False),
        ("Cart 60.", "Cart 40.", False),
        ("Cart 60.", "Cart 40 items.", False),
        ("Cart tape.", "Cart glue.", False),
        ("Cart Redis.", "Cart Kafka.", False),
        ("Cart 60 and tape.", "Cart 40 and tape.", False),
        ("User tape.", "User glue.", False),
        ("User 60.", "User 40.", False),
        ("Team Redis.", "Team Kafka.", False),
        ("Kilns glow in Rome today with tape.", "Kilns glow in Oslo today with tape.", True),
        ("Ben owns the ledger module.", "Ada owns the ledger module.", True),
        ("Ben likes the ledger module.", "Ada likes the ledger module.", False),
        ("Ben and Eve own the ledger module.", "Ada owns the ledger module.", False),
        ("Owner Ben.", "Owner Ada.", False),
        ("Themes are read from theme.json.", "Themes are read from theme.xml.", True),
        ("Themes are read from theme.json daily.", "Themes are read from theme.xml.", False),
        ("We use zone b for kilns.", "We use zone a for kilns.", False),
        ("Kilns use zone b.", "Kilns use zone a.", False),
        ("Kilns use zone blue.", "Kilns use zone green.", True),
        ("Kilns glow in zone blue tape.", "Kilns glow in zone green tape.", True),
        ("Kilns glow blue tape.", "Kilns glow green tape.", False),
        ("Kilns glow long tape by night.", "Kilns glow big glue by night.", False),
        ("Tomcat serves the forum.", "The forum is served by Jetty.", True),
        ("The forum is served by Tomcat.", "Jetty serves the forum.", True),
        ("Tape serves the forum.", "The forum is served by glue.", False),
        ("Redis holds the carts.", "Carts are stored in Kafka.", True),
        ("Carts are stored in Redis.", "Kafka holds the carts.", False),
        ("Carts are stored in Redis.", "Carts are stored in Kafka.", True),
        ("The kiln timeout is now 5 s.", "The timeout of the kiln is 7 s.", True),
        ("The kiln timeout is 5 s.", "7 s is the kiln timeout.", True),
        ("The kiln glows. The cart holds 60 items.", "The cart holds 40 items.", True),
        ("The cart holds 60 items, the kiln glows.", "The cart holds 40 items.", True),
        ("Tape. Glue. Rope. Kilns. The cart holds 60 items.", "The cart holds 40 items.", False),
        ("Tape. Glue. Rope. The cart holds 60 items.", "The cart holds 40 items.", True),
        ("The cart holds 60 items.", "Tape. The cart holds 40 items.", True),
        ("The cart holds 60 items.", "Tape. Rope. The cart holds 40 items.", False),
        ("The cart holds a b c d items.", "The cart holds 40 items.", True),
        ("The cart holds red green blue items.", "The cart holds 40 items.", False),
        ("Cart holds 60 big items.", "Cart holds 40 items.", True),
        ("Level 2 of the kiln is hot.", "Level 1 of the kiln is hot.", False),
        ("Above 5 EUR shipping is free.", "Above 7 EUR shipping is free.", True),
        ("Kiln: red.", "Kiln: blue.", True),
        ("Kiln red", "Kiln blue", False),
        ("Kiln is red", "Kiln is blue", True),
        ("Kiln glows at 5.", "Kiln glows at 7.", True),
        ("5 kilns", "7 kilns", True),
        ("Kilns use ab.", "Kilns use cd.", False),
        ("Kilns use abc.", "Kilns use cde.", False),
        ("Kilns paint tape ab here.", "Kilns paint tape cd here.", False),
        ("Tests run on Redis and Kafka.", "Tests run on Redis.", False),
        ("The API listens on 7002.", "The API listens on 7001.", True),
        ("At 7002 the API listens.", "The API listens on 7001.", True),
        ("On Kafka run tests of carts.", "Tests of carts run on Redis.", False),
        ("Notes of carts: red tape, 5 s.", "Notes of carts: 7 s, red tape.", False),
        ("Build with Vite our kiln site.", "Our kiln site is built with Webpack.", True),
        ("Vite builds sites and tapes.", "Sites are made by Webpack.", True),
        ("Vite builds sites.", "Sites are built by Webpack.", False),
        ("Vite likes sites.", "Sites are built by Webpack.", False),
        ("Kilns use Redis.", "Kilns run Kafka.", True),
        ("Kilns use tape.", "Kilns run glue.", False),
        ("5 users", "7 users", False),
        ("Cart holds 5 6 7 items.", "Cart holds 1 2 3 items.", True),
        ("Cart holds 5 6 7 8 items.", "Cart holds 1 2 3 4 items.", False),
        ("Orders above 60 EUR by night are free.", "By night orders above 50 EUR are free.", True),
        ("Level 60 by night is free.", "By night level 50 is free.", False),
        ("5 kilns", "kilns 7", False),
        ("Cart holds red blue items.", "Cart holds blue red items.", False),
        ("Cart holds 60 by 80 items.", "Cart holds 40 70 items.", True),
        ("Cart holds 60 80 items.", "Cart holds 40 by 70 items.", False),
        ("Cart holds 60 80 items.", "Cart holds 40 70 items.", True),
        ("Kilns use zone tape.", "Kilns use zone glue.", True),
        ("Kilns use zone tape red.", "Kilns use zone glue big.", False),
        ("Kilns use big tape.", "Kilns use big glue.", False),
        ("Kilns glow in Rome.", "Kilns glow in glue.", False),
        ("Kilns glow hot in Rome.", "Kilns glow hot in glue.", True),
        ("Kilns glow hot in glue.", "Kilns glow hot in Rome.", True),
        ("Kilns glow hot in tape.", "Kilns glow hot in glue.", False),
        ("Kilns glow in Rome at five.", "Kilns glow in glue at five.", False),
        ("The cart items are big 60.", "The cart items are 40.", True),
        ("The cart items are 60 big.", "The cart items are 40.", False),
        ("The cart items are 60.", "The cart items are big 40.", True),
        ("Kafka holds the carts.", "Carts of tape are stored in Redis.", False),
        ("Kafka holds the carts.", "Carts are stored in tape Redis.", True),
        ("Kafka holds the carts.", "Carts are stored in red tape Redis.", False),
        ("Kafka holds the carts with tape and glue.", "Carts are stored in Redis.", True),
        ("Kafka holds the carts with tape, glue by night.", "Carts are stored in Redis.", True),
        ("Kafka paints the carts.", "Carts are stored in Redis.", False),
        ("Kafka hits red carts.", "Carts hit by Redis are red.", False),
        ("Held by Kafka are the carts.", "Carts are stored in Redis.", True),
        ("User keeps Kafka.", "User is stored in Redis.", False),
        ("Kafka holds the user.", "User is stored in Redis.", False),
        ("Ada leads the team of painters.", "Ben leads the team of painters.", False),
        ("Ada Lovelace leads the team of painters.", "Ben Nevis leads the team of painters.", False),
        ("Ada is responsible for kilns.", "Ben is responsible for kilns.", True),
        ("Paintings are stored in Rome by Kafka.", "In Rome Redis stores paintings.", False),
        ("The kiln glows at 5 in Rome.", "In Rome the kiln glows at 7.", True),
        ("The kiln glows at x.py in Rome.", "In Rome the kiln glows at y.py.", True),
        ("The kiln glows at Oslo in Rome.", "In Rome the kiln glows at Kyiv.", False),
        ("At x.py in Rome the kiln glows.", "The kiln glows in Rome at 7.", False),
    ],
)
def test_the_same_sentence_with_another_value_is_known(newer: str, older: str, same: bool) -> None:
    assert another_value(features(newer), features(older), GENERIC, CLASSES) is same


@pytest.mark.parametrize(
    ("newer", "older", "name"),
    [
        ("Node 22", "Node 18", "node"),
        ("Node 22", "Node 22", None),
        ("Node 22", "Deno 18", None),
        ("base:5", "base:3", "base:"),
        ("base:5", "base:5", None),
        ("ticket 5", "ticket 6", None),
        ("user 5", "user 6", None),
        ("5 kilns of Node 22", "Node 18", "node"),
        ("Node 22 kilns", "Node 18", None),
        ("Node 22 after", "Node 18", "node"),
        ("Node 22 instead", "Node 18", "node"),
        ("at least 5", "at least 6", None),
        ("Node 5 6", "Node 5 7", None),
        ("ab3", "ab5", None),
        ("abc3", "abc5", "abc"),
        ("x/y3", "x/y5", "x/y"),
        ("abc3", "xyz5", None),
        ("v2", "v3", None),
        ("Node v2", "Node v3", "node"),
        ("5", "6", None),
        ("Kafka Node 22 and Deno 3", "Kafka Deno 4 and Node 22", "deno"),
        ("Node 22 now", "Node 18 until May", "node"),
        ("page 5", "page 6", None),
        ("abc3.1", "abc3.2", "abc"),
        ("tape glue", "tape rope", None),
    ],
)
def test_another_number_of_one_name_is_told_by_the_name(newer: str, older: str, name: str | None) -> None:
    assert other_number(features(newer), features(older), GENERIC) == name


@pytest.mark.parametrize(
    ("text", "key", "names"),
    [
        ("ticket 812", "812", True),
        ("see 44", "44", True),
        ("kiln 44", "44", False),
        ("44", "44", False),
        ("ticket tape", "tape", False),
        ("ticket 5 s", "5 time", False),
        ("ticket 812 kiln 5", "5", False),
        ("ticket v2", "2", True),
        ("kiln 812, ticket 5", "812", False),
    ],
)
def test_a_number_behind_a_word_of_reference_names_something(text: str, key: str, names: bool) -> None:
    assert refer({key}, features(text)) is names


@pytest.mark.parametrize(
    ("newer", "older", "x", "y", "same"),
    [
        ("2 cpus", "3 cpus", "2", "3", True),
        ("2 cpus", "3 replicas", "2", "3", False),
        ("port 2", "3 replicas", "2", "3", True),
        ("2 after", "3 before", "2", "3", True),
        ("2 cpus", "port 3", "2", "3", True),
        ("2 cpus of", "tape", "2", "tape", True),
        ("2 cpus, 4 vans", "3 vans", "2", "3", False),
        ("2 5 s", "3 vans", "2", "3", True),
        ("2 kept", "3 vans", "2", "3", False),
        ("2, kilns", "3 vans", "2", "3", True),
    ],
)
def test_numbers_of_different_things_are_no_values_of_one(
    newer: str, older: str, x: str, y: str, same: bool
) -> None:
    assert count_the_same({x}, {y}, features(newer), features(older)) is same


def test_names_of_one_kind_are_kin() -> None:
    assert kin("redis", "kafka")
    assert kin("redis", "memcached")
    assert not kin("redis", "jest")
    assert not kin("tape", "glue")
    assert not kin("redis", "tape")


def test_of_two_sets_any_two_may_be_comparable() -> None:
    one, other = features("redis tape 5 s"), features("kafka glue 7 MB")
    assert of_one_kind({"tape", "redis"}, {"glue", "kafka"}, one, other)
    assert not of_one_kind({"tape", "5 time"}, {"glue", "7340032 size"}, one, other)
    assert not of_one_kind(set(), {"kafka"}, one, other)


def test_bare_numbers_are_counted() -> None:
    text = features("5 kilns, 6 vans, v2 and 7 s")
    assert numbers(text.terms, text) == 3
    assert numbers({"kiln", "7 time"}, text) == 0
