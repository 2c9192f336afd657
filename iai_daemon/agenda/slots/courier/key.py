"""The backend's key: where it is read from, and what takes it out of everything that is said."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from iai_daemon.agenda.slots.courier.answers import Kind, Trouble
from iai_daemon.agenda.slots.courier.files import open_file
from iai_daemon.config import Calendar, filled_in
from iai_daemon.paths import Home

_LONGEST = 8192
# What is shorter stands in many texts by chance.
_TELLING = 6


def read_key(calendar: Calendar, home: Home, environment: Mapping[str, str] = os.environ) -> str | None:
    """None: none is needed. Read anew each time, so that a new key in the file counts at once. Raises Trouble."""
    if calendar.api_key_file:
        return _checked(_in_file(filled_in(calendar.api_key_file, home)), calendar.api_key_file)
    if calendar.api_key_env:
        name = calendar.api_key_env
        if name not in environment:
            problem = f"the key is to be in the environment variable {name}, which is not set where the daemon was started"
            raise Trouble(kind=Kind.AUTH, problem=problem)
        return _checked(environment[name], name)
    return None


def _in_file(path: Path) -> str:
    try:
        with open_file(path) as file:
            seen = os.fstat(file.fileno())
            if seen.st_uid != os.geteuid():
                raise _unusable(path, "belongs to another user")
            if stat.S_IMODE(seen.st_mode) & 0o077:
                raise _unusable(path, f"is open to others (`chmod 600 {path}` mends that)")
            return file.read(_LONGEST + 1).decode("latin-1")
    except OSError as cause:
        raise _unusable(path, f"cannot be read ({cause.strerror})") from cause


def _unusable(path: Path, problem: str) -> Trouble:
    return Trouble(kind=Kind.AUTH, problem=f"the key's file {path} {problem}")


def _checked(text: str, where: str) -> str:
    key = text.strip()
    if not key or len(key) > _LONGEST or not key.isascii() or not key.isprintable():
        raise Trouble(
            kind=Kind.AUTH, problem=f"what {where} holds is no key: one line of ASCII characters is"
        )
    return key


class Secrets:
    """Texts that must never be repeated, also not as JSON or an address would spell them."""

    def __init__(self, *secrets: str | None) -> None:
        forms = {
            form
            for each in secrets
            if each
            for form in (each, json.dumps(each)[1:-1], quote(each), quote(each, safe=""))
        }
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, "…")
        return text

    def are_in(self, *texts: str) -> bool:
        """Whether a text holds one of them that is none by chance."""
        return any(form in text for form in self._forms if len(form) >= _TELLING for text in texts)
