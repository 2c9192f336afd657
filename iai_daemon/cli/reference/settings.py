"""The page of settings: kinds and defaults from the dataclasses, meanings from the comments of config.example.toml."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType

import tomli_w

from iai_daemon.cli.config import example
from iai_daemon.cli.reference.markdown import block, code, prose
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.config import AGENTS, SECTIONS, Agent, Command
from iai_daemon.kinds import Kind
from iai_daemon.tables import kinds
from iai_daemon.units import parse_duration, parse_size

_INTRODUCTION = (
    (
        "Every setting with its default, what it can be, and what it means. They stand in `~/.iai-daemon/config.toml`; a missing file, and "
        "a missing line, mean the default. `iai-daemon config init` writes a file with all of them, `iai-daemon config set KEY VALUE` "
        "changes one, `iai-daemon config check` says whether they can be used."
    ),
    'Durations are `"250ms"`, `"90s"`, `"5m"`, `"48h"` or `"never"`, sizes are `"10MB"`. A path begins with `{home}`, `~/` or `/`.',
)
_TABLES = {
    "[[consolidation.commands]]": (Command, "commands"),
    f"[{AGENTS}.NAME]": (Agent, "agents"),
}
_EXAMPLE = "config.example.toml"
_OF_CODE = re.compile(r"^Raises|^Durations in seconds|^`interval` in seconds")
_CODES_OWN = re.compile(r"; sizes in bytes")


@dataclass(frozen=True, slots=True)
class _Told:
    """What the example says of one setting, and in which line it stands there."""

    meaning: str
    line: int


def page() -> str:
    """The whole page."""
    return whole("Settings", _blocks())


def _blocks() -> Iterator[str]:
    # Between its backquotes stand braces, which prose leaves alone.
    yield from map(prose, _INTRODUCTION)
    told = _read(example())
    for name, section in SECTIONS.items():
        yield f"## [{name}]"
        yield prose(_about(section))
        for key, kind in kinds(section).items():
            if not kind.tables:
                yield from _setting(f"{name}.{key}", kind, _default(section, key), told[f"{name}.{key}"])
    for head, (table, mark) in _TABLES.items():
        yield from _table(head, table, mark)


def _setting(key: str, kind: Kind, default: object, told: _Told) -> Iterator[str]:
    yield f"### {key}"
    yield "\n".join(
        [
            f"- default: {code(_toml(kind.write(default)))}",
            f"- it must be {prose(_limits(kind, default))}",
            f"- in [{_EXAMPLE}](../../{_EXAMPLE}), line {told.line}",
        ]
    )
    yield prose(told.meaning)


def _table(head: str, table: type, mark: str) -> Iterator[str]:
    yield f"## {head}"
    yield prose(_about(table))
    before, _, inside = example().partition(f"# >>> {mark}\n")
    yield prose(" ".join(line.removeprefix("# ") for line in _last_comment(before.splitlines())))
    yield block(
        (line.removeprefix("# ") for line in inside.partition(f"# <<< {mark}")[0].splitlines()), "toml"
    )
    rows = []
    for key, kind in kinds(table).items():
        default = _default(table, key)
        shown = "has to be given" if default is MISSING else f"default: {code(_toml(kind.write(default)))}"
        rows.append(f"- {code(key)}: {prose(_limits(kind, default))}; {shown}")
    yield "\n".join(rows)


def _default(section: type, key: str) -> object:
    (found,) = (each.default for each in fields(section) if each.name == key)
    return found


def _toml(value: object) -> str:
    """As it is written behind the equals sign, a list on one line."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _about(section: type) -> str:
    """What its docstring says to a user: not in which units the code holds it, and what it raises."""
    sentences = re.split(r"(?<=\.)\s+", " ".join((section.__doc__ or "").split()))
    return " ".join(_CODES_OWN.sub("", each) for each in sentences if not _OF_CODE.search(each))


def _limits(kind: Kind, default: object) -> str:
    """What it can be, in the words with which anything else is refused."""
    said: dict[str, None] = {}
    for wrong in _wrong_values(kind, default):
        try:
            kind.read(wrong)
        except ValueError as refused:
            if str(refused).startswith(("must", "cannot")):
                said.setdefault(str(refused).removeprefix("must be "))
    return "; ".join(said)


def _wrong_values(kind: Kind, default: object) -> tuple[object, ...]:
    """Values that are refused: what is of another type, and what is just out of the limits."""
    written = None if default is MISSING else kind.write(default)
    if _is(parse_duration, written):
        return None, "0s", "never"
    if _is(parse_size, written):
        return None, "1B"
    return (None, ["0s"]) if isinstance(written, list) else (None, "0s")


def _is(parse: object, written: object) -> bool:
    if not isinstance(written, str) or not callable(parse):
        return False
    try:
        parse(written)
    except ValueError:
        return False
    return True


def _read(text: str) -> Mapping[str, _Told]:
    """The comments of the example by setting: each comment tells of the settings that follow it."""
    found: dict[str, _Told] = {}
    section, open_ = "", False
    comment: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# >>>"):
            break
        if head := re.fullmatch(r"\[(\w+)\]", line):
            section, comment, open_ = head[1], [], False
        elif line.startswith("# "):
            comment = [*comment, line.removeprefix("# ")] if open_ else [line.removeprefix("# ")]
            open_ = True
        elif key := re.match(r"(\w+) = ", line):
            found[f"{section}.{key[1]}"] = _Told(" ".join(comment), number)
            open_ = False
    return MappingProxyType(found)


def _last_comment(lines: list[str]) -> list[str]:
    """The comment at the end."""
    begin = len(lines)
    while begin and lines[begin - 1].startswith("# "):
        begin -= 1
    return textwrap.dedent("\n".join(lines[begin:])).splitlines()
