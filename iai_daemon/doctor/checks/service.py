"""The daemon as a service: the file that defines it, what its manager makes of that, and what its process is confined by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.doctor.checks.confinement import confine, lacking, limits, read
from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.flock import is_held
from iai_daemon.service import installed, manager
from iai_daemon.service.here import manager_here
from iai_daemon.service.installed import Installed
from iai_daemon.service.manager import Kept, Manager, ManagerFailed, NoManager, Seen, Service

# A manager answers within milliseconds; a check has no time for one that does not.
_SOON = 1.5
# What a manager says of a service that does not run yet, or no longer.
_ON_ITS_WAY = ("activating", "deactivating", "spawn scheduled")
_INSTALL = "`iai-daemon install` writes it anew"
_WHICH = "use the iai-daemon of that one, or `iai-daemon install` to have this one started from now on"
_LINGERING = (
    "`iai-daemon install --linger` lets it run without a session, and from the start of the machine on"
)
_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY")
_LOOK_AGAIN = "log in as yourself (by su or sudo one has no manager); until then `iai-daemon run`"


def answering() -> Manager | None:
    """The one that answers soon; None where none does."""
    here = manager_here(_SOON)
    try:
        here.require()
    except (NoManager, ManagerFailed):
        return None
    return here


def look(patient: Patient) -> Iterator[Finding]:
    here, service = manager_here(_SOON), Service.of(patient.home)
    found = installed.find(patient.home)
    try:
        here.require()
    except (NoManager, ManagerFailed) as away:
        yield _without_manager(found, away)
        return
    if found is None:
        yield _not_installed(patient)
        return
    seen = here.look(service)
    yield _state(here, service, seen, patient)
    yield _definition(here, service, found)
    if seen.known:
        kept = here.examine(service)
        yield from _kept(kept, here, service)
        answers = patient.status is not None and patient.status["pid"] == seen.pid
        yield from _confinement(kept, seen.pid if answers else None, service)
        yield from _lingers(here)


def _without_manager(found: Installed | None, away: NoManager | ManagerFailed) -> Finding:
    problem = away.data["problem"] if isinstance(away, NoManager) else away
    if found is None:
        return ok("service", f"{problem}: the daemon is no service here")
    return warn("service", f"{found.path} defines it, and nobody starts it: {problem}", _LOOK_AGAIN)


def _not_installed(patient: Patient) -> Finding:
    if patient.status is None:
        return ok("service", "the daemon is not installed as a service")
    pid = patient.status["pid"]
    seen = (
        f"the daemon (pid {pid}) was started by hand: it ends with its terminal, and nothing starts it again"
    )
    return warn("service", seen, f"`kill {pid}`, then `iai-daemon install`")


def _state(here: Manager, service: Service, seen: Seen, patient: Patient) -> Finding:
    """Whether the manager knows it, and runs the daemon that answers."""
    if not seen.known:
        mend = Mend(f"let {here.name} know of {service.name}", lambda: manager_here().take_up(service))
        return fail("service", f"{here.name} does not know of it", "`iai-daemon install`", mend)
    why = f"`iai-daemon logs` and `{here.where_to_look(service)}` tell why"
    if seen.state.startswith("failed"):
        remedy = f"{why}; mend that, then `iai-daemon start`"
        return fail("service", f"{here.name} has given it up: it is {seen.state}", remedy)
    if seen.state.startswith(_ON_ITS_WAY):
        told = f"it is {seen.state}: it is being started, or again and again"
        return warn("service", told, f"look again in a minute; where it stays so, {why}")
    pid = patient.status and patient.status["pid"]
    if pid and pid != seen.pid:
        other = f"runs pid {seen.pid}" if seen.pid else f"is {seen.state}"
        told = f"the daemon that answers (pid {pid}) was started by hand, and the service {other}"
        return warn("service", told, f"`kill {pid}`, then `iai-daemon start`")
    if seen.pid is None:
        return warn("service", f"{service.name} is installed and {seen.state}", "`iai-daemon start`")
    return ok("service", f"{service.name} of {here.name} is {seen.state} (pid {seen.pid})")


def _definition(here: Manager, service: Service, found: Installed) -> Finding:
    """Whether it starts this iai-daemon, and as this one would have it."""
    name, path = "service.definition", found.path
    if outdated := installed.trouble(service.home):
        return fail(name, outdated.why, outdated.fix, _rewrite(service, path.name))
    if found.interpreter and not _finds_us(found.interpreter):
        seen = f"{path} starts {found.interpreter}, which does not find iai-daemon"
        remedy = "`iai-daemon install`, with the iai-daemon that you use now"
        return fail(name, seen, remedy, _rewrite(service, path.name))
    if path.read_text(encoding="utf-8", errors="replace") == here.render(service):
        return ok(name, f"{path} is as this iai-daemon writes it")
    if found.version is None or found.interpreter is None:
        return warn(name, f"{path} was not written by iai-daemon", _INSTALL)
    if found.interpreter != service.interpreter:
        seen = f"{path} starts {found.interpreter}, and this iai-daemon is that of {service.interpreter}"
        return warn(name, seen, _WHICH)
    if found.version != service.version:
        seen = f"{path} was written by version {found.version}, and this is {service.version}"
        return warn(name, seen, _INSTALL, _rewrite(service, path.name))
    return warn(name, f"{path} was changed since iai-daemon wrote it", f"{_INSTALL}, without that change")


def _finds_us(interpreter: Path) -> bool:
    """Whether the interpreter imports iai-daemon in an environment that is not ours; one that takes too long is believed to."""
    try:
        return manager.finds_us(interpreter, _SOON)
    except NoManager:
        return False
    except ManagerFailed:
        return True


def _rewrite(service: Service, name: str) -> Mend | None:
    """None where it would not mend it: the interpreter of now finds iai-daemon only by what its caller's environment says."""
    if not _finds_us(service.interpreter):
        return None

    def do() -> None:
        here = manager_here()
        manager.write(installed.definition_path(service.home), here.render(service))
        here.take_up(service)
        if not is_held(service.home.daemon_lock):
            here.start(service)

    return Mend(f"write {name} anew for {service.interpreter}, and start it where no daemon runs", do)


def _kept(kept: Kept, here: Manager, service: Service) -> Iterator[Finding]:
    mend = Mend(f"have {here.name} take {service.name} up", lambda: manager_here().take_up(service))
    if kept.stale:
        seen = f"{here.name} goes by what stood there before its file, or a drop-in, was changed"
        yield warn("service.definition", seen, "`systemctl --user daemon-reload`", mend)
    if kept.enabled is False:
        yield warn("service.enabled", "your login does not start it", "`iai-daemon install`", mend)


def _lingers(here: Manager) -> Iterator[Finding]:
    """On a desktop it is as it should be that a service comes and goes with the user; elsewhere he may not know."""
    if here.lingers() is False:
        why = "it ends with your last session, and does not start before your next login"
        if any(name in os.environ for name in _DESKTOP):
            yield ok("service.linger", why)
        else:
            yield warn("service.linger", why, _LINGERING)


def _confinement(kept: Kept, pid: int | None, service: Service) -> Iterator[Finding]:
    """What the daemon lives in that other processes of its user's do not: as it is set, and as its process `pid` really has it."""
    root, mend = service.home.root, _take_out(service)
    its, ours = (read(pid, root) if pid else None), read(os.getpid(), root)
    sandbox = set(kept.confined)
    if its and ours:
        sandbox |= its.beside(ours)
        if its.read_only and not ours.read_only:
            yield fail("service.sandbox", f"the daemon may only read {root}, which you may write", mend)
        if narrow := limits(its, ours):
            yield warn("service.limits", narrow, mend)
        if missing := lacking(its):
            yield warn("service.environment", f"its environment lacks {' and '.join(missing)}", mend)
    if sandbox:
        yield warn("service.sandbox", confine(sandbox), mend)


def _take_out(service: Service) -> str:
    unit = service.name
    return f"`systemctl --user cat {unit}` shows where that is set, `systemctl --user edit {unit}` takes it out, then `iai-daemon restart`"
