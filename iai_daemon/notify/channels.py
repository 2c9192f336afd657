"""How a night is told: on the desktop, and to a program of the user's. Each says what went wrong and what mends it, or None."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from iai_daemon.notify.desktop import KNOW_DESKTOP, desktop_of, words
from iai_daemon.notify.news import News
from iai_daemon.notify.running import run
from iai_daemon.paths import Home
from iai_daemon.programs.starting import environment, find

# Seconds.
LIMIT = 30.0
# How a program finds the desktop that its user sits at.
_DESKTOP = ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR")
_NO_BUS = (
    f"where the daemon is a service, let it know your desktop: {KNOW_DESKTOP}; "
    "or `iai-daemon config set notify.desktop false`"
)
_MEND = "mend it, or take it out with `iai-daemon config set notify.command '[]'`; the next night tries again"

_Wrong = tuple[str, str]


async def tell_desktop(home: Home, news: News, platform: str = sys.platform) -> _Wrong | None:
    """A notification, of which nothing is anybody's words: others may see the screen."""
    desktop = desktop_of(platform)
    path = find(desktop.program)
    if path is None:
        return f"there is no program {desktop.program} that could notify you", desktop.install
    argv = [path, *words(desktop, news.title, news.short)]
    return await _run("notify.desktop", argv, environment(_DESKTOP, home), "", _NO_BUS)


async def run_command(command: Sequence[str], home: Home, news: News, limit: float = LIMIT) -> _Wrong | None:
    """The user's program, with the note on its standard input."""
    path = find(command[0])
    if path is None:
        return f"notify.command: there is no program {command[0]} that can be started", _MEND
    about = {
        "IAI_NIGHT": "" if news.night is None else str(news.night),
        "IAI_KIND": news.kind,
        "IAI_OUTCOME": news.outcome,
        "IAI_HOME": str(home.root),
    }
    given = {**environment(_DESKTOP, home), **about}
    return await _run("notify.command", [path, *command[1:]], given, news.text, _MEND, limit)


async def _run(
    what: str, argv: Sequence[str], given: Mapping[str, str], text: str, fix: str, limit: float = LIMIT
) -> _Wrong | None:
    try:
        ended = await run(argv, given, text, limit)
    except (OSError, ValueError) as cause:
        return f"{what}: {argv[0]} cannot be started ({cause})", fix
    if ended.late:
        return f"{what}: {argv[0]} took longer than {limit:g} s and was ended", fix
    return (f"{what}: {argv[0]} {ended.how}", fix) if ended.status else None
