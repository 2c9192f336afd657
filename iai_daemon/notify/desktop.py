"""A notification on the desktop: the command that shows it, with texts that nobody takes for anything else. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# In characters. More than that no desktop shows.
_LONGEST_TITLE, _LONGEST_BODY = 80, 300
# The texts come as arguments, so that nothing in them is ever script.
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


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
    return list(desktop.argv(_bounded(title, _LONGEST_TITLE), _bounded(body, _LONGEST_BODY)))


def _bounded(text: str, most: int) -> str:
    line = " ".join("".join(each if each.isprintable() else " " for each in text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
