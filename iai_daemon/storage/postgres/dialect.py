"""The stores' statements as PostgreSQL reads them. What the two engines call alike but do otherwise, the schema defines
(`migrations/postgres/0001_memory.sql`); what is left is how parameters are written, and whose a key is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from iai_daemon.storage.database import Parameters

# A text, a list that a value is looked for in, the question whether a parameter is there, a parameter by name or by place, a percent
# sign, the key of an upsert; in this order, so that texts are left alone.
_TOKEN = re.compile(
    r"(?P<text>'(?:[^']|'')*')"
    r"|(?P<other>NOT )?IN \(SELECT (?P<each>value|CAST\(value AS BIGINT\)) FROM json_each\(:(?P<list>[a-z_]\w*)\)\)"
    r"|(?<!:):(?P<missing>[a-z_]\w*) IS (?P<there>NOT )?NULL"
    r"|(?<!:):(?P<name>[a-z_]\w*)|(?P<place>\?)|(?P<percent>%)|(?P<key>ON CONFLICT \()"
)
_IS_NULL = " is null"
_ARRAY = "{compared} (ARRAY(SELECT {each} FROM json_each(%({list})s)))"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@cache
def translate(sql: str) -> str:
    """The same statement with psycopg's placeholders. Keys of upserts begin with the row's owner: each has his own."""
    return _TOKEN.sub(_one, sql)


def _one(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "list":
            return _listed(found)
        case "missing" | "there":
            return f"{found['there'] or ''}%({found['missing']}{_IS_NULL})s"
        case "name":
            return f"%({found['name']})s"
        case "place":
            return "%s"
        case "key":
            return "ON CONFLICT (owned_by, "
        case _:
            return found[0].replace("%", "%%")


def _listed(found: re.Match[str]) -> str:
    """As an array, read once before all else. Of a join with it row security could not tell that it gives nothing away, so no index
    would be used."""
    compared = "<> ALL" if found["other"] else "= ANY"
    return _ARRAY.format(compared=compared, each=found["each"], list=found["list"])


def parameters_of(sql: str, parameters: Parameters) -> Parameters:
    """The same parameters as PostgreSQL takes them, and for each of them that the statement compares with NULL whether it is:
    PostgreSQL, which wants to know of what type a parameter is, cannot tell that of one which is not there."""
    if not isinstance(parameters, Mapping):
        return [_fitting(each) for each in parameters]
    fitting = {name: _fitting(each) for name, each in parameters.items()}
    return {**fitting, **{name + _IS_NULL: parameters[name] is None for name in _asked_for(sql)}}


def _fitting(value: Any) -> Any:
    """What no text of PostgreSQL can hold is replaced: nothing is called so, and nothing is found by it."""
    if isinstance(value, str):
        return _NO_TEXT.sub("\ufffd", value) if _NO_TEXT.search(value) else value
    return [_fitting(each) for each in value] if isinstance(value, list) else value


@cache
def _asked_for(sql: str) -> frozenset[str]:
    return frozenset(found["missing"] for found in _TOKEN.finditer(sql) if found["missing"])
