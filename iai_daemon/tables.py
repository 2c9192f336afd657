"""How tables of settings are read: by the kinds that a dataclass gives its fields, with the place of each mistake. Used by config.py."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, field, fields, replace
from pathlib import Path
from typing import Any

from iai_daemon.errors import BadConfig
from iai_daemon.foreign import one_line
from iai_daemon.kinds import Kind

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)


class InTable(ValueError):
    """What is wrong with one of several tables of the same name: `number` counts them from 0, `key` is what is wrong in it."""

    def __init__(self, problem: object, number: int, key: str | None) -> None:
        super().__init__(problem)
        self.number = number
        self.key = key


def tables(kind: type) -> Kind:
    """Any number of tables of one kind, each with a name of its own."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError("must be tables, each under a head of its own in two pairs of brackets")
        made: list[Any] = []
        for number, table in enumerate(value):
            each = read_table(kind, table, number)
            if each.name in [other.name for other in made]:
                raise InTable(f'there is another one named "{each.name}"', number, "name")
            made.append(each)
        return tuple(made)

    def write(values: Sequence[Any]) -> list[dict[str, object]]:
        return [
            {key: known.write(getattr(each, key)) for key, known in kinds(kind).items()} for each in values
        ]

    return Kind(read, write, tables=True)


def read_table(kind: type, table: Mapping[str, object], number: int) -> Any:
    """Raises InTable."""
    known, values = kinds(kind), {}
    for key, value in table.items():
        try:
            if key not in known:
                raise ValueError("is no setting" + nearest(key, known))
            values[key] = known[key].read(value)
        except ValueError as cause:
            raise InTable(f"{one_line(key)} {cause}", number, key) from cause
    for each in fields(kind):
        if each.default is MISSING and each.name not in values:
            raise InTable(f"{each.name} is missing", number, None)
    return kind(**values)


def read_section(kind: type, name: str, table: Mapping[str, object], text: str, path: Path) -> Any:
    """The section [name] of the file at `path`, whose text is `text`. Raises BadConfig."""
    known = kinds(kind)
    values = {}
    for key, value in table.items():
        try:
            if key not in known:
                raise ValueError("is no setting" + nearest(key, known))
            values[key] = known[key].read(value)
        except InTable as cause:
            where = line_of_table(text, f"{name}.{key}", cause.number, cause.key)
            raise BadConfig(path=path, where=where, problem=f"[[{name}.{key}]] {cause}") from cause
        except ValueError as cause:
            raise BadConfig(
                path=path, where=line_of(text, name, key), problem=f"{name}.{one_line(key)} {cause}"
            ) from cause
    try:
        return kind(**values)
    except ValueError as cause:
        raise BadConfig(path=path, where=line_of(text, name, None), problem=f"{name}.{cause}") from cause


def read_named(kind: type, under: str, tables: object, text: str, path: Path) -> Mapping[str, Any]:
    """Tables that a user gives names, [under.NAME], by these names. Raises BadConfig."""
    if not isinstance(tables, dict):
        problem = f"{under} must be tables, each under a head with its name: [{under}.NAME]"
        raise BadConfig(path=path, where=line_of(text, under, None), problem=problem)
    found = {}
    for name, table in tables.items():
        where = f"{under}.{name}"
        if not isinstance(table, dict) or not _NAME.fullmatch(name):
            problem = f"[{one_line(where)}] must be a table with a short name of letters, digits, - and _"
            raise BadConfig(path=path, where=line_of(text, where, None), problem=problem)
        try:
            found[name] = replace(read_table(kind, table, 0), name=name)
        except InTable as cause:
            problem = f"[{where}] {cause}"
            raise BadConfig(path=path, where=line_of(text, where, cause.key), problem=problem) from cause
    return found


def setting(default: Any, kind: Kind) -> Any:
    """A field of a section, with its default and how it is read."""
    return field(default=default, metadata={"kind": kind})


def required(kind: Kind) -> Any:
    """A field without a default."""
    return field(metadata={"kind": kind})


def kinds(section: type) -> dict[str, Kind]:
    """The settings of one section, by key."""
    return {each.name: each.metadata["kind"] for each in fields(section) if "kind" in each.metadata}


def nearest(name: str, known: Collection[str]) -> str:
    """The end of a sentence that says that there is no such name: the one that was probably meant, or all there are."""
    import difflib  # noqa: PLC0415 -- 0.4 MB, of which only who mistypes something has any use

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f': did you mean "{near[0]}"?' if near else f": there are {', '.join(known)}"


def line_of(text: str, section: str, key: str | None) -> str:
    """Where a setting stands, for people: TOML's parser does not keep lines, so the text is looked through."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[", line):
            # A table below the section is another place than the section.
            below = "" if key is None else r"(?!\"?\s*\.)"
            inside = re.match(rf"\s*\[+\s*\"?{re.escape(section)}\b{below}", line) is not None
            if inside and key is None:
                return f"line {number}"
        elif (inside and key is not None and re.match(rf"\s*\"?{re.escape(key)}\b", line)) or re.match(
            rf"\s*\"?{re.escape(section)}\"?\s*[.=]", line
        ):
            return f"line {number}"
    return "the whole file"


def line_of_table(text: str, name: str, number: int, key: str | None) -> str:
    """Where one of the tables [[name]] stands, or `key` in it."""
    head = re.compile(
        r"^[ \t]*\[\[[ \t]*" + r"[ \t]*\.[ \t]*".join(name.split(".")) + r"[ \t]*\]\]", re.MULTILINE
    )
    heads = list(head.finditer(text))
    if len(heads) <= number:
        return line_of(text, *name.split(".", 1))
    begin = heads[number].start()
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, heads[number].end())
    inside = text[begin : end.start() if end else len(text)]
    found = key and re.search(rf"^[ \t]*\"?{re.escape(key)}\b", inside, re.MULTILINE)
    return f"line {text.count(chr(10), 0, begin + (found.start() if found else 0)) + 1}"
