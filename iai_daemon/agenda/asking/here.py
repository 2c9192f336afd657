"""What a recall goes by where nobody says otherwise: the user who asks, and this machine's zone. Used by the command line and
the memory server."""

from __future__ import annotations

import os
import pwd
import zoneinfo
from collections.abc import Mapping

from iai_daemon.agenda.recall import Recall
from iai_daemon.agenda.store.recalls import AgendaStore, Viewer
from iai_daemon.errors import NoSuchRecall
from iai_daemon.paths import Home


def this_user() -> str:
    """The name of the user whose process this is; the number where the machine has no name for it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def viewer(home: Home) -> Viewer:
    """Who asks: the owner of the home is the administrator of what is kept in it."""
    return Viewer(this_user(), administrator=home.root.stat().st_uid == os.geteuid())


def recall_of(store: AgendaStore, id: int, asking: Viewer) -> Recall:  # noqa: A002 -- as in the store
    """Raises NoSuchRecall also for a recall that is none of theirs."""
    found = store.recall(id)
    if not asking.administrator and found.owner != asking.user:
        raise NoSuchRecall(id=id)
    return found


def machine_zone(environment: Mapping[str, str] = os.environ) -> str | None:
    """The IANA name of the zone that clocks show here; None where it cannot be told, as of a rule of its own in TZ."""
    # Whoever names a zone does not pay for it.
    import tzlocal  # noqa: PLC0415

    wanted = environment.get("TZ", "").removeprefix(":")
    try:
        name = wanted if wanted and not wanted.startswith("/") else tzlocal.get_localzone_name()
        return name and zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
