"""Settings: what may be set, how it is read from TOML, and what is said about a mistake. Everybody is handed a `Settings`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from iai_daemon.errors import BadConfig
from iai_daemon.kinds import (
    YES_OR_NO,
    Kind,
    a_path,
    directories,
    duration,
    embedding_model,
    line_of_text,
    number_of,
    one_of,
    path_or_none,
    size,
    texts,
    url_or_none,
    variable_or_none,
    whole,
)
from iai_daemon.paths import Home

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PASSES = (
    "expire",
    "supersede",
    "trajectories",
    "outcomes",
    "embed",
    "deduplicate",
    "associate",
    "summarize",
    "decay",
    "maintain",
)


# Under which group installed packages offer passes of their own, and what such a pass may be called.
PLUG_INS = "iai_daemon.passes"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_AGENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
# The name of a command as a pass begins so: no other pass can be called that.
COMMAND = "command:"


class _InTable(ValueError):
    """What is wrong with one of several tables of the same name: `number` counts them from 0, `key` is what is wrong in it."""

    def __init__(self, problem: object, number: int, key: str | None) -> None:
        super().__init__(problem)
        self.number = number
        self.key = key


def _passes() -> Kind:
    """The built-in ones, and those that installed packages offer: being installed is not enough, a user has to name it."""

    def read(value: object) -> tuple[str, ...]:
        names = cast("tuple[str, ...]", texts().read(value))
        if not set(names) <= set(PASSES):
            known = [*PASSES, *plug_ins()]
            for name in names:
                if name not in known:
                    raise ValueError(f'knows no pass "{name}"' + nearest(name, known))
        return names

    return Kind(read, list)


def plug_ins() -> Mapping[str, Sequence[EntryPoint]]:
    """The passes that installed packages offer, by name; more than one entry: they offer it under the same name.

    Looked up only when somebody names a pass that is not built in: who has no plug-in does not pay for them.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 -- a megabyte that most never need

    found: dict[str, list[EntryPoint]] = {}
    for each in entry_points(group=PLUG_INS):
        if _NAME.fullmatch(each.name) and each.name not in PASSES:
            found.setdefault(each.name, []).append(each)
    return found


def _name() -> Kind:
    def read(value: object) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise ValueError("must be a short name of small letters, digits, - and _")
        return value

    return Kind(read)


def _argv() -> Kind:
    """A program and its arguments. A relative path would depend on where the daemon was started."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
            raise ValueError('must be a list of texts, the program first, such as ["/usr/bin/tidy", "notes"]')
        if any("\0" in each for each in value) or not value[0]:
            raise ValueError("holds a text that no program can be given")
        if "/" in value[0] and not value[0].startswith(("/", "~/")):
            raise ValueError('must begin with a name that PATH leads to, or with a path from "/" or "~/"')
        return tuple(value)

    return Kind(read, list)


def _argv_or_none() -> Kind:
    return Kind(lambda value: () if value == [] else _argv().read(value), list)


def _tables(kind: type) -> Kind:
    """Any number of tables of one kind, each with a name of its own."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise ValueError("must be tables, each under a head of its own in two pairs of brackets")
        made: list[Any] = []
        for number, table in enumerate(value):
            each = _read_table(kind, table, number)
            if each.name in [other.name for other in made]:
                raise _InTable(f'there is another one named "{each.name}"', number, "name")
            made.append(each)
        return tuple(made)

    def write(values: Sequence[Any]) -> list[dict[str, object]]:
        return [
            {key: known.write(getattr(each, key)) for key, known in kinds(kind).items()} for each in values
        ]

    return Kind(read, write, tables=True)


def _read_table(kind: type, table: Mapping[str, object], number: int) -> Any:
    """Raises _InTable."""
    known, values = kinds(kind), {}
    for key, value in table.items():
        try:
            if key not in known:
                raise ValueError("is no setting" + nearest(key, known))
            values[key] = known[key].read(value)
        except ValueError as cause:
            raise _InTable(f"{key} {cause}", number, key) from cause
    for each in fields(kind):
        if each.default is MISSING and each.name not in values:
            raise _InTable(f"{each.name} is missing", number, None)
    return kind(**values)


def _setting(default: Any, kind: Kind) -> Any:
    return field(default=default, metadata={"kind": kind})


def _required(kind: Kind) -> Any:
    return field(metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Presence:
    """When a heartbeat counts. Durations in seconds."""

    wrappers_dirs: tuple[str, ...] = _setting(("{home}/wrappers",), directories())
    stale_after: float = _setting(90.0, duration(0.1, never=False))
    settle_after: float = _setting(2.0, duration(never=False))


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When WAKE becomes IDLE and BEDTIME. Durations in seconds; never is infinity."""

    tick: float = _setting(30.0, duration(0.05, never=False))
    idle_after: float = _setting(300.0, duration(0.05))
    absent_for: float = _setting(120.0, duration())
    inactive_for: float = _setting(1800.0, duration())
    overdue_after: float = _setting(172800.0, duration())
    only_on_ac: bool = _setting(False, YES_OR_NO)
    max_load: float = _setting(0.0, number_of(0.0))


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the user's own that is a pass of the night. Durations in seconds.

    `every`: it is due so long after its last end. `env`: the variables that it gets beside the usual ones.
    """

    name: str = _required(_name())
    argv: tuple[str, ...] = _required(_argv())
    timeout: float = _setting(600.0, duration(0.1, never=False))
    shares: bool = _setting(False, YES_OR_NO)
    every: float = _setting(86400.0, duration(1.0, never=False))
    env: tuple[str, ...] = _setting((), texts())

    @property
    def pass_name(self) -> str:
        """As which pass nights know it."""
        return COMMAND + self.name


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What a night does and when one is due. Durations in seconds."""

    enabled: bool = _setting(True, YES_OR_NO)
    naps: bool = _setting(True, YES_OR_NO)
    interval: float = _setting(3600.0, duration(never=False))
    max_rounds: int = _setting(1, whole(1, 100))
    loss_budget: float = _setting(0.10, number_of(0.0, 1.0))
    yield_within: float = _setting(1.0, duration(0.05, never=False))
    review: bool = _setting(False, YES_OR_NO)
    # Below this, numpy alone would not fit: every night would end before its first vector.
    memory_limit: int = _setting(1_000_000_000, size(128_000_000))
    passes: tuple[str, ...] = _setting(PASSES, _passes())
    trajectories_dir: str = _setting("", path_or_none())
    outcomes_path: str = _setting("", path_or_none())
    summarize_command: tuple[str, ...] = _setting((), _argv_or_none())
    summarize_timeout: float = _setting(60.0, duration(0.1, never=False))
    summarize_per_day: int = _setting(20, whole(0, 10_000))
    commands: tuple[Command, ...] = _setting((), _tables(Command))

    @property
    def pass_names(self) -> tuple[str, ...]:
        """Every pass that there is to these settings: the built-in ones, those that are named, the commands."""
        return tuple(dict.fromkeys([*PASSES, *self.passes, *(each.pass_name for each in self.commands)]))


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the memory is kept, and what it refuses to know."""

    store: str = _setting("sqlite", one_of("sqlite"))
    redact_secrets: bool = _setting(True, YES_OR_NO)


@dataclass(frozen=True, slots=True)
class Embedding:
    """What turns a memory into a vector; "none" turns none. Durations in seconds.

    `url`, `remote_model`, `api_key_env` and `timeout` are for the model "http". Raises ValueError where that misses something.
    """

    model: str = _setting("hash", embedding_model())
    url: str = _setting("", url_or_none())
    remote_model: str = _setting("", line_of_text())
    api_key_env: str = _setting("", variable_or_none())
    timeout: float = _setting(30.0, duration(0.1, never=False))
    precision: str = _setting("float32", one_of("float32", "float16"))
    export_path: str = _setting("", path_or_none())

    def __post_init__(self) -> None:
        for key in ("url", "remote_model"):
            if self.model == "http" and not getattr(self, key):
                raise ValueError(f'model is "http", so that {key} has to be set, too')


@dataclass(frozen=True, slots=True)
class Agenda:
    """How recalls are carried out. Durations in seconds.

    `max_concurrent`: so many agents at once. A busy session puts a recall off by `defer_when_busy`, again and again, and after
    `max_defer` it counts as missed; what was missed is made up as `catch_up` says, within `catch_up_window`.
    """

    max_concurrent: int = _setting(3, whole(1, 100))
    defer_when_busy: float = _setting(60.0, duration(0.05, never=False))
    max_defer: float = _setting(21600.0, duration())
    catch_up: str = _setting("once", one_of("skip", "once", "all"))
    catch_up_window: float = _setting(86400.0, duration())
    agents_may_schedule: bool = _setting(False, YES_OR_NO)


@dataclass(frozen=True, slots=True)
class Agent:
    """What can be woken: a program and its surroundings. Durations in seconds.

    `env`: the variables that it gets beside the usual ones. `confirm`: a run counts only when the agent says so itself. The
    two limits hold for any 24 hours.
    """

    command: tuple[str, ...] = _required(_argv())
    model: str = _setting("", line_of_text())
    cwd: str = _setting("~", a_path())
    env: tuple[str, ...] = _setting(("HOME", "PATH"), texts())
    timeout: float = _setting(900.0, duration(0.1, never=False))
    confirm: bool = _setting(False, YES_OR_NO)
    max_runs_per_day: int = _setting(24, whole(0, 100_000))
    max_minutes_per_day: float = _setting(120.0, number_of(0.0))
    name: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """The daemon's log; sizes in bytes."""

    level: str = _setting("info", one_of("debug", "info", "warning", "error"))
    max_size: int = _setting(10_000_000, size(10_000))
    keep: int = _setting(5, whole(1, 100))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, section by section."""

    presence: Presence = field(default_factory=Presence)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    consolidation: Consolidation = field(default_factory=Consolidation)
    memory: Memory = field(default_factory=Memory)
    embedding: Embedding = field(default_factory=Embedding)
    agenda: Agenda = field(default_factory=Agenda)
    log: Log = field(default_factory=Log)
    agents: Mapping[str, Agent] = field(default_factory=dict)

    def wrappers_dirs(self, home: Home) -> tuple[Path, ...]:
        """The directories that wrappers write to, with `{home}` and `~` filled in."""
        return tuple(_filled_in(text, home) for text in self.presence.wrappers_dirs)

    def trajectories_dirs(self, home: Home) -> tuple[Path, ...]:
        """The directories that trajectories are read from: that of our wrappers, and the one that is set."""
        chosen = self.consolidation.trajectories_dir
        return (home.trajectories, _filled_in(chosen, home)) if chosen else (home.trajectories,)

    def outcomes_path(self, home: Home) -> Path | None:
        """The file of the models' profiles, if one is set."""
        chosen = self.consolidation.outcomes_path
        return _filled_in(chosen, home) if chosen else None

    def vectors_path(self, home: Home) -> Path | None:
        """The file that nights write the vectors to, too, if one is set."""
        chosen = self.embedding.export_path
        return _filled_in(chosen, home) if chosen else None


def _filled_in(text: str, home: Home) -> Path:
    return Path(text.replace("{home}", str(home.root))).expanduser()


SECTIONS: Mapping[str, type] = {
    "presence": Presence,
    "lifecycle": Lifecycle,
    "consolidation": Consolidation,
    "memory": Memory,
    "embedding": Embedding,
    "agenda": Agenda,
    "log": Log,
}
# Not a section but tables under names of the user's own, [agents.NAME].
AGENTS = "agents"


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
    sections: dict[str, Any] = {}
    if AGENTS in tables:
        sections[AGENTS] = _read_agents(tables.pop(AGENTS), text, path)
    for name, table in tables.items():
        problem = _problem_of_section(name, table)
        if problem:
            raise BadConfig(path=path, where=_line(text, name, None), problem=problem)
        sections[name] = _read_section(name, table, text, path)
    return Settings(**sections)


def _problem_of_section(name: str, table: object) -> str | None:
    if name not in SECTIONS:
        return f"there is no [{name}]" + nearest(name, [*SECTIONS, AGENTS])
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
        except _InTable as cause:
            where = _line_of_table(text, f"{name}.{key}", cause.number, cause.key)
            raise BadConfig(path=path, where=where, problem=f"[[{name}.{key}]] {cause}") from cause
        except ValueError as cause:
            raise BadConfig(
                path=path, where=_line(text, name, key), problem=f"{name}.{key} {cause}"
            ) from cause
    try:
        return SECTIONS[name](**values)
    except ValueError as cause:
        raise BadConfig(path=path, where=_line(text, name, None), problem=f"{name}.{cause}") from cause


def _read_agents(tables: object, text: str, path: Path) -> Mapping[str, Agent]:
    if not isinstance(tables, dict):
        problem = "agents must be tables, each under a head with its name: [agents.NAME]"
        raise BadConfig(path=path, where=_line(text, AGENTS, None), problem=problem)
    found = {}
    for name, table in tables.items():
        where = f"{AGENTS}.{name}"
        if not isinstance(table, dict) or not _AGENT.fullmatch(name):
            problem = f"[{where}] must be a table with a short name of letters, digits, - and _"
            raise BadConfig(path=path, where=_line(text, where, None), problem=problem)
        try:
            found[name] = replace(_read_table(Agent, table, 0), name=name)
        except _InTable as cause:
            problem = f"[{where}] {cause}"
            raise BadConfig(path=path, where=_line(text, where, cause.key), problem=problem) from cause
    return found


def kinds(section: type) -> dict[str, Kind]:
    """The settings of one section, by key."""
    return {each.name: each.metadata["kind"] for each in fields(section) if "kind" in each.metadata}


def plain(settings: Settings) -> dict[str, dict[str, object]]:
    """The settings as TOML and JSON write them: durations and sizes as text. Of tables those that there are: an empty list
    of them would keep a user of TOML from adding one."""
    written: dict[str, dict[str, object]] = {
        name: {
            key: kind.write(getattr(getattr(settings, name), key))
            for key, kind in kinds(section).items()
            if not kind.tables or getattr(getattr(settings, name), key)
        }
        for name, section in SECTIONS.items()
    }
    if settings.agents:
        written[AGENTS] = {
            name: {key: kind.write(getattr(agent, key)) for key, kind in kinds(Agent).items()}
            for name, agent in settings.agents.items()
        }
    return written


def keys(*, tables: bool = False) -> Iterator[str]:
    """Every setting of one value as `section.key`; with `tables` those instead that are tables, `[[section.key]]`."""
    for name, section in SECTIONS.items():
        for key, kind in kinds(section).items():
            if kind.tables is tables:
                yield f"{name}.{key}"


def nearest(name: str, known: Collection[str]) -> str:
    """The end of a sentence that says that there is no such name: the one that was probably meant, or all there are."""
    import difflib  # noqa: PLC0415 -- 0.4 MB, of which only who mistypes something has any use

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f': did you mean "{near[0]}"?' if near else f": there are {', '.join(known)}"


def _line(text: str, section: str, key: str | None) -> str:
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


def _line_of_table(text: str, name: str, number: int, key: str | None) -> str:
    """Where one of the tables [[name]] stands, or `key` in it."""
    head = re.compile(
        r"^[ \t]*\[\[[ \t]*" + r"[ \t]*\.[ \t]*".join(name.split(".")) + r"[ \t]*\]\]", re.MULTILINE
    )
    heads = list(head.finditer(text))
    if len(heads) <= number:
        return _line(text, *name.split(".", 1))
    begin = heads[number].start()
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, heads[number].end())
    inside = text[begin : end.start() if end else len(text)]
    found = key and re.search(rf"^[ \t]*\"?{re.escape(key)}\b", inside, re.MULTILINE)
    return f"line {text.count(chr(10), 0, begin + (found.start() if found else 0)) + 1}"
