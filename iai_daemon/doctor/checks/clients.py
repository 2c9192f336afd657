"""The clients: whether their servers go through a wrapper, so that the daemon hears of them, and can start."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from iai_daemon.clients.entries import MEMORY
from iai_daemon.clients.missing import missing
from iai_daemon.clients.reading import Refused, Server, servers
from iai_daemon.clients.registry import CLIENTS, Client, Place, is_there
from iai_daemon.clients.through import Through, understand
from iai_daemon.doctor.finding import Finding, NotChecked, fail, ok, some, warn
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
        seen = f"{client.title} cannot start {some([f'{each.name}: {why}' for each, why in broken])}"
        anew = f"{_connect(client, broken[0][0])} writes it anew"
        yield fail(name, seen, f"{anew}; what stands behind a wrapper is to be mended in {where}")
    elsewhere = list(_elsewhere(through, home))
    if elsewhere:
        seen = f"{client.title}: {some([f'{each.name} {what}' for each, what in elsewhere])}, and not {home.root}"
        (server, what), here = elsewhere[0], shlex.quote(str(home.root))
        # Only of our own entry `connect` writes what stands behind the wrapper.
        by_hand = what.startswith("remembers") and server.name != MEMORY
        anew = f"`--home {here}` in its command" if by_hand else _connect(client, server)
        yield warn(name, seen, f"{anew} changes that, unless it is the home that you mean")
    wrapped = sum(each.wrapper for _, each in through)
    said = f"{client.title}: {_counted(len(used), wrapped, sum(each.remote for each in used))}"
    local = [each for each in used if not each.remote and each.odd is None]
    if local and not wrapped:
        remedy = f"{_connect(client, local[0])} puts the wrapper in front of it"
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


def _connect(client: Client, server: Server) -> str:
    """The command that writes this server as it should be."""
    wrap = "" if server.name == MEMORY else f" --wrap {shlex.quote(server.name)}"
    return f"`iai-daemon clients connect {client.name}{wrap}`"


def _broken(through: Iterable[tuple[Server, Through]]) -> Iterator[tuple[Server, str]]:
    """What keeps those of ours from starting: what a client runs past us is not ours to judge."""
    for server, each in through:
        if each.wrapper or each.memory:
            wrong = [*([each.wrong] if each.wrong else []), *missing(each)]
            yield from ((server, why) for why in wrong)


def _elsewhere(through: Iterable[tuple[Server, Through]], home: Home) -> Iterator[tuple[Server, str]]:
    """Those that tell another home than this one, or keep their memories there."""
    for server, each in through:
        if each.wrapper and (other := _another(each.home or server.home, home)):
            yield server, f"tells {other}"
        if each.memory and (other := _another(each.memory_home or server.home, home)):
            yield server, f"remembers in {other}"


def _another(named: str | None, home: Home) -> Path | None:
    """The home that a client's process takes, where it is another. Clients cut the environment, so ours says nothing."""
    if named is not None and not named.startswith(("/", "~")):
        return None  # it depends on where the client is
    try:
        taken = find_home(named, {}).root
        return None if taken == home.root or taken.resolve() == home.root.resolve() else taken
    except (NoHome, OSError, ValueError):
        return None
