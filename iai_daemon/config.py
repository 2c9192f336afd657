"""Settings: what may be set, how it is read from TOML, and what is said about a mistake. Everybody is handed a `Settings`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from iai_daemon.errors import BadConfig
from iai_daemon.foreign import one_line
from iai_daemon.kinds import (
    NAME,
    YES_OR_NO,
    Kind,
    a_path,
    argv,
    argv_or_none,
    directories,
    duration,
    duration_or_usual,
    embedding_model,
    is_server,
    line_of_text,
    number_of,
    one_of,
    path_or_none,
    short_name,
    size,
    store_address,
    texts,
    url_or_none,
    variable_or_none,
    whole,
    whole_or_usual,
)
from iai_daemon.paths import Home
from iai_daemon.tables import (
    kinds,
    line_of,
    nearest,
    read_named,
    read_section,
    required,
    setting,
    tables,
)

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


# Under which group installed packages offer passes of their own.
PLUG_INS = "iai_daemon.passes"
# The name of a command as a pass begins so: no other pass can be called that.
COMMAND = "command:"


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
        if NAME.fullmatch(each.name) and each.name not in PASSES:
            found.setdefault(each.name, []).append(each)
    return found


@dataclass(frozen=True, slots=True)
class Presence:
    """When a heartbeat counts. Durations in seconds."""

    wrappers_dirs: tuple[str, ...] = setting(("{home}/wrappers",), directories())
    stale_after: float = setting(90.0, duration(0.1, never=False))
    settle_after: float = setting(2.0, duration(never=False))
    host_lease: float = setting(30.0, duration(1.0, never=False))


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """When WAKE becomes IDLE and BEDTIME. Durations in seconds; never is infinity."""

    tick: float = setting(30.0, duration(0.05, never=False))
    idle_after: float = setting(300.0, duration(0.05))
    absent_for: float = setting(120.0, duration())
    inactive_for: float = setting(1800.0, duration())
    overdue_after: float = setting(172800.0, duration())
    only_on_ac: bool = setting(False, YES_OR_NO)
    max_load: float = setting(0.0, number_of(0.0))


@dataclass(frozen=True, slots=True)
class Command:
    """A program of the user's own that is a pass of the night. Durations in seconds.

    `every`: it is due so long after its last end. `env`: the variables that it gets beside the usual ones.
    """

    name: str = required(short_name())
    argv: tuple[str, ...] = required(argv())
    timeout: float = setting(600.0, duration(0.1, never=False))
    shares: bool = setting(False, YES_OR_NO)
    every: float = setting(86400.0, duration(1.0, never=False))
    env: tuple[str, ...] = setting((), texts())

    @property
    def pass_name(self) -> str:
        """As which pass nights know it."""
        return COMMAND + self.name


@dataclass(frozen=True, slots=True)
class Consolidation:
    """What a night does and when one is due. Durations in seconds."""

    enabled: bool = setting(True, YES_OR_NO)
    naps: bool = setting(True, YES_OR_NO)
    interval: float = setting(3600.0, duration(never=False))
    max_rounds: int = setting(1, whole(1, 100))
    loss_budget: float = setting(0.10, number_of(0.0, 1.0))
    yield_within: float = setting(1.0, duration(0.05, never=False))
    review: bool = setting(False, YES_OR_NO)
    # Below this, numpy alone would not fit: every night would end before its first vector.
    memory_limit: int = setting(1_000_000_000, size(128_000_000))
    passes: tuple[str, ...] = setting(PASSES, _passes())
    trajectories_dir: str = setting("", path_or_none())
    outcomes_path: str = setting("", path_or_none())
    summarize_command: tuple[str, ...] = setting((), argv_or_none())
    summarize_timeout: float = setting(60.0, duration(0.1, never=False))
    summarize_per_day: int = setting(20, whole(0, 10_000))
    commands: tuple[Command, ...] = setting((), tables(Command))

    @property
    def pass_names(self) -> tuple[str, ...]:
        """Every pass that there is to these settings: the built-in ones, those that are named, the commands."""
        return tuple(dict.fromkeys([*PASSES, *self.passes, *(each.pass_name for each in self.commands)]))


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the memory is kept, and what it refuses to know."""

    store: str = setting("sqlite", store_address())
    store_env: str = setting("", variable_or_none())
    redact_secrets: bool = setting(True, YES_OR_NO)

    @property
    def engine(self) -> str:
        """`sqlite` or `postgresql`."""
        return "postgresql" if self.store_env or is_server(self.store) else "sqlite"


@dataclass(frozen=True, slots=True)
class Embedding:
    """What turns a memory into a vector; "none" turns none. Durations in seconds.

    `url`, `remote_model`, `api_key_env` and `timeout` are for the model "http". Raises ValueError where that misses something.
    """

    model: str = setting("hash", embedding_model())
    url: str = setting("", url_or_none("http://localhost:11434/v1", "embedding.api_key_env"))
    remote_model: str = setting("", line_of_text())
    api_key_env: str = setting("", variable_or_none())
    timeout: float = setting(30.0, duration(0.1, never=False))
    precision: str = setting("float32", one_of("float32", "float16"))
    export_path: str = setting("", path_or_none())

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

    max_concurrent: int = setting(3, whole(1, 100))
    defer_when_busy: float = setting(60.0, duration(0.05, never=False))
    max_defer: float = setting(21600.0, duration())
    catch_up: str = setting("once", one_of("skip", "once", "all"))
    catch_up_window: float = setting(86400.0, duration())
    agents_may_schedule: bool = setting(False, YES_OR_NO)


@dataclass(frozen=True, slots=True)
class Agent:
    """What can be woken: a program and its surroundings. Durations in seconds.

    `env`: the variables that it gets beside the usual ones. `confirm`: a run counts only when the agent says so itself. The
    two limits hold for any 24 hours.
    """

    command: tuple[str, ...] = required(argv())
    model: str = setting("", line_of_text())
    cwd: str = setting("~", a_path())
    env: tuple[str, ...] = setting(("HOME", "PATH"), texts())
    timeout: float = setting(900.0, duration(0.1, never=False))
    confirm: bool = setting(False, YES_OR_NO)
    max_runs_per_day: int = setting(24, whole(0, 100_000))
    max_minutes_per_day: float = setting(120.0, number_of(0.0))
    name: str = ""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where slots come from; no address and no path: from nowhere. `interval` in seconds.

    Raises ValueError for a backend that misses something.
    """

    backend: str = setting("http", one_of("http", "icalendar"))
    url: str = setting("", url_or_none("https://calendar.example/api", "calendar.api_key_env", query=True))
    path: str = setting("", path_or_none())
    identifier: str = setting("", line_of_text())
    api_key_env: str = setting("", variable_or_none())
    api_key_file: str = setting("", path_or_none())
    api_key_in: str = setting("header", one_of("header", "payload"))
    interval: float = setting(30.0, duration_or_usual(30.0))
    history: int = setting(32, whole_or_usual(32, 100_000))

    def __post_init__(self) -> None:
        if self.backend == "http" and self.path:
            raise ValueError('path is for the backend "icalendar"; "http" has a url')
        if self.url and self.path:
            raise ValueError("url and path are both set: an iCalendar comes from one place")
        if self.api_key_env and self.api_key_file:
            raise ValueError("api_key_env and api_key_file are both set: a key comes from one place")

    @property
    def is_set(self) -> bool:
        """Whether there is a backend at all."""
        return bool(self.url or self.path)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures for other programs. `textfile`: where the daemon writes them at each tick; none: nowhere."""

    textfile: str = setting("", path_or_none())


@dataclass(frozen=True, slots=True)
class Notify:
    """Who hears of a night that is over: the desktop, and a program of the user's."""

    desktop: bool = setting(False, YES_OR_NO)
    command: tuple[str, ...] = setting((), argv_or_none())


@dataclass(frozen=True, slots=True)
class Log:
    """The daemon's log; sizes in bytes."""

    level: str = setting("info", one_of("debug", "info", "warning", "error"))
    max_size: int = setting(10_000_000, size(10_000))
    keep: int = setting(5, whole(1, 100))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, section by section."""

    presence: Presence = field(default_factory=Presence)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    consolidation: Consolidation = field(default_factory=Consolidation)
    memory: Memory = field(default_factory=Memory)
    embedding: Embedding = field(default_factory=Embedding)
    agenda: Agenda = field(default_factory=Agenda)
    calendar: Calendar = field(default_factory=Calendar)
    metrics: Metrics = field(default_factory=Metrics)
    notify: Notify = field(default_factory=Notify)
    log: Log = field(default_factory=Log)
    agents: Mapping[str, Agent] = field(default_factory=dict)

    def wrappers_dirs(self, home: Home) -> tuple[Path, ...]:
        """The directories that wrappers write to, with `{home}` and `~` filled in."""
        return tuple(filled_in(text, home) for text in self.presence.wrappers_dirs)

    def trajectories_dirs(self, home: Home) -> tuple[Path, ...]:
        """The directories that trajectories are read from: that of our wrappers, and the one that is set."""
        chosen = self.consolidation.trajectories_dir
        return (home.trajectories, filled_in(chosen, home)) if chosen else (home.trajectories,)

    def outcomes_path(self, home: Home) -> Path | None:
        """The file of the models' profiles, if one is set."""
        chosen = self.consolidation.outcomes_path
        return filled_in(chosen, home) if chosen else None

    def metrics_path(self, home: Home) -> Path | None:
        """The file that the daemon writes its metrics to, if one is set."""
        chosen = self.metrics.textfile
        return filled_in(chosen, home) if chosen else None

    def vectors_path(self, home: Home) -> Path | None:
        """The file that nights write the vectors to, too, if one is set."""
        chosen = self.embedding.export_path
        return filled_in(chosen, home) if chosen else None


def filled_in(text: str, home: Home) -> Path:
    """A path of the settings, with `{home}` and `~` filled in."""
    return Path(text.replace("{home}", str(home.root))).expanduser()


SECTIONS: Mapping[str, type] = {
    "presence": Presence,
    "lifecycle": Lifecycle,
    "consolidation": Consolidation,
    "memory": Memory,
    "embedding": Embedding,
    "agenda": Agenda,
    "calendar": Calendar,
    "metrics": Metrics,
    "notify": Notify,
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
    except RecursionError as cause:
        raise BadConfig(path=path, where="the whole file", problem="it is nested too deeply") from cause
    except tomllib.TOMLDecodeError as cause:
        said = re.fullmatch(r"(.*) \(at (.*)\)", str(cause))
        problem, where = (said[1], said[2]) if said else (str(cause), "the whole file")
        raise BadConfig(path=path, where=where, problem=problem) from cause
    sections: dict[str, Any] = {}
    if AGENTS in tables:
        sections[AGENTS] = read_named(Agent, AGENTS, tables.pop(AGENTS), text, path)
    for name, table in tables.items():
        problem = _problem_of_section(name, table)
        if problem:
            raise BadConfig(path=path, where=line_of(text, name, None), problem=problem)
        sections[name] = read_section(SECTIONS[name], name, table, text, path)
    return Settings(**sections)


def _problem_of_section(name: str, table: object) -> str | None:
    if name not in SECTIONS:
        return f"there is no [{one_line(name)}]" + nearest(name, [*SECTIONS, AGENTS])
    if not isinstance(table, dict):
        return f"{name} must be a section, [{name}]"
    return None


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
