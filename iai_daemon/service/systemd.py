"""The daemon as a unit of its user's systemd manager."""

from __future__ import annotations

import os
import pwd
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from iai_daemon.paths import identity
from iai_daemon.service import manager
from iai_daemon.service.installed import definition_path
from iai_daemon.service.manager import (
    STARTS_WITHIN,
    STOPS_WITHIN,
    Done,
    Kept,
    ManagerFailed,
    NoManager,
    Seen,
    Service,
    ServiceRefused,
)

_PLAIN = re.compile(r"[\w@+=:,./-]+", re.ASCII)
_LOOK = "`{}` tells why; mend that, then `iai-daemon start`"
# What drop-ins have that read of a hardened service; agents that are children of ours would live in it.
_SANDBOX = ("MemoryDenyWriteExecute", "ProtectHome", "PrivateTmp")
_LINGER = "ask the administrator for `loginctl enable-linger {}`"


class Systemd:
    """The manager of the user who calls; `environment` is what its commands are found and run with, `soon` how many seconds
    those may take that only ask or note."""

    name = "systemd"
    platform = "linux"

    def __init__(self, environment: Mapping[str, str] = os.environ, *, soon: float = manager.SOON) -> None:
        self._soon = soon
        runtime = environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
        # Neither a pager, nor colours, nor another language in what is read here.
        told = {"XDG_RUNTIME_DIR": runtime, "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
        self._environment = {**environment, **told}
        self._path = environment.get("PATH")

    def require(self) -> None:
        asked = self._systemctl("show", "--property=Version")
        if asked.status:
            raise NoManager(problem=f"No systemd manager of your user's answers ({asked.said})")

    def render(self, service: Service) -> str:
        service.require_text()
        if "$" in str(service.interpreter):
            problem = f"systemd cannot start {service.interpreter}, for the $ in its path: use another one."
            raise ServiceRefused(problem=problem)
        values = {
            "COMMAND": " ".join(map(quote, service.argv)),
            "NAME": service.name,
            "VERSION": service.version,
        }
        return manager.render("systemd", "iai-daemon.service", values)

    def take_up(self, service: Service) -> None:
        self._do("daemon-reload", remedy="try again")
        unit = _unit(service)
        path = definition_path(service.home, self.platform)
        shown = self._show(service, "LoadState", "FragmentPath")
        where = shown.get("FragmentPath") or "nowhere"
        if shown.get("LoadState") != "loaded" or identity(Path(where)) != identity(path):
            problem = f"found {unit} {where} instead of in {path} ({shown.get('LoadState')})"
            remedy = f"see with `systemctl --user cat {unit}` what stands in its way"
            raise ManagerFailed(command="systemctl --user", problem=problem, remedy=remedy)
        self._do("enable", unit, remedy="see that ~/.config/systemd/user is yours and writable")

    def look(self, service: Service) -> Seen:
        shown = self._show(service, "LoadState", "ActiveState", "SubState", "MainPID", "Result")
        state = shown.get("ActiveState", "unknown")
        if state == "failed":
            state = f"failed ({shown.get('Result')})"
        pid = int(shown.get("MainPID") or 0)
        return Seen(shown.get("LoadState") == "loaded", pid or None, state)

    def examine(self, service: Service) -> Kept:
        shown = self._show(service, "UnitFileState", "NeedDaemonReload", *_SANDBOX)
        state = shown.get("UnitFileState")
        confined = {name: shown[name] for name in _SANDBOX if shown.get(name, "no") not in ("", "no")}
        return Kept(state == "enabled" if state else None, shown.get("NeedDaemonReload") == "yes", confined)

    def start(self, service: Service) -> None:
        self._begin("start", service)

    def restart(self, service: Service) -> None:
        self._begin("restart", service)

    def _begin(self, verb: str, service: Service) -> None:
        # A service that has used up its starts is not started, however clearly one says so.
        self._systemctl("reset-failed", _unit(service))
        remedy = _LOOK.format(self.where_to_look(service))
        self._do(verb, _unit(service), seconds=STARTS_WITHIN + STOPS_WITHIN, remedy=remedy)

    def stop(self, service: Service) -> None:
        self._do(
            "stop", _unit(service), seconds=STOPS_WITHIN, remedy=_LOOK.format(self.where_to_look(service))
        )

    def forget(self, service: Service) -> None:
        unit, path = _unit(service), definition_path(service.home, self.platform)
        answers = self._answers()
        if answers and self.look(service).known:
            self.stop(service)
            self._do("disable", unit, remedy="see that ~/.config/systemd/user is yours and writable")
        # What `disable` left, and where no manager answers all that there is: then nothing runs.
        wants = path.parent / "default.target.wants"
        manager.delete(wants / path.name)
        manager.delete(path)
        with suppress(OSError):  # it is not there, or others have services in it
            wants.rmdir()
        if answers:
            self._do("daemon-reload", remedy="try again")
            self._systemctl("reset-failed", unit)

    def _answers(self) -> bool:
        try:
            self.require()
        except NoManager:
            return False
        return True

    def lingers(self) -> bool | None:
        try:
            asked = self._loginctl("show-user", _user(), "--property=Linger", "--value")
        except (NoManager, ManagerFailed):
            return None
        # Of a user who neither lingers nor is logged in it knows nothing, and says so with a status.
        return None if asked.status else asked.output.strip() == "yes"

    def linger(self) -> None:
        asked = self._loginctl("enable-linger", _user())
        if asked.status:
            raise manager.failed(
                ["loginctl", "enable-linger", _user()], asked, remedy=_LINGER.format(_user())
            )

    def where_to_look(self, service: Service) -> str:
        return f"journalctl --user -u {service.name} -n 20"

    def _show(self, service: Service, *properties: str) -> dict[str, str]:
        words = ["show", _unit(service), *(f"--property={each}" for each in properties)]
        shown = self._systemctl(*words)
        if shown.status:
            raise NoManager(problem=f"No systemd manager of your user's answers ({shown.said})")
        pairs = (line.partition("=") for line in shown.output.splitlines())
        return {name: value for name, _, value in pairs}

    def _do(self, *words: str, remedy: str, seconds: float | None = None) -> None:
        done = self._systemctl(*words, seconds=seconds)
        if done.status:
            raise manager.failed(["systemctl", "--user", *words], done, remedy)

    def _systemctl(self, *words: str, seconds: float | None = None) -> Done:
        argv = [self._tool("systemctl"), "--user", "--no-ask-password", *words]
        return manager.run(argv, self._environment, seconds or self._soon)

    def _loginctl(self, *words: str) -> Done:
        argv = [self._tool("loginctl"), "--no-ask-password", *words]
        return manager.run(argv, self._environment, self._soon)

    def _tool(self, name: str) -> str:
        found = shutil.which(name, path=f"{self._path or ''}:/usr/bin:/bin")
        if found is None:
            raise NoManager(problem=f"There is no {name} here")
        return found


def quote(word: str) -> str:
    """One word of a command line in a unit: systemd.service(5), "Command lines", and its specifiers."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return text if _PLAIN.fullmatch(word) else f'"{text}"'


def _unit(service: Service) -> str:
    return f"{service.name}.service"


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
