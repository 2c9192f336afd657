"""The page of the control socket: how the daemon is spoken to, its methods and its errors."""

from __future__ import annotations

from collections.abc import Iterator

from iai_daemon.cli.reference.markdown import block, code, prose, table
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.control import messages
from iai_daemon.control.seats import MAX_CONNECTIONS
from iai_daemon.control.server import IDLE_TIMEOUT

_INTRODUCTION = (
    "The daemon answers on the socket `control.sock` in its home, mode 0600: whoever is neither its user nor root is turned away without "
    "a word. The commands use it, and any program may. One line is one call of JSON-RPC 2.0, and one line its answer; the `params` are "
    "an object; batches are refused, and a notification gets no reply."
)
_LIMITS = (
    f"A line has at most {messages.MAX_LINE} bytes. There are at most {MAX_CONNECTIONS} connections, a quarter of them for one process; who "
    f"is silent for {IDLE_TIMEOUT:g} s, or does not read his answer, is let go. Who hangs up while he is answered ends what he asked for."
)
# What each method takes and does; a test sees that none is missing.
METHODS = {
    "status": ("", "What `iai-daemon status --json` prints."),
    "sleep": (
        "`for`: a duration",
        "To BEDTIME, until somebody is active or the time is over. Refused while a tool call is in flight.",
    ),
    "wake": ("`for`: a duration", "To WAKE, for that long; else for `lifecycle.idle_after`."),
    "consolidate": (
        "`max_rounds`: 1 to 100; `passes`: a list of names; `force`: true also while somebody is at work",
        "A night now. It is told how far that is by notifications of the same name, and answered with the report.",
    ),
    "look": ("", "Look at the heartbeats and the store now: something was changed there."),
    "elsewhere": ("", "The wrappers that are present on other hosts of a shared memory: `wrappers`."),
    "reload": (
        "",
        "Read the settings again. The answer says what has changed and, in `needs_restart`, what has to wait.",
    ),
    "subscribe": (
        "",
        "The status at once and then at each change, as notifications of the same name. It goes on until the caller hangs up.",
    ),
    "wake_test": ("`agent`: its name", "Start an agent as a recall would, and answer how it ended."),
}
_ERRORS = {
    "PARSE_ERROR": "the line is not JSON, or too long",
    "INVALID_REQUEST": "it is JSON, but no call",
    "METHOD_NOT_FOUND": "there is no such method; the message lists those that there are",
    "INVALID_PARAMS": "what the method was given cannot be",
    "INTERNAL_ERROR": "the daemon failed; its log tells why",
    "REFUSED": "not now, or not so; the message is for people",
    "NOT_RELOADED": "the settings cannot be used; those of before hold",
}


def page() -> str:
    """The whole page."""
    return whole("The control socket", _blocks())


def _blocks() -> Iterator[str]:
    yield prose(_INTRODUCTION)
    asked = messages.call("sleep", {"for": "2h"}, 1).decode().rstrip()
    failed = messages.failure(messages.Failure(messages.REFUSED, "A tool call is still in flight: …", 1))
    yield block([asked, failed.decode("unicode-escape").rstrip()])
    yield prose(_LIMITS)
    yield "## Methods"
    rows = [(code(name), prose(takes) or "nothing", prose(does)) for name, (takes, does) in METHODS.items()]
    yield table(["method", "takes", "does"], rows)
    yield "## Errors"
    yield table(
        ["code", "name", "when"],
        [
            (code(str(getattr(messages, name))), name.lower().replace("_", " "), said)
            for name, said in _ERRORS.items()
        ],
    )
