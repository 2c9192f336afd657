"""JSON with comments and trailing commas, as VS Code and OpenCode read it, and others more or less. Pure."""

from __future__ import annotations

import json
import re
from typing import NoReturn

# A string that its line does not end counts as one: what stands in it must not be taken for a comment. All here is
# possessive: nobody may make this slow by what he writes.
_STRING = r'"(?:[^"\\\n\r]|\\[^\n\r])*+"?'
_COMMENT = re.compile(rf"{_STRING}|//[^\n\r]*+|/\*(?:(?!\*/).)*+(?:\*/)?", re.DOTALL)
_COMMA = re.compile(rf"(?:{_STRING}|[^\s,\"\[{{:])(\s*+),(?=\s*+[\]}}])|{_STRING}", re.ASCII)
_VISIBLE = re.compile(r"[^\s]", re.ASCII)


class NotRead(Exception):
    """Why a text cannot be read; `str()` of it begins with the line where it is known ("line 3: …")."""


def parse(text: str, *, comments: bool = True) -> object:
    """The value of the text. Raises NotRead. Without `comments` it has to be JSON itself."""
    try:
        return json.loads(to_json(text) if comments else text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NotRead(f"line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise NotRead("it is nested too deeply") from error
    except ValueError as error:
        raise NotRead(str(error)) from error


def to_json(text: str) -> str:
    """The same without comments and trailing commas. Blanks take their place: all else stays where it is."""
    return _COMMA.sub(_without_comma, _COMMENT.sub(_without_comment, text))


def _without_comment(found: re.Match[str]) -> str:
    """A comment as blanks, whose lines stay lines; one that nobody has ended stays, and is refused."""
    word = found[0]
    if not word.startswith("/") or (word.startswith("/*") and not (len(word) > 3 and word.endswith("*/"))):
        return word
    return _VISIBLE.sub(" ", word)


def _without_comma(found: re.Match[str]) -> str:
    return found[0] if found[1] is None else f"{found[0][:-1]} "


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number in JSON")
