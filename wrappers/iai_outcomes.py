"""How tool calls ended, for `iai-wrapper --record-outcomes`: one line of JSON each in {home}/trajectories.

CONTRACT.md, beside this file, describes the lines: never arguments, never results. iai_relay.py imports this when it is asked to.
"""
# ruff: noqa: SIM105 -- contextlib would have to be imported

import posix

from iai_heartbeat import (
    HEAD,
    MOST,
    NOT_JSON,
    TAIL,
    TORN,
    bounded,
    find_scanner,
    say,
    stamp,
    text_in,
    to_json,
    value_in,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from iai_heartbeat import Message, Seen

# A file grows no larger, in bytes; its last line says so.
LARGEST = 5_000_000
_BLANK = " \t\r\n"


class Outcomes:
    """The calls that have no answer yet, and the lines of those that have, until the main thread writes them.

    `passed`: the steady time at which the line that is looked at was relayed.
    """

    def __init__(self, home: str, facts: "Message", seen: "Seen", passed: "Callable[[], float]") -> None:
        self._folder = f"{home}/trajectories"
        self._path = f"{self._folder}/{facts['pid']}-{facts['uuid']}.jsonl"
        self._server = facts["server"]
        self._seen = seen
        self._passed = passed
        self._begun: dict[object, tuple[str, float]] = {}
        self._lines: list[Message] = []
        self._descriptor = -1
        self._size = 0
        self._warned = False

    def begin(self, ident: object, message: "Message", line: bytes) -> None:
        """A `tools/call` has passed."""
        tool = text_in(value_in(message, "params"), "name")
        if not tool and TORN in message:
            found = member(line, "params", "name")
            tool = bounded(found) if isinstance(found, str) else ""
        self._begun.pop(ident, None)
        if tool and len(self._begun) < MOST:
            self._begun[ident] = (tool, self._passed())

    def answer(self, ident: object, message: "Message", line: bytes) -> None:
        """An answer has passed. Whose it is may be a guess, when it is too long to tell: then it tells nothing."""
        if value_in(message, "id") is None:
            self._begun.pop(ident, None)
        elif "error" in message or is_error(message, line):
            self.end(ident, "error")
        else:
            self.end(ident, "ok")

    def end(self, ident: object, outcome: str) -> None:
        tool, begun = self._begun.pop(ident, ("", 0.0))
        if not tool or len(self._lines) >= MOST:
            return
        took, ago = max(0.0, self._passed() - begun), self._seen.steady() - begun
        self._lines.append(
            {
                "schema": 1,
                "at": stamp(self._seen.wall() - ago),
                "tool": tool,
                "outcome": outcome,
                "duration_ms": round(took * 1000),
                "client": self._seen.client and self._seen.client["name"],
                "session": self._seen.session or None,
                "server": self._server,
            }
        )

    def end_all(self) -> None:
        """Nobody will answer what is still open."""
        for ident in list(self._begun):
            self.end(ident, "unanswered")
        self.write()

    def write(self) -> None:
        """What has ended since the last time, in one write. What the disk does not take is lost, and said once."""
        text = b""
        while self._lines:
            line = self._lines.pop(0)
            if self._size + len(text) >= LARGEST:
                continue
            encoded = _encoded(line)
            if self._size + len(text) + len(encoded) >= LARGEST:
                encoded = _encoded({**line, "full": True})
            text += encoded
        if text:
            try:
                self._append(text)
            except OSError as cause:
                self._warn(cause.strerror or "no reason is known")

    def _append(self, text: bytes) -> None:
        if self._descriptor < 0:
            try:
                posix.mkdir(self._folder, 0o700)
            except FileExistsError:
                pass  # the next step tells whether it is ours to write in
            flags = posix.O_WRONLY | posix.O_APPEND | posix.O_CREAT | posix.O_NOFOLLOW | posix.O_CLOEXEC
            self._descriptor = posix.open(self._path, flags, 0o600)
        written = posix.write(self._descriptor, text)
        if written < len(text):
            # Half a line would spoil the next one.
            posix.ftruncate(self._descriptor, self._size)
            self._warn("the disk is full")
        else:
            self._size += written

    def _warn(self, why: str) -> None:
        if not self._warned:
            say(
                2,
                f"iai-wrapper: outcomes are not recorded in {self._folder} ({why}), but relaying all the same.",
            )
            self._warned = True


def _encoded(line: "Message") -> bytes:
    return (to_json(line) + "\n").encode("utf-8", "replace")


def is_error(message: "Message", line: bytes) -> bool:
    """Whether a result says that the tool failed. In one that is too long, `isError` is looked for before and behind the
    long part: a quote within a string is escaped, so nothing that a tool has written looks like it."""
    if TORN not in message:
        return value_in(message, "result", "isError") is True
    behind = line[-TAIL:].rpartition(b'"isError"')[2] if b'"isError"' in line[-TAIL:] else b""
    return (
        behind.lstrip().removeprefix(b":").lstrip().startswith(b"true")
        or member(line, "result", "isError") is True
    )


def member(line: bytes, outer: str, name: str) -> object:
    """The member `name` of the object `outer`, from the beginning of a message that is too long; None: it is not there."""
    text = line[:HEAD].decode("utf-8", "replace")
    before, found, text = text.partition(f'"{outer}"')
    if not found or "{" in before.replace("{", "", 1):
        return None
    scanner, at = find_scanner(), len(text) - len(text.lstrip(_BLANK + ":"))
    if text[at : at + 1] != "{":
        return None
    try:
        while text[at : at + 1] in ("{", ","):
            key, at = scanner(text, _behind(text, at + 1))
            value, at = scanner(text, _behind(text, _behind(text, at) + 1))
            if key == name:
                return value
            at = _behind(text, at)
    except NOT_JSON:
        pass  # the long part begins here
    return None


def _behind(text: str, at: int) -> int:
    """Where the blanks from `at` on end."""
    while text[at : at + 1] and text[at] in _BLANK:
        at += 1
    return at
