"""Which host a daemon is among those that share its memory: one home on one machine."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from iai_daemon import atomic
from iai_daemon.paths import Home

# https://www.freedesktop.org/software/systemd/man/machine-id.html
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_USUAL = ".iai-daemon"


@dataclass(frozen=True, slots=True)
class Identity:
    """`id` stays the same over restarts; `name` is for people."""

    id: str
    name: str


def identify(home: Home) -> Identity:
    """Who this home is on this machine. A home that was copied, here or to another machine, gets an id of its own."""
    place = _place(home)
    return Identity(_kept(home, place) or _made(home, place), _name(home))


def change(home: Home, own: Identity) -> Identity:
    """Another one: somebody else is told apart from us by nothing but his process, as in a machine that was copied while it ran."""
    return Identity(_made(home, _place(home)), own.name)


def _kept(home: Home, place: str) -> str | None:
    try:
        kept = json.loads(home.host.read_bytes())
        own = str(kept["id"])
        return own if kept["place"] == place and own.isalnum() and len(own) <= 64 else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _made(home: Home, place: str) -> str:
    """Random, since machines that were made from one image may have all else in common."""
    own = secrets.token_hex(8)
    with suppress(OSError):  # then the next start is another host: the lease of this one ends by itself
        atomic.write(home.host, json.dumps({"id": own, "place": place}).encode() + b"\n")
    return own


def _place(home: Home) -> str:
    return hashlib.sha256(f"{_machine()}\n{home.root}".encode(errors="surrogateescape")).hexdigest()[:16]


def _machine() -> str:
    for path in _MACHINE_IDS:
        with suppress(OSError):
            return path.read_text(encoding="ascii", errors="replace").strip()
    return f"{uuid.getnode():x}"


def _name(home: Home) -> str:
    """The machine's; of a home that is not the usual one with its directory, since a machine may have several."""
    machine = os.uname().nodename.partition(".")[0] or "a host"
    return machine if home.root.name == _USUAL else f"{machine}:{home.root.name}"
