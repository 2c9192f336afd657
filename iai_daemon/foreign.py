"""Text that others wrote, as it may be shown: nothing in it steers a terminal, and it is no longer than it may be. Pure."""

from __future__ import annotations

# Of what cannot be printed one sees that it was there.
REPLACED = "\ufffd"


def printable(text: str, instead: str = REPLACED, keep: str = "\n\t") -> str:
    """All of it, with `instead` for each character that cannot be printed and is none of `keep`."""
    return "".join(each if each.isprintable() or each in keep else instead for each in text)


def one_line(text: str, most: int = 60, instead: str = REPLACED) -> str:
    """Its beginning, on one line of at most so many characters."""
    # It may be long: what is cut off is not looked at.
    line = " ".join(printable(text[: 4 * most], instead).split())
    return line if len(line) <= most and len(text) <= 4 * most else f"{line[: most - 1].rstrip()}…"
