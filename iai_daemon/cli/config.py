"""`iai-daemon config`: show, check and change the settings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

import click
import tomli_w

import iai_daemon
from iai_daemon import atomic
from iai_daemon.agenda.waking.call import make_call
from iai_daemon.cli import completing
from iai_daemon.cli.common import Group, emit, home, home_option, json_option
from iai_daemon.config import AGENTS, SECTIONS, Agent, Settings, keys, load, parse, plain
from iai_daemon.consolidation.program import find
from iai_daemon.control import client
from iai_daemon.errors import AgentUnusable, BadConfig, DaemonAway, DaemonMute, Refused, UsageError
from iai_daemon.paths import make_private
from iai_daemon.tables import kinds


@click.group(cls=Group)
@home_option
def config() -> None:
    """Show, check and change the settings.

    \b
    Example: iai-daemon config show
    Example: iai-daemon config set lifecycle.idle_after 10m
    """


@config.command()
@home_option
@json_option
def show(as_json: bool) -> None:
    """Print every setting as it holds, the defaults included.

    \b
    Example: iai-daemon config show
    """
    settings = plain(load(home()))
    emit(
        {"path": str(home().config), "settings": settings},
        as_json=as_json,
        human=lambda: tomli_w.dumps(settings).rstrip(),
    )


@config.command()
@home_option
@json_option
def check(as_json: bool) -> int:
    """Say whether the settings can be used; ends with 78 when not.

    \b
    Example: iai-daemon config check
    """
    where = home().config
    problem: str | None
    try:
        settings = load(home())
        _require_programs(settings, where)
    except BadConfig as bad:
        problem, exit_status, said = str(bad), bad.exit_status, str(bad)
    else:
        problem, exit_status = None, 0
        said = f"{where} is fine" if where.exists() else f"there is no {where}: the defaults hold"
    result = {"path": str(where), "ok": problem is None, "problem": problem}
    emit(result, as_json=as_json, human=lambda: said)
    return exit_status


def _require_programs(settings: Settings, where: Path) -> None:
    """Raises BadConfig for what cannot be started. A daemon starts all the same; that night, or that recall, tells."""
    for each in settings.consolidation.commands:
        if find(each) is None:
            problem = f"there is no program {each.argv[0]} that can be started (on this PATH)"
            place = f'[[consolidation.commands]] "{each.name}"'
            raise BadConfig(path=where, where=place, problem=problem)
    for agent in settings.agents.values():
        if why := _problem_of(agent):
            raise BadConfig(path=where, where=f"[agents.{agent.name}]", problem=why)


def _problem_of(agent: Agent) -> str | None:
    """Why an agent could not be woken, or would never be done."""
    if agent.confirm and not any(name in each for each in agent.command for name in ("{token}", "{confirm}")):
        return "confirm is true, but {token} or {confirm} is not in the command: nothing tells the agent its token"
    try:
        make_call(agent, "", "", "", home())
    except AgentUnusable as refused:
        return str(refused.data["problem"])
    return None


@config.command()
@home_option
@json_option
def path(as_json: bool) -> None:
    """Print where the settings are read from.

    \b
    Example: iai-daemon config path
    """
    where = str(home().config)
    emit({"path": where}, as_json=as_json, human=lambda: where)


@config.command()
@home_option
@json_option
def init(as_json: bool) -> None:
    """Put a commented file with every setting and its default in place; refused when there is one.

    \b
    Example: iai-daemon config init
    """
    where = home().config
    if where.exists():
        raise Refused(
            problem=f"{where} is already there and stays as it is: change it with `iai-daemon config set`."
        )
    make_private(home().root)
    atomic.write(where, example().encode())
    emit({"path": str(where)}, as_json=as_json, human=lambda: f"wrote {where}")


@config.command("set")
@click.argument("key", shell_complete=completing.settings)
@click.argument("value", shell_complete=completing.values)
@home_option
@json_option
def set_(key: str, value: str, as_json: bool) -> None:
    """Set KEY (section.name) to VALUE; comments in the file stay. A running daemon goes by it at once where it can.

    \b
    Example: iai-daemon config set lifecycle.idle_after 10m
    Example: iai-daemon config set consolidation.review true
    Example: iai-daemon config set consolidation.passes '["expire", "supersede", "embed"]'
    """
    section, _, name = key.partition(".")
    if key in keys(tables=True) or section == AGENTS:
        head = "[agents.NAME]" if section == AGENTS else f"[[{key}]]"
        problem = f"{key} is not one value: write {head} tables into {home().config} with an editor."
        raise UsageError(problem=problem)
    if key not in keys():
        raise UsageError(problem=f"There is no setting {key!r}: `iai-daemon config show` prints them all.")
    where = home().config
    before = where.read_text(encoding="utf-8") if where.exists() else ""
    parse(before, where)
    line = tomli_w.dumps({name: _typed(section, name, value)}).strip()
    after = _with_setting(before, section, name, line)
    parse(after, where)
    make_private(home().root)
    atomic.write(where, after.encode())
    told = _tell_daemon()
    shown = plain(load(home()))[section][name]
    said = f"{where}: [{section}] {tomli_w.dumps({name: shown}).strip()}"
    emit(
        {"path": str(where), "key": key, "value": shown, **told},
        as_json=as_json,
        human=lambda: "\n".join([said, *_of_reload(told)]),
    )


@config.command()
@home_option
@json_option
def reload(as_json: bool) -> None:
    """Let the running daemon read the settings again; ends with 78 when they cannot be used, and those of before hold.

    \b
    Example: iai-daemon config reload
    """
    answer = client.ask(home(), "reload")
    said = f"{home().config}: {_listed(answer['changed']) or 'nothing'} has changed"
    emit(answer, as_json=as_json, human=lambda: "\n".join([said, *_of_reload({"reloaded": True, **answer})]))


def _tell_daemon() -> dict[str, object]:
    """Let a running daemon go by what was set; whether it does, and if not, why."""
    try:
        answer = client.ask(home(), "reload")
    except DaemonAway:
        return {"reloaded": False, "needs_restart": [], "problem": None}
    except (DaemonMute, Refused) as problem:
        return {"reloaded": False, "needs_restart": [], "problem": str(problem)}
    return {"reloaded": True, "needs_restart": answer["needs_restart"], "problem": None}


def _of_reload(told: Mapping[str, object]) -> Iterator[str]:
    """What a person has to know of it."""
    if told.get("problem"):
        yield f"It is set, but the running daemon does not go by it yet: {told['problem']}"
    if late := _listed(told["needs_restart"]):
        yield f"{late}: what runs reads that only when it starts, the daemon and the memory servers of clients"


def _listed(keys: object) -> str:
    return ", ".join(keys) if isinstance(keys, list) else ""


def _typed(section: str, name: str, text: str) -> object:
    """What TOML would read (`true`, `3`, `["a"]`), else the text itself: the first of them that the setting takes."""
    kind = kinds(SECTIONS[section])[name]
    problems = []
    for value in (*_as_toml(text), text):
        try:
            kind.read(value)
        except ValueError as cause:
            problems.append(str(cause))
        else:
            return value
    raise UsageError(problem=f"{section}.{name} {problems[0]}.")


def _as_toml(text: str) -> list[object]:
    try:
        return [tomllib.loads(f"value = {text}")["value"]]
    except (tomllib.TOMLDecodeError, RecursionError):
        return []


def _with_setting(text: str, section: str, name: str, line: str) -> str:
    """`text` with `line` in [section]: in place of the setting that stands there, else after the section's head."""
    head = re.compile(rf"^[ \t]*\[[ \t]*{re.escape(section)}[ \t]*\][^\n]*\n?", re.MULTILINE)
    found = head.search(text)
    if found is None:
        return f"{text.rstrip()}\n\n[{section}]\n{line}\n".lstrip("\n")
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, found.end())
    body = text[found.end() : end.start() if end else len(text)]
    rest = text[found.end() + len(body) :]
    # A value may go over several lines only inside brackets: lists are the only such values that there are.
    setting = re.compile(
        rf"^[ \t]*\"?{re.escape(name)}\"?[ \t]*=[ \t]*(\[[^\]]*\]|[^\n]*)[^\n]*$", re.MULTILINE
    )
    body, replaced = setting.subn(lambda _: line, body, count=1)
    start = text[: found.end()].rstrip("\n") + "\n"
    return start + (body if replaced else f"{line}\n{body}") + rest


def example() -> str:
    """The commented settings: a data file of the installed package, the top-level file of a checkout."""
    installed = files(iai_daemon) / "config.example.toml"
    if installed.is_file():
        return installed.read_text(encoding="utf-8")
    return (Path(iai_daemon.__file__).parents[1] / "config.example.toml").read_text(encoding="utf-8")
