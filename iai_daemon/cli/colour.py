"""Colours on a terminal without a library: who wants them, and what they look like. They only repeat what the words say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Tone(StrEnum):
    """What a text is; the value is how a terminal is told to show it (SGR, ECMA-48 §8.3.117)."""

    PLAIN = ""
    QUIET = "2"
    WAKE = "1;33"
    IDLE = "1;36"
    BEDTIME = "1;35"
    WARNING = "1;31"


def wants_colour(environment: Mapping[str, str], *, is_terminal: bool) -> bool:
    """NO_COLOR (https://no-color.org) before all others, then FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR and what TERM can."""
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    plain = environment.get("CLICOLOR") == "0" or environment.get("TERM", "") in ("", "dumb")
    return is_terminal and not plain


def paint(text: str, tone: Tone) -> str:
    """The text in its tone, and everything after it plain again."""
    return f"\x1b[{tone}m{text}\x1b[0m" if tone and text else text
