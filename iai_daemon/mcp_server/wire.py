"""Standard input as the SDK can read it. Used by the server."""

from __future__ import annotations

import re

import anyio

# Any escape of a JSON text; the groups are a character of two halves, and a half that stands alone.
_ESCAPE = re.compile(
    r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class Input(anyio.AsyncFile[str]):
    """Lines in which no half of a character stands alone.

    JavaScript leaves halves where a text was cut within an emoji. The SDK's JSON parser refuses the whole message then,
    id included, so the call would never be answered.
    """

    async def readline(self) -> str:
        return mended(await super().readline())


def mended(line: str) -> str:
    """The line with U+FFFD, the replacement character, for each half that stands alone."""
    return (
        _ESCAPE.sub(lambda found: r"\ufffd" if found[2] else found[0], line) if _HALF.search(line) else line
    )
