"""The daemon as an agent of its user's launchd."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from iai_daemon.clock import Stopwatch, pause
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

# What launchctl answers; `launchctl error N` says it in words.
_NO_SUCH_PROCESS = 3
_IO_ERROR = 5  # what is there already, too, or has not gone yet
_IN_PROGRESS = 36
_ALREADY_IN_PROGRESS = 37
_NOT_FOUND = 113
_NOT_IN_THIS_DOMAIN = 125
_GONE = (0, _NO_SUCH_PROCESS, _NOT_FOUND)
_STILL_THERE = (_IO_ERROR, _IN_PROGRESS, _ALREADY_IN_PROGRESS)
_TRIES = 4
_BETWEEN = 0.2
_PID = re.compile(r"^\s*pid = (\d+)$", re.MULTILINE)
_STATE = re.compile(r"^\s*state = (.+)$", re.MULTILINE)
_DISABLED = r'^\s*"{}" => (?:disabled|true)$'
_LOOK = "`{}` tells why; mend that, then `iai-daemon start`"


class Launchd:
    """The launchd of the user who calls; `environment` is what launchctl is found and run with.

    An agent belongs to the session at the screen (`gui/UID`); where there is none, as over ssh, to `user/UID`.
    """

    name = "launchd"
    platform = "darwin"

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        soon: float = manager.SOON,
        starts_within: float = STARTS_WITHIN,
        stops_within: float = STOPS_WITHIN,
    ) -> None:
        self._environment = environment
        self._soon, self._starts_within, self._stops_within = soon, starts_within, stops_within
        uid = os.getuid()
        self._domains = (f"gui/{uid}", f"user/{uid}")

    def require(self) -> None:
        self._tool()

    def render(self, service: Service) -> str:
        service.require_text()
        texts = {
            "COMMAND": "\n".join(f"\t\t<string>{escape(each)}</string>" for each in service.argv),
            "OUTPUT": escape(str(service.home.log.with_name("launchd.log"))),
            "NAME": escape(service.name),
            "VERSION": service.version,
        }
        return manager.render("launchd", "iai-daemon.plist", texts)

    def take_up(self, service: Service) -> None:
        """Nothing more is needed: launchd reads the directory at each login."""
        for domain in self._domains:
            # One that was disabled by hand is not loaded, whatever its file says.
            self._launchctl("enable", f"{domain}/{service.name}")

    def look(self, service: Service) -> Seen:
        for domain in self._domains:
            shown = self._launchctl("print", f"{domain}/{service.name}")
            if shown.status == 0:
                pid, state = _PID.search(shown.output), _STATE.search(shown.output)
                return Seen(True, int(pid[1]) if pid else None, state[1] if state else "loaded")
        return Seen(False, None, "not loaded")

    def examine(self, service: Service) -> Kept:
        """Whoever was disabled by hand stands in a list of its domain, as `"label" => disabled`; older ones say true."""
        listed = re.compile(_DISABLED.format(re.escape(service.name)), re.MULTILINE)
        answers = [self._launchctl("print-disabled", domain) for domain in self._domains]
        known = [listed.search(each.output) is None for each in answers if each.status == 0]
        return Kept(all(known) if known else None)

    def start(self, service: Service) -> None:
        domain = self._home_domain(service)
        if domain is None:
            self._load(service)
        else:
            self._do("kickstart", f"{domain}/{service.name}", service=service)

    def restart(self, service: Service) -> None:
        """Loaded anew, so that it is stopped in its own time and started from the file that stands there now."""
        self.stop(service)
        self._load(service)

    def stop(self, service: Service) -> None:
        """Unload it: an agent that is only ended would be started again where it ended badly. The next login loads it."""
        for domain in self._domains:
            target = f"{domain}/{service.name}"
            done = self._launchctl("bootout", target, seconds=self._stops_within)
            if done.status in _STILL_THERE:
                self._wait_until_unloaded(target)
            elif done.status not in (*_GONE, _NOT_IN_THIS_DOMAIN):
                raise manager.failed(["launchctl", "bootout", target], done, "try again, or log out and in")

    def forget(self, service: Service) -> None:
        if shutil.which("launchctl", path=self._where()) is not None:
            self.stop(service)
        manager.delete(definition_path(service.home, self.platform))

    def lingers(self) -> bool | None:
        return None

    def linger(self) -> None:
        problem = "--linger is systemd's: launchd starts an agent at its user's login, and never before."
        raise ServiceRefused(problem=problem)

    def where_to_look(self, service: Service) -> str:
        return f"tail {service.home.log.with_name('launchd.log')}"

    def _load(self, service: Service) -> None:
        """Raises ManagerFailed when launchd takes it in neither domain."""
        path = str(definition_path(service.home, self.platform))
        done, argv = Done(0, "", ""), [""]
        for domain in self._domains:
            argv = ["bootstrap", domain, path]
            done = self._bootstrap(argv, f"{domain}/{service.name}")
            if done.status != _NOT_IN_THIS_DOMAIN:
                break
        if done.status:
            remedy = _LOOK.format(self.where_to_look(service))
            raise manager.failed(["launchctl", *argv], done, remedy)

    def _bootstrap(self, argv: Sequence[str], target: str) -> Done:
        """Error 5 is what an agent gives that is loaded already, or is still about to go: away with it, and again."""
        for attempt in range(_TRIES):
            done = self._launchctl(*argv, seconds=self._starts_within)
            if done.status not in _STILL_THERE or attempt == _TRIES - 1:
                break
            self._launchctl("bootout", target, seconds=self._stops_within)
            self._wait_until_unloaded(target)
        return done

    def _wait_until_unloaded(self, target: str) -> None:
        """launchctl may come back before the agent has gone. Raises ManagerFailed when it does not go."""
        watch = Stopwatch()
        while self._launchctl("print", target).status == 0:
            if watch.seconds() > self._stops_within:
                raise ManagerFailed(
                    command=f"launchctl bootout {target}",
                    problem=f"left it there for {self._stops_within:.0f} s",
                    remedy="log out and in, then try again",
                )
            pause(_BETWEEN)

    def _home_domain(self, service: Service) -> str | None:
        """Where the agent is loaded."""
        for domain in self._domains:
            if self._launchctl("print", f"{domain}/{service.name}").status == 0:
                return domain
        return None

    def _do(self, *words: str, service: Service) -> None:
        done = self._launchctl(*words, seconds=self._starts_within)
        if done.status:
            raise manager.failed(["launchctl", *words], done, _LOOK.format(self.where_to_look(service)))

    def _launchctl(self, *words: str, seconds: float | None = None) -> Done:
        return manager.run([self._tool(), *words], self._environment, seconds or self._soon)

    def _where(self) -> str:
        return f"{self._environment.get('PATH', '')}:/bin:/usr/bin"

    def _tool(self) -> str:
        found = shutil.which("launchctl", path=self._where())
        if found is None:
            raise NoManager(problem="There is no launchctl here")
        return found
