"""What others wrote, as a terminal may show it."""

from __future__ import annotations


def one_line(text: str, width: int = 60) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(printable(text).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def printable(text: str) -> str:
    """What others wrote, without what would steer a terminal."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
