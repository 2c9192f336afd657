"""Settings: what may be set, how it is read from TOML, and what is said about a mistake. Everybody is handed a `Settings`."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from iai_daemon.errors import BadConfig
from iai_daemon.paths import Home
from iai_daemon.units import NEVER, format_duration, format_size, parse_duration, parse_size

PASSES = ("expire", "supersede", "embed", "deduplicate", "maintain")


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of setting is read from a TOML value (ValueError says why not) and written back as one."""

    read: Callable[[object], object]
    write: Callable[[Any], object] = lambda value: value


def _need(value: object, wanted: type, example: str) -> Any:
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ValueError(f"must be {example}")
    return value


def _duration(at_least: float = 0.0, *, never: bool = True) -> Kind:
    def read(value: object) -> float:
        seconds = parse_duration(_need(value, str, 'a duration in quotes, such as "90s", "5m" or "48h"'))
        if seconds == NEVER and not never:
            raise ValueError('cannot be "never"')
        if seconds < at_least:
            raise ValueError(f"must be at least {format_duration(at_least)}")
        return seconds

    return Kind(read, format_duration)


def _size(at_least: int) -> Kind:
    def read(value: object) -> int:
        size = parse_size(_need(value, str, 'a size in quotes, such as "10MB"'))
        if size < at_least:
            raise ValueError(f"must be at least {format_size(at_least)}")
        return size

    return Kind(read, format_size)


def _whole(at_least: int, at_most: int) -> Kind:
    def read(value: object) -> int:
        number = cast("int", _need(value, int, f"a whole number from {at_least} to {at_most}"))
        if not at_least <= number <= at_most:
            raise ValueError(f"must be a whole number from {at_least} to {at_most}")
        return number

    return Kind(read)


def _number(at_least: float, at_most: float = NEVER) -> Kind:
    def read(value: object) -> float:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else NEVER
        if not at_least <= number <= at_most or number == NEVER:
            limits = f"of at least {at_least:g}" if at_most == NEVER else f"from {at_least:g} to {at_most:g}"
            raise ValueError(f"must be a number {limits}")
        return float(number)

    return Kind(read)


def _one_of(*choices: str) -> Kind:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError("must be " + " or ".join(f'"{choice}"' for choice in choices))
        return str(value)

    return Kind(read)


def _texts(choices: tuple[str, ...] = ()) -> Kind:
    def read(value: object) -> tuple[str, ...]:
        texts = _need(value, list, 'a list of texts, such as ["…"]')
        if not all(isinstance(text, str) and text for text in texts):
            raise ValueError('must be a list of texts, such as ["…"]')
        for text in texts:
            if choices and text not in choices:
                raise ValueError(f'knows no "{text}", only {", ".join(choices)}')
        if len(set(texts)) != len(texts):
            raise ValueError("names something twice")
        return tuple(texts)

    return Kind(read, list)


def _directories() -> Kind:
    """At least one, or everybody would seem absent; none that depends on where the daemon was started."""

    def read(value: object) -> tuple[str, ...]:
        paths = cast("tuple[str, ...]", _texts().read(value))
        if not paths or not all(path == "~" or path.startswith(("{home}", "~/", "/")) for path in paths):
            raise ValueError('must name at least one directory, each beginning with "{home}", "~/" or "/"')
        return paths

    return Kind(read, list)


_YES_OR_NO = Kind(lambda value: _need(value, bool, "true or false"))


def _setting(default: Any, kind: Kind) -> Any:
    return field(default=default, metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Presence:
    """When a heartbeat counts. Durations in seconds."""

    wrappers_dirs: tuple[str, ...] = _setting(("{home}/wrappers",), _directories())
    stale_after: float = _setting(90.0, _duration(0.1, never=False))
    settle_after: float = _setting(2.0, _duration(never=False))


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When WAKE becomes IDLE and BEDTIME. Durations in seconds; never is infinity."""

    tick: float = _setting(30.0, _duration(0.05, never=False))
    idle_after: float = _setting(300.0, _duration(0.05))
    absent_for: float = _setting(120.0, _duration())
    inactive_for: float = _setting(1800.0, _duration())
    overdue_after: float = _setting(172800.0, _duration())
    only_on_ac: bool = _setting(False, _YES_OR_NO)
    max_load: float = _setting(0.0, _number(0.0))


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What a night does and when one is due. Durations in seconds."""

    enabled: bool = _setting(True, _YES_OR_NO)
    naps: bool = _setting(True, _YES_OR_NO)
    interval: float = _setting(3600.0, _duration(never=False))
    max_rounds: int = _setting(1, _whole(1, 100))
    loss_budget: float = _setting(0.10, _number(0.0, 1.0))
    yield_within: float = _setting(1.0, _duration(0.05, never=False))
    review: bool = _setting(False, _YES_OR_NO)
    # Below this, numpy alone would not fit: every night would end before its first vector.
    memory_limit: int = _setting(1_000_000_000, _size(128_000_000))
    passes: tuple[str, ...] = _setting(PASSES, _texts(PASSES))


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the memory is kept."""

    store: str = _setting("sqlite", _one_of("sqlite"))


@dataclass(frozen=True, slots=True)
class Embedding:
    """What turns a memory into a vector; "none" turns none."""

    model: str = _setting("hash", _one_of("hash", "none"))


@dataclass(frozen=True, slots=True)
class Log:
    """The daemon's log; sizes in bytes."""

    level: str = _setting("info", _one_of("debug", "info", "warning", "error"))
    max_size: int = _setting(10_000_000, _size(10_000))
    keep: int = _setting(5, _whole(1, 100))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, section by section."""

    presence: Presence = field(default_factory=Presence)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    consolidation: Consolidation = field(default_factory=Consolidation)
    memory: Memory = field(default_factory=Memory)
    embedding: Embedding = field(default_factory=Embedding)
    log: Log = field(default_factory=Log)

    def wrappers_dirs(self, home: Home) -> tuple[Path, ...]:
        """The directories that wrappers write to, with `{home}` and `~` filled in."""
        return tuple(
            Path(text.replace("{home}", str(home.root))).expanduser() for text in self.presence.wrappers_dirs
        )


SECTIONS: Mapping[str, type] = {
    "presence": Presence,
    "lifecycle": Lifecycle,
    "consolidation": Consolidation,
    "memory": Memory,
    "embedding": Embedding,
    "log": Log,
}


def load(home: Home) -> Settings:
    """The settings of this home; a missing file means the defaults. Raises BadConfig."""
    try:
        text = home.config.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as cause:
        problem = cause.strerror if isinstance(cause, OSError) else "it is not UTF-8 text"
        raise BadConfig(path=home.config, where="the whole file", problem=problem) from cause
    return parse(text, home.config)


def parse(text: str, path: Path) -> Settings:
    """The settings that this TOML text holds. Raises BadConfig, which names `path`, the line and the nearest known key."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        said = re.fullmatch(r"(.*) \(at (.*)\)", str(cause))
        problem, where = (said[1], said[2]) if said else (str(cause), "the whole file")
        raise BadConfig(path=path, where=where, problem=problem) from cause
    sections = {}
    for name, table in tables.items():
        problem = _problem_of_section(name, table)
        if problem:
            raise BadConfig(path=path, where=_line(text, name, None), problem=problem)
        sections[name] = _read_section(name, table, text, path)
    return Settings(**sections)


def _problem_of_section(name: str, table: object) -> str | None:
    if name not in SECTIONS:
        return f"there is no [{name}]" + nearest(name, SECTIONS)
    if not isinstance(table, dict):
        return f"{name} must be a section, [{name}]"
    return None


def _read_section(name: str, table: Mapping[str, object], text: str, path: Path) -> Any:
    known = kinds(SECTIONS[name])
    values = {}
    for key, value in table.items():
        try:
            if key not in known:
                raise ValueError("is no setting" + nearest(key, known))
            values[key] = known[key].read(value)
        except ValueError as cause:
            raise BadConfig(
                path=path, where=_line(text, name, key), problem=f"{name}.{key} {cause}"
            ) from cause
    return SECTIONS[name](**values)


def kinds(section: type) -> dict[str, Kind]:
    """The settings of one section, by key."""
    return {each.name: each.metadata["kind"] for each in fields(section)}


def plain(settings: Settings) -> dict[str, dict[str, object]]:
    """The settings as TOML and JSON write them: durations and sizes as text."""
    return {
        name: {key: kind.write(getattr(getattr(settings, name), key)) for key, kind in kinds(section).items()}
        for name, section in SECTIONS.items()
    }


def keys() -> Iterator[str]:
    """Every setting as `section.key`."""
    for name, section in SECTIONS.items():
        for key in kinds(section):
            yield f"{name}.{key}"


def nearest(name: str, known: Collection[str]) -> str:
    """The end of a sentence that says that there is no such name: the one that was probably meant, or all there are."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f': did you mean "{near[0]}"?' if near else f": there are {', '.join(known)}"


def _line(text: str, section: str, key: str | None) -> str:
    """Where a setting stands, for people: TOML's parser does not keep lines, so the text is looked through."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[", line):
            inside = re.match(rf"\s*\[+\s*\"?{re.escape(section)}\b", line) is not None
            if inside and key is None:
                return f"line {number}"
        elif (inside and key is not None and re.match(rf"\s*\"?{re.escape(key)}\b", line)) or re.match(
            rf"\s*\"?{re.escape(section)}\"?\s*[.=]", line
        ):
            return f"line {number}"
    return "the whole file"
