"""`iai-daemon completion`: what makes a shell complete these commands, printed or put where the shell finds it by itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from iai_daemon import atomic
from iai_daemon.cli.common import emit, home_option, json_option
from iai_daemon.errors import NoHome, Refused, UsageError

_SHELLS = ("bash", "zsh", "fish")
_PROGRAM = "iai-daemon"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shell looks for such a script, and what has to be there besides."""

    path: Path
    needs: str


@click.command()
@click.argument("shell", metavar="[bash|zsh|fish]", type=click.Choice(_SHELLS), required=False)
@click.option(
    "--install", is_flag=True, help="Put it where the shell finds it by itself, and say where that is."
)
@home_option
@json_option
def completion(shell: str | None, install: bool, as_json: bool) -> None:
    """Print what completes these commands in a shell: commands, options, files, and names such as those of nights, recalls,
    sessions and settings. Without a name the shell is the one of your login ($SHELL).

    With --install one file is written, and none of your own is changed: what has to stand in one is said.

    \b
    Example: iai-daemon completion --install
    Example: eval "$(iai-daemon completion bash)"
    Example: iai-daemon completion fish | source
    """
    chosen = shell or _of_login(os.environ)
    script = _script(chosen)
    place = where(chosen, os.environ)
    if install:
        _write(place.path, script)
    result = {"shell": chosen, "path": str(place.path), "installed": install, "script": script}
    said = f"wrote {place.path}\n{place.needs}" if install else script.rstrip("\n")
    emit(result, as_json=as_json, human=lambda: said)


def _of_login(environment: Mapping[str, str]) -> str:
    """Raises UsageError where that is none of them."""
    name = Path(environment.get("SHELL", "")).name
    if name not in _SHELLS:
        problem = f"Your login's shell ({name or 'none'}) is none that is known here: say bash, zsh or fish."
        raise UsageError(problem=problem)
    return name


def _script(shell: str) -> str:
    from iai_daemon.cli.group import COMPLETING, iai  # noqa: PLC0415 -- it imports this module where it is asked for
    from iai_daemon.cli.shells import SHELLS  # noqa: PLC0415 -- help does not need it

    return SHELLS[shell](iai, {}, _PROGRAM, COMPLETING).source()


def where(shell: str, environment: Mapping[str, str]) -> Place:
    """The shells' own convention, so XDG_* is asked here. Raises NoHome."""
    if shell == "fish":
        folder = _folder(environment, "XDG_CONFIG_HOME", ".config")
        needs = "Every fish that starts from now on completes iai-daemon."
        return Place(folder / "fish" / "completions" / f"{_PROGRAM}.fish", needs)
    data = _folder(environment, "XDG_DATA_HOME", ".local/share")
    if shell == "zsh":
        path = data / "zsh" / "site-functions" / f"_{_PROGRAM}"
        needs = f"In ~/.zshrc this has to stand, before `compinit`: fpath=({path.parent} $fpath)"
        return Place(path, needs)
    own = environment.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0]
    folder = Path(own) if own.startswith("/") else data / "bash-completion"
    path = folder / "completions" / _PROGRAM
    needs = (
        "Every bash that starts from now on completes iai-daemon, where the package bash-completion is installed. "
        f"Without it this has to stand in ~/.bashrc: source {path}"
    )
    return Place(path, needs)


def _folder(environment: Mapping[str, str], variable: str, usual: str) -> Path:
    """A relative path counts as none: https://specifications.freedesktop.org/basedir-spec/latest/"""
    chosen = environment.get(variable, "")
    if chosen.startswith("/"):
        return Path(chosen)
    try:
        return Path.home() / usual
    except RuntimeError as cause:
        raise NoHome from cause


def _write(path: Path, script: str) -> None:
    """Raises Refused for a file that is none of ours."""
    if os.path.lexists(path) and not _is_ours(path):
        raise Refused(
            problem=f"{path} is there already and was not made by this command: move it away first."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, script.encode())


def _is_ours(path: Path) -> bool:
    try:
        return b"Completes iai-daemon" in path.read_bytes()[:200]
    except OSError:
        return False
