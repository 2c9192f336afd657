"""The clients: whether their servers go through a wrapper, so that the daemon hears of them, and can start."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from iai_daemon.clients.missing import missing
from iai_daemon.clients.reading import Refused, Server, servers
from iai_daemon.clients.registry import CLIENTS, Client, Place, is_there
from iai_daemon.clients.through import Through, understand
from iai_daemon.doctor.check import Finding, NotChecked, fail, ok, some, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import NoHome
from iai_daemon.paths import Home, find_home


def look(patient: Patient) -> Iterator[Finding]:
    try:
        place = Place.here()
    except RuntimeError as error:
        raise NotChecked("nobody knows your home directory: HOME is not set") from error
    installed = [each for each in CLIENTS if each.is_installed(place)]
    if not installed:
        yield ok("clients", "no client that is known was found")
    for client in installed:
        yield from look_at(client, place, patient.home)


def look_at(client: Client, place: Place, home: Home) -> Iterator[Finding]:
    """What is to be said of one client; the worst of it counts."""
    name, found = f"clients.{client.name}", servers(client, place)
    where = " and ".join(map(str, client.files(place)))
    for each in found:
        if isinstance(each, Refused):
            seen = f"{client.title}: {each.path} cannot be read: {each.why}"
            yield warn(name, seen, f"mend {each.path}: {client.title} itself may not read it either")
    used = [each for each in found if isinstance(each, Server) and _is_used(each)]
    through = [(each, understand(each.command)) for each in used]
    for server in used:
        if server.odd:
            yield warn(name, f"{client.title}: {server.name}: {server.odd}", f"mend or delete it in {where}")
    broken = list(_broken(through))
    if broken:
        remedy = f"write into {where} what is there now, such as `{_wrapper(home)} -- …`"
        yield fail(name, f"{client.title} cannot start {some(broken)}", remedy)
    elsewhere = list(_elsewhere(through, home))
    if elsewhere:
        remedy = (
            f"put `--home {shlex.quote(str(home.root))}` into that command, unless that is the home you mean"
        )
        yield warn(name, f"{client.title}: {some(elsewhere)}, and not {home.root}", remedy)
    wrapped = sum(each.wrapper for _, each in through)
    said = f"{client.title}: {_counted(len(used), wrapped, sum(each.remote for each in used))}"
    if any(not each.remote and each.odd is None for each in used) and not wrapped:
        remedy = f"put `{_wrapper(home)} --` in front of the command of each server in {where}"
        yield warn(name, f"{said}: nobody is told when it is used", remedy)
    else:
        yield ok(name, said)


def _is_used(server: Server) -> bool:
    """Whether the client may start it: it is not switched off, and not for a project that is gone."""
    return server.enabled and (server.project is None or is_there(Path(server.project)))


def _counted(servers_: int, wrapped: int, remote: int) -> str:
    if not servers_:
        return "no servers"
    elsewhere = f", {remote} elsewhere in the network" if remote else ""
    return f"{servers_} server{'s' if servers_ > 1 else ''}, {wrapped} through a wrapper{elsewhere}"


def _broken(through: Iterable[tuple[Server, Through]]) -> Iterator[str]:
    """What keeps those of ours from starting: what a client runs past us is not ours to judge."""
    for server, each in through:
        if each.wrapper or each.memory:
            wrong = [*([each.wrong] if each.wrong else []), *missing(each)]
            yield from (f"{server.name}: {why}" for why in wrong)


def _elsewhere(through: Iterable[tuple[Server, Through]], home: Home) -> Iterator[str]:
    """Those that tell another home than this one, or keep their memories there."""
    for server, each in through:
        if each.wrapper and (other := _another(each.home or server.home, home)):
            yield f"{server.name} tells {other}"
        if each.memory and (other := _another(each.memory_home or server.home, home)):
            yield f"{server.name} remembers in {other}"


def _another(named: str | None, home: Home) -> Path | None:
    """The home that a client's process takes, where it is another. Clients cut the environment, so ours says nothing."""
    if named is not None and not named.startswith(("/", "~")):
        return None  # it depends on where the client is
    try:
        taken = find_home(named, {}).root
        return None if taken == home.root or taken.resolve() == home.root.resolve() else taken
    except (NoHome, OSError, ValueError):
        return None


def _wrapper(home: Home) -> str:
    """The wrapper of this installation as a client is best told to start it for this home."""
    found = importlib.util.find_spec("iai_wrapper")
    words = [sys.executable, "-I", "-S", found.origin] if found and found.origin else ["iai-wrapper"]
    return shlex.join([*words, *(["--home", str(home.root)] if _another(None, home) else [])])
