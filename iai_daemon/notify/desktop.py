"""A notification on the desktop: the command that shows it, with texts that nobody takes for anything else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from iai_daemon.foreign import one_line

# In characters. More than that no desktop shows.
_LONGEST_TITLE, _LONGEST_BODY = 80, 300
# The texts come as arguments, so that nothing in them is ever script.
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
# What lets the user manager's services know it.
KNOW_DESKTOP = "`systemctl --user import-environment DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS`, then `iai-daemon restart`"


@dataclass(frozen=True, slots=True)
class Desktop:
    """How one system does it: by which program, what installs that, and its argv for a title and a body."""

    program: str
    install: str
    argv: Callable[[str, str], Sequence[str]]


def _notify_send(title: str, body: str) -> list[str]:
    # Bodies are markup to many servers, and notify-send itself reads backslashes.
    marked = body.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ["--app-name=iai-daemon", "--", title, marked]


def _osascript(title: str, body: str) -> list[str]:
    return [*(word for line in _SCRIPT for word in ("-e", line)), title, body]


LINUX = Desktop(
    "notify-send", "install it (Debian and Ubuntu: libnotify-bin; Fedora and Arch: libnotify)", _notify_send
)
MACOS = Desktop("osascript", "it comes with macOS: see that /usr/bin is in the daemon's PATH", _osascript)


def desktop_of(platform: str) -> Desktop:
    """That of `sys.platform`."""
    return MACOS if platform == "darwin" else LINUX


def words(desktop: Desktop, title: str, body: str) -> list[str]:
    """The arguments for its program, on one line each, bounded."""
    return list(desktop.argv(one_line(title, _LONGEST_TITLE, " "), one_line(body, _LONGEST_BODY, " ")))
