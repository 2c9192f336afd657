"""One member of a TOML text set or taken out; every other character stays as it is. Pure.

A table of its own is appended and cut out as text; what is written in any other way tomlkit changes, which keeps the rest.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from copy import deepcopy
from typing import Any

from iai_daemon.clients.jsonc import NotRead

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)


def put(text: str, path: Sequence[str], value: object) -> str:
    """The text with the member at `path` set to `value`; tables on the way that are missing are made. Raises NotRead."""
    wanted = _wanted(text, path, value)
    appended = _appended(text, path, value) if isinstance(value, Mapping) else None
    if appended is not None and _means(appended, wanted):
        return appended
    document = _parsed(text)
    within: MutableMapping[str, Any] = document
    for depth, key in enumerate(path[:-1]):
        within = _table(within.setdefault(key, {}), path[: depth + 1])
    within[path[-1]] = value
    return _told(document, text, wanted)


def take(text: str, path: Sequence[str], *, emptied: int = 0) -> str:
    """The text without the member at `path`, as `json_text.take` does it. Raises NotRead."""
    wanted = _plain(text)
    tables: list[Any] = [wanted]
    for key in path[:-1]:
        tables.append(tables[-1].get(key) if isinstance(tables[-1], dict) else None)
    if not isinstance(tables[-1], dict) or path[-1] not in tables[-1]:
        return text
    del tables[-1][path[-1]]
    gone = len(path) - 1
    while emptied and gone and not tables[gone]:
        del tables[gone - 1][path[gone - 1]]
        gone, emptied = gone - 1, emptied - 1
    cut = _cut(text, path)
    # A table that only its own tables had made is gone with the last of them.
    if _means(cut, wanted):
        return cut
    document = _parsed(text)
    within: MutableMapping[str, Any] = document
    for key in path[:gone]:
        within = within[key]
    del within[path[gone]]
    return _told(document, text, wanted)


def raw(text: str, path: Sequence[str]) -> str | None:
    """How the value at `path` is written; None where there is none."""
    within: Any = _parsed(text)
    for key in path:
        if not isinstance(within, MutableMapping) or key not in within:
            return None
        within = within[key]
    written: str = within.as_string()
    return written


def put_raw(text: str, path: Sequence[str], written: str) -> str:
    """The text with the value at `path` written so. Raises NotRead."""
    import tomlkit  # noqa: PLC0415 -- who has no client with TOML does not pay for it

    return put(text, path, tomlkit.value(written))


def _appended(text: str, path: Sequence[str], value: Mapping[str, object]) -> str | None:
    """With a table of its own at the end; None where it stands there already."""
    header = _header(path)
    if header in text:
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = [header, *(f"{_key(name)} = {_value(each)}" for name, each in value.items()), ""]
    before = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + before + newline.join(lines)


def _cut(text: str, path: Sequence[str]) -> str:
    """Without the table of its own, and the blank line before it; as it is where there is none."""
    at = text.find(_header(path))
    if at < 0:
        return text
    following = _HEADER.search(text, at + 1)
    end = following.start() if following else len(text)
    begin = at
    if following is None:
        for newline in ("\r\n", "\n"):
            if text[:begin].endswith(newline * 2):
                begin -= len(newline)
    return text[:begin] + text[end:]


def _header(path: Sequence[str]) -> str:
    return f"[{'.'.join(map(_key, path))}]"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _value(value: object) -> str:
    # Of texts, lists of texts and truth JSON and TOML write the same, but for what JSON leaves as it is.
    return json.dumps(value).replace("\x7f", "\\u007f")


def _wanted(text: str, path: Sequence[str], value: object) -> dict[str, Any]:
    """What the text should mean afterwards."""
    wanted = deepcopy(_plain(text))
    within = wanted
    for depth, key in enumerate(path[:-1]):
        within = within.setdefault(key, {})
        if not isinstance(within, dict):
            raise NotRead(f"{'.'.join(path[: depth + 1])} is no table")
    within[path[-1]] = _unwrapped(value)
    return wanted


def _unwrapped(value: object) -> object:
    """A value of tomlkit's as a plain one."""
    unwrap = getattr(value, "unwrap", None)
    return value if unwrap is None else unwrap()


def _plain(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotRead(str(error)) from error


def _means(text: str, wanted: Mapping[str, object]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except (ValueError, RecursionError):
        return False


def _parsed(text: str) -> Any:
    import tomlkit  # noqa: PLC0415 -- as above
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415 -- as above

    try:
        document = tomlkit.parse(text)
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise NotRead(str(error)) from error
    if document.as_string() != text:
        raise NotRead("it is written in a way that could not be kept as it is")
    return document


def _told(document: Any, before: str, wanted: Mapping[str, object]) -> str:
    text: str = document.as_string()
    if "\r\n" in before:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if not _means(text, wanted):
        raise NotRead("it is written in a way that cannot be changed here without changing more")
    return text


def _table(value: object, path: Sequence[str]) -> MutableMapping[str, Any]:
    if not isinstance(value, MutableMapping):
        raise NotRead(f"{'.'.join(path)} is no table")
    return value
