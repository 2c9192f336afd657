"""The stores' statements, as PostgreSQL reads them."""

from __future__ import annotations

import pytest

from iai_daemon.storage.postgres.dialect import translate


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
