"""The stores' statements, as PostgreSQL reads them."""

from __future__ import annotations

import pytest

from iai_daemon.storage.postgres.dialect import parameters_of, translate


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        ("SELECT :one, :other_one", "SELECT %(one)s, %(other_one)s"),
        ("VALUES (?, ?)", "VALUES (%s, %s)"),
        ("name LIKE 'a:b%?' AND x = :x", "name LIKE 'a:b%%?' AND x = %(x)s"),
        ("'it''s :no parameter' || :one", "'it''s :no parameter' || %(one)s"),
        ("a % 2 = :b", "a %% 2 = %(b)s"),
        ("ON CONFLICT (pass, name) DO NOTHING", "ON CONFLICT (owned_by, pass, name) DO NOTHING"),
        ("ON CONFLICT DO NOTHING", "ON CONFLICT DO NOTHING"),
        ("'12:30'::time", "'12:30'::time"),
        (
            "id IN (SELECT CAST(value AS BIGINT) FROM json_each(:ids))",
            "id = ANY (ARRAY(SELECT CAST(value AS BIGINT) FROM json_each(%(ids)s)))",
        ),
        (
            "scope NOT IN (SELECT value FROM json_each(:scopes))",
            "scope <> ALL (ARRAY(SELECT value FROM json_each(%(scopes)s)))",
        ),
    ],
)
def test_parameters_and_keys_are_written_as_postgresql_wants_them(sql: str, translated: str) -> None:
    assert translate(sql) == translated


def test_a_cast_is_no_parameter() -> None:
    assert translate("SELECT :value::bigint") == "SELECT %(value)s::bigint"


@pytest.mark.parametrize(
    ("sql", "translated"),
    [
        (":until IS NULL OR a < :until", "%(until is null)s OR a < %(until)s"),
        (":until IS NOT NULL AND a < :until", "NOT %(until is null)s AND a < %(until)s"),
    ],
)
def test_whether_a_parameter_is_there_is_a_parameter_of_its_own(sql: str, translated: str) -> None:
    assert translate(sql) == translated
    assert parameters_of(sql, {"until": None}) == {"until": None, "until is null": True}
    assert parameters_of(sql, {"until": 5}) == {"until": 5, "until is null": False}


def test_parameters_that_nobody_asks_after_are_given_as_they_are() -> None:
    assert parameters_of("a = :a", {"a": 1, "b": None}) == {"a": 1, "b": None}


@pytest.mark.parametrize("none", [chr(0), chr(0xD800), chr(0xDFFF)])
def test_what_no_text_of_a_server_can_hold_is_replaced_wherever_it_stands(none: str) -> None:
    given, fits = f"a{none}b{none}", "a\ufffdb\ufffd"
    assert parameters_of("VALUES (?, ?)", [given, 7, [given, b"\0"], None]) == [fits, 7, [fits, b"\0"], None]
    assert parameters_of("x = :x", {"x": given}) == {"x": fits}
