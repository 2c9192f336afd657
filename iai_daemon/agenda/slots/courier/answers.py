"""What a backend answers, made into slots or a named refusal, whatever it is. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from iai_daemon.agenda.slot import Listed
from iai_daemon.errors import IaiError
from iai_daemon.foreign import one_line

LONGEST_ID = 200
LONGEST_TITLE = 500
LONGEST_MESSAGE = 20_000
_LONGEST_STATUS = 50
_MOST_SLOTS = 500
_MOST_BYTES = 1_000_000
_MOST_REASONS = 20
_SAID = 200
# What no program can be given, and what no file can hold as UTF-8.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
# Whatever a terminal would obey; a message keeps its lines and tabs.
_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x9f]")


class Kind(StrEnum):
    """What a failure means to whoever asked. AWAY: try again. AUTH: the key is missing or was not accepted. REFUSED: never try
    that again. BAD: an answer, a calendar or a setting that cannot be used."""

    AWAY = "away"
    AUTH = "auth"
    REFUSED = "refused"
    BAD = "bad"


class Trouble(IaiError):
    """{problem}"""

    @property
    def kind(self) -> Kind:
        return Kind(str(self.data["kind"]))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a beat brings. `dropped`: why something that was listed is no slot; `next_at`: when to ask again at the latest, in
    seconds since the epoch."""

    slots: Sequence[Listed]
    restart_pending: bool = False
    dropped: Sequence[str] = ()
    next_at: float | None = None


@dataclass
class Gathering:
    """Slots, as many as are reasonable, each once, and why others are none."""

    slots: dict[str, Listed] = field(default_factory=dict)
    _dropped: list[str] = field(default_factory=list)
    _unsaid: int = 0
    _bytes: int = 0

    def take(self, slot: Listed) -> None:
        size = len(json.dumps([slot.id, slot.agent, slot.title, slot.message], ensure_ascii=False).encode())
        if slot.id in self.slots:
            self.drop(f"slot {one_line(slot.id)} is listed twice: the first counts")
        elif len(self.slots) == _MOST_SLOTS or self._bytes + size > _MOST_BYTES:
            self.drop(f"slot {one_line(slot.id)} is one too many at once")
        else:
            self.slots[slot.id] = slot
            self._bytes += size

    def drop(self, reason: str) -> None:
        if len(self._dropped) < _MOST_REASONS:
            self._dropped.append(reason)
        else:
            self._unsaid += 1

    @property
    def dropped(self) -> list[str]:
        return [*self._dropped, f"and {self._unsaid} more"] if self._unsaid else self._dropped


def of_beat(body: bytes) -> Answer:
    """The slots that a heartbeat's answer lists. Raises Trouble for what is no such answer."""
    answer = _json(body)
    if not isinstance(answer, dict):
        raise Trouble(kind=Kind.BAD, problem="its answer is no JSON object")
    gathered = Gathering()
    for name in ("slots", "slots_to_fire"):
        listed = answer.get(name)
        # Some languages write an empty list as null, or not at all.
        if listed is not None and not isinstance(listed, list):
            raise Trouble(kind=Kind.BAD, problem=f"its answer's `{name}` is no list")
        for number, each in enumerate(listed or (), 1):
            try:
                gathered.take(_slot(each))
            except ValueError as cause:
                gathered.drop(f"{name}, number {number}: {cause}")
    pending = answer.get("restart_pending")
    if pending is not None and not isinstance(pending, bool):
        gathered.drop("restart_pending is neither true nor false")
    return Answer(list(gathered.slots.values()), pending is True, gathered.dropped)


def named_status(body: bytes) -> str | None:
    """The status that the answer to an update names, if it names one."""
    try:
        answer = _json(body)
    except Trouble:
        return None
    status = answer.get("status") if isinstance(answer, dict) else None
    return status if isinstance(status, str) else None


def trouble_of(status: int, body: bytes) -> Trouble | None:
    """What an HTTP status means for whoever asked; None: it went well."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Trouble(
            kind=Kind.BAD, problem=f"it leads on to another address ({status}), where nothing is sent"
        )
    problem = f"it answers {status}{_said(body)}"
    if status in (401, 403):
        return Trouble(kind=Kind.AUTH, problem=problem)
    # 408 Request Timeout, 425 Too Early, 429 Too Many Requests: RFC 9110 and RFC 6585.
    if status >= 500 or status in (408, 425, 429):
        return Trouble(kind=Kind.AWAY, problem=problem)
    return Trouble(kind=Kind.REFUSED, problem=problem)


def clean(text: str) -> str:
    """A text that an agent can be given."""
    return _CONTROLS.sub("", _UNUSABLE.sub("\ufffd", text.replace("\r\n", "\n")))


def clean_title(text: str) -> str:
    """On one line, and not longer than a title."""
    return " ".join(clean(text[: 4 * LONGEST_TITLE]).split())[:LONGEST_TITLE].rstrip()


def default_message(slot: str, title: str) -> str:
    """What an agent is told where nobody says anything else."""
    return f"[calendar] slot {slot}: {title}" if title else f"[calendar] slot {slot}"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise Trouble(kind=Kind.BAD, problem="its answer is no JSON") from cause


def _said(body: bytes) -> str:
    """What a backend says about a mistake; only what is meant to be said, since others repeat what they were sent."""
    try:
        answer = _json(body)
    except Trouble:
        return ""
    if not isinstance(answer, dict):
        return ""
    for name in ("error", "message", "detail", "reason", "title"):
        said = answer.get(name)
        if isinstance(said, dict):
            said = said.get("message")
        if isinstance(said, str) and said.strip():
            return f" ({one_line(said, _SAID)})"
    return ""


def _slot(listed: object) -> Listed:
    """Raises ValueError, which says what is wrong with it."""
    if not isinstance(listed, dict):
        raise ValueError("it is no object")
    id, agent = _id(listed, "id"), _id(listed, "agent_id")  # noqa: A001 -- as in the answer
    if id in (".", ".."):
        raise ValueError(f"id {id} cannot stand in an address")
    title = clean_title(_text(listed, "title"))
    message = clean(_message(listed)) or default_message(id, title)
    if len(message) > LONGEST_MESSAGE:
        raise ValueError(f"its message is longer than {LONGEST_MESSAGE:,} characters")
    status = _text(listed, "status") or None
    if status is not None and (len(status) > _LONGEST_STATUS or not status.isprintable()):
        raise ValueError("status is none")
    return Listed(id, agent, title, message, status)


def _message(listed: Mapping[str, object]) -> str:
    """What an agent is to be told, in the order of preference; empty when nothing is said."""
    options = listed.get("wake_options")
    if options is not None and not isinstance(options, dict):
        raise ValueError("wake_options is no object")
    texts = (_text(options or {}, "override_message"), _text(listed, "prompt_text"))
    return next((text for text in texts if text.strip()), "")


def _id(listed: Mapping[str, object], name: str) -> str:
    value = listed.get(name)
    if value is None:
        raise ValueError(f"{name} is missing")
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        raise ValueError(f"{name} is neither a text nor a whole number")
    if not 1 <= len(text) <= LONGEST_ID or not text.isprintable() or text != text.strip():
        raise ValueError(f"{name} is not of 1 to {LONGEST_ID} printable characters")
    return text


def _text(listed: Mapping[str, object], name: str) -> str:
    value = listed.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value
