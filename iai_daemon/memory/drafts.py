"""What may become a memory, and what is said about the rest. Pure and total; used by import, the command line and the server."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from iai_daemon.errors import BadRecord
from iai_daemon.memory.record import GLOBAL_SCOPE, LAST_STAMP, Draft
from iai_daemon.memory.secrets import redact_draft
from iai_daemon.memory.trust import ORIGINS
from iai_daemon.units import parse_stamp

MAX_CONTENT = 64 * 1024
MAX_NAME = 256
MAX_SOURCE = 1024
# A project's scope is the path of its directory.
MAX_SCOPE = 4096
MAX_TAGS = 64
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
# What is shown in local time has to be one that a date can say there, too.
_LAST_SHOWN = parse_stamp("9999-01-01T00:00:00Z")


def from_object(values: object, *, origin: str | None = None, redacts: bool = True) -> Draft:
    """The memory that a JSON object describes; unknown fields are ignored, `id` is kept as the external id. Everything that
    anybody tells comes this way, so here its secrets are taken out. `origin`: whose words they are where it does not say.

    Raises BadRecord, which names the field and what is wrong with it.
    """
    if not isinstance(values, Mapping):
        raise BadRecord(problem="it is not a JSON object")
    content = _text(values, "content", MAX_CONTENT)
    if content is None:
        raise BadRecord(problem="content is missing or empty")
    draft = Draft(
        content=content,
        external_id=_external_id(values),
        kind=_text(values, "kind", MAX_NAME),
        subject=_text(values, "subject", MAX_NAME),
        attribute=_text(values, "attribute", MAX_NAME),
        scope=_text(values, "scope", MAX_SCOPE) or GLOBAL_SCOPE,
        tags=_tags(values.get("tags")),
        source=_text(values, "source", MAX_SOURCE),
        session=_text(values, "session", MAX_NAME),
        created_at=_stamp(values, "created_at"),
        expires_at=_stamp(values, "expires_at"),
        client=_text(values, "client", MAX_NAME),
        origin=_origin(values) or origin,
    )
    return redact_draft(draft) if redacts else draft


def stamp(value: object, name: str) -> float | None:
    """Seconds since the epoch of an RFC 3339 text, None for none; only `expires_at` may be as late as dates go. Raises BadRecord."""
    if value is None:
        return None
    try:
        seconds = parse_stamp(value) if isinstance(value, str) else None
    except ValueError:
        seconds = None
    if seconds is None or not 0 <= seconds <= (LAST_STAMP if name == "expires_at" else _LAST_SHOWN):
        raise BadRecord(problem=f"{name} must be a time such as 2026-11-21T11:00:00Z")
    return seconds


def _stamp(values: Mapping[object, object], name: str) -> float | None:
    return stamp(values.get(name), name)


def _text(values: Mapping[object, object], name: str, longest: int) -> str | None:
    """A field's text without the space around it; None where it is absent, null or empty."""
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRecord(problem=f"{name} must be a text")
    text = value.strip()
    if len(text) > longest:
        raise BadRecord(problem=f"{name} has {len(text)} characters, {longest} are allowed")
    if _NO_TEXT.search(text):
        raise BadRecord(problem=f"{name} holds a character that no text can have")
    return text or None


def _external_id(values: Mapping[object, object]) -> str | None:
    # An export has both.
    value = values.get("external_id")
    if value is None:
        value = values.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _text({"id": value}, "id", MAX_NAME)


def _origin(values: Mapping[object, object]) -> str | None:
    value = _text(values, "origin", MAX_NAME)
    if value is not None and value not in ORIGINS:
        raise BadRecord(problem=f"origin must be one of {', '.join(ORIGINS)}")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) > MAX_TAGS:
        raise BadRecord(problem=f"tags must be a list of at most {MAX_TAGS} texts")
    tags = (_text({"each of tags": tag}, "each of tags", MAX_NAME) for tag in value)
    return tuple(tag for tag in tags if tag is not None)
