"""The process `iai-wrapper`: a stdio relay in front of any MCP server, from the command line to the exit status.

Bytes are passed on first, unchanged; iai_heartbeat.py looks at a copy afterwards, and tells the daemon. iai_wrapper.py calls this.
Standard library only; because the server waits for it, what is not built into Python is imported when bytes flow, or never.
"""
# ruff: noqa: SIM105 -- contextlib would have to be imported

import _thread
import posix
import sys
import time

from iai_heartbeat import (
    CHUNK,
    HEAD,
    SESSION_VARIABLE,
    TAIL,
    VERSION,
    Heartbeat,
    Seen,
    bounded,
    describe,
    read_file,
    say,
    write_all,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal  # what `signal` wraps, without its enums

USAGE = "usage: iai-wrapper [--home DIR] [--session ID] [--record-outcomes] -- COMMAND [ARG…]"
HELP = f"""{USAGE}

Runs COMMAND, an MCP server on stdio, passes every byte on unchanged, and keeps a heartbeat file in DIR/wrappers, which
tells iai-daemon that you are there. DIR is --home, else $IAI_DAEMON_HOME, else ~/.iai-daemon. --session names the
conversation that is served; otherwise it is taken from the client where the client says it. --record-outcomes notes in
DIR/trajectories which tools were called, and how each call ended: never its arguments, never its result.

The exit status is COMMAND's, or 128 + N when signal N ended it; 127 when it was not found, 126 when it could not be
started, 2 for wrong usage.

Example: iai-wrapper -- iai-daemon mcp
Example: iai-wrapper --session 1f0c -- npx -y @modelcontextprotocol/server-memory"""

# At the end, in seconds: the server's own time, then SIGTERM's, then SIGKILL's; less than 2 in all.
OWN_TIME, TERM_TIME, KILL_TIME = 1.0, 0.3, 0.2
# Seconds from one look to the next: at what has passed, while something passes; and at the end, at who is left.
LOOK_AGAIN = 0.02
SIGNS: "dict[int, str]" = {_signal.SIGTERM: "SIGTERM", _signal.SIGINT: "SIGINT", _signal.SIGHUP: "SIGHUP"}
HANDLED = (*SIGNS, _signal.SIGCHLD)

# So many copies, and none longer than this, wait to be looked at.
MANY, LONG = 512, 1024


def main() -> int:
    """The command line. Returns an exit status when there is nothing to relay; otherwise ends the process itself."""
    options, arguments, record = {"--home": "", "--session": ""}, sys.argv[1:], False
    while arguments and arguments[0] != "--":
        name, equals, value = arguments.pop(0).partition("=")
        if name in ("--help", "--version"):
            say(1, HELP if name == "--help" else f"iai-wrapper {VERSION}")
            return 0
        if name == "--record-outcomes" and not equals:
            record = True
            continue
        if name not in options or not (equals or arguments):
            say(2, f"iai-wrapper: {name} is no option, or lacks its value.\n{USAGE}")
            return 2
        options[name] = value if equals else arguments.pop(0)
    if len(arguments) < 2:
        say(2, f"iai-wrapper: no command to run is given behind a --.\n{USAGE}")
        return 2
    return Wrapper().run(arguments[1:], options["--home"], options["--session"], record=record)


class Wrapper:
    """One client's connection to one server, from the first byte to the exit status."""

    def __init__(self) -> None:
        self._bell = _thread.allocate_lock()
        self._bell.acquire()
        self._signals: list[int] = []
        self._client_gone = self._answers_done = False
        self._seen = Seen()
        self._log = Log(self._ring)

    def run(self, command: list[str], home: str, session: str, *, record: bool) -> int:
        """Relay until client, server or a signal ends it, then end the process; returns only when there is no server."""
        parent = posix.getppid()
        # They stay blocked in the relays' threads, so that each one interrupts the waiting of this one.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, HANDLED)
        for number in HANDLED:
            _signal.signal(number, self._on_signal)
        try:
            self._server = Server(command)
        except OSError as cause:
            say(
                2,
                f"iai-wrapper: cannot start {command[0]} ({cause.strerror}): check what stands behind the --.",
            )
            return 127 if isinstance(cause, FileNotFoundError) else 126
        # While the server starts: nothing has been relayed yet, so no call is missed.
        home, facts = find_home(home), describe(command[0], self._server.pid, parent)
        if record:
            self._record(home, facts)
        signalled, wake = posix.pipe()
        posix.set_blocking(wake, False)
        _signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        _thread.start_new_thread(self._relay_signals, (signalled,))
        _thread.start_new_thread(self._relay_requests, ())
        _thread.start_new_thread(self._relay_answers, ())
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, HANDLED)
        self._seen.session = bounded(session or variable(SESSION_VARIABLE))
        heartbeat = Heartbeat(home, facts, self._seen)
        why = self._keep(heartbeat, parent)
        self._end()
        if self._seen.outcomes:
            self._log.look()
            self._seen.outcomes.end_all()
        heartbeat.leave_note(why, self._server.status)
        posix._exit(self._server.status)  # noqa: SLF001 -- the relays' threads may be blocked for good

    def _record(self, home: str, facts: "dict[str, Any]") -> None:
        try:
            # Most wrappers do without it.
            from iai_outcomes import Outcomes
        except ImportError:
            say(
                2,
                "iai-wrapper: no outcomes are recorded: iai_outcomes.py must lie beside iai_wrapper.py, too.",
            )
            return
        self._seen.outcomes = Outcomes(home, facts, self._seen, lambda: self._log.passed_at)

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != _signal.SIGCHLD:
            self._signals.append(number)
        self._ring()

    def _ring(self) -> None:
        """Wake the main thread. Ringing twice before it wakes is ringing once."""
        try:
            self._bell.release()
        except RuntimeError:
            pass

    def _relay_signals(self, signalled: int) -> None:
        """A signal that comes in the moment before the main thread waits would not end its waiting; this ring does."""
        while posix.read(signalled, CHUNK):
            self._ring()

    def _relay_requests(self) -> None:
        lines = Lines(self._seen.look_at_request)
        while not relay(0, self._server.stdin, self._log, lines):
            # The server reads no more. We do: the end of the input is how a client says that it leaves.
            point_to_null(self._server.stdin)
        self._client_gone = True
        self._ring()

    def _relay_answers(self) -> None:
        relay(self._server.stdout, 1, self._log, Lines(self._seen.look_at_answer))
        # Whoever is left is told, as if there were nothing between them.
        point_to_null(self._server.stdout)
        point_to_null(1)
        self._answers_done = True
        self._ring()

    def _keep(self, heartbeat: "Heartbeat", parent: int) -> str:
        """Until the first sign of the end, which is returned; then the heartbeat goes, before anything else is done."""
        while not (why := self._why_end(parent)):
            busy = self._log.look() or self._log.watch()
            due = heartbeat.keep()
            if self._seen.outcomes:
                self._seen.outcomes.write()
            self._bell.acquire(timeout=min(due, LOOK_AGAIN) if busy else due)
        heartbeat.remove()
        return why

    def _why_end(self, parent: int) -> str:
        """The sign of an end, as CONTRACT.md names it; empty while there is none."""
        if self._signals:
            return SIGNS[self._signals[0]]
        if posix.getppid() != parent:
            return "client gone"
        if self._client_gone:
            return "client closed"
        return "server ended" if self._server.has_ended() else ""

    def _end(self) -> None:
        """Let the server end by itself; then make it end, and whatever it has left in its process group."""
        point_to_null(self._server.stdin)
        self._wait(OWN_TIME, self._server.has_ended)
        self._server.signal(_signal.SIGTERM)
        self._wait(TERM_TIME, self._is_over)
        self._server.signal(_signal.SIGKILL)
        self._wait(KILL_TIME, self._is_over)

    def _wait(self, seconds: float, over: "Callable[[], bool]") -> None:
        """For as long, or until it is `over`. Signals that we get are the server's, too."""
        deadline = time.monotonic() + seconds
        while True:
            while self._signals:
                self._server.signal(self._signals.pop(0))
            if over() or time.monotonic() >= deadline:
                return
            self._bell.acquire(timeout=LOOK_AGAIN)

    def _is_over(self) -> bool:
        return self._server.has_ended() and self._answers_done and not self._server.signal(0)


class Server:
    """The MCP server behind the wrapper: a child in a process group of its own, and our ends of its pipes."""

    def __init__(self, command: list[str]) -> None:
        """Raises OSError when it cannot be started."""
        while posix.open("/dev/null", posix.O_RDWR) <= 2:
            pass  # a stream that the client left closed must not become one of the pipes
        its_stdin, self.stdin = posix.pipe()
        self.stdout, its_stdout = posix.pipe()
        # Its exit status as a shell tells it; this one stays if it has not even ended when we do.
        self.status = 128 + _signal.SIGKILL
        self._ended = False
        self.pid = posix.posix_spawnp(
            command[0],
            command,
            environment(),
            file_actions=[(posix.POSIX_SPAWN_DUP2, its_stdin, 0), (posix.POSIX_SPAWN_DUP2, its_stdout, 1)],
            setpgroup=0,
            setsigmask=(),
            # Python has us ignore the last two.
            setsigdef=(*HANDLED, _signal.SIGPIPE, _signal.SIGXFSZ),
        )
        posix.close(its_stdin)
        posix.close(its_stdout)

    def has_ended(self) -> bool:
        """Whether the server itself has; processes that it started may live on."""
        if not self._ended:
            pid, status = posix.waitpid(self.pid, posix.WNOHANG)
            if pid:
                code = posix.waitstatus_to_exitcode(status)
                self._ended, self.status = True, code if code >= 0 else 128 - code
        return self._ended

    def signal(self, number: int) -> bool:
        """Send it to the whole group; False when nobody is left there."""
        try:
            posix.killpg(self.pid, number)
        except OSError:
            return False
        return True


def relay(source: int, sink: int, log: "Log", lines: "Lines") -> bool:
    """Pass on all that `source` gives, as it comes; True when it has ended, False when `sink` takes no more."""
    posix.set_blocking(source, True)
    posix.set_blocking(sink, True)
    while True:
        try:
            chunk = posix.read(source, CHUNK)
        except OSError:
            return True  # so a socket tells the death of its other side
        if not chunk:
            return True
        log.chunks.append((lines, chunk, time.monotonic()))
        try:
            write_all(sink, chunk)
        except OSError:
            return False
        log.passed(len(chunk))


class Log:
    """Copies of what passes, in its order, until there is time to look at them: no message waits for that.

    A request stands here before it is sent, hence before its answer.
    """

    def __init__(self, ring: "Callable[[], None]") -> None:
        self.chunks: list[tuple[Lines, bytes, float]] = []
        # When what is looked at was passed on, by the steady clock.
        self.passed_at = 0.0
        self._ring = ring
        self._watching = False
        self._looking = _thread.allocate_lock()

    def passed(self, size: int) -> None:
        """A chunk was forwarded. A long one, or one too many, is looked at by who forwards: so what waits stays small."""
        if self._watching:
            self._watching = False
            self._ring()
        if size > LONG or len(self.chunks) > MANY:
            self.look()

    def watch(self) -> bool:
        """Ring when something passes; and look once more, at what has passed meanwhile."""
        self._watching = True
        return self.look()

    def look(self) -> bool:
        """Whether there was anything. One thread looks at a time, and takes along what the others add."""
        if not self._looking.acquire(blocking=False):
            return True
        found = bool(self.chunks)
        try:
            while self.chunks:
                lines, chunk, self.passed_at = self.chunks.pop(0)
                lines.add(chunk)
        except Exception as cause:  # noqa: BLE001 -- whatever a message does to us, the bytes have to flow
            say(2, f"iai-wrapper: a message could not be looked at: {cause!r}.")
        self._looking.release()
        return found


class Lines:
    """One direction, cut into lines. Of a line that is longer than HEAD, the middle may be missing."""

    def __init__(self, look_at: "Callable[[bytes], None]") -> None:
        self._look_at = look_at
        self._head = self._tail = b""

    def add(self, chunk: bytes) -> None:
        *ended, rest = chunk.split(b"\n") if b"\n" in chunk else (chunk,)
        for part in ended:
            self._keep(part)
            line = self._head + self._tail
            self._head = self._tail = b""
            self._look_at(line)
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        """Of the line that has not ended yet: the first HEAD bytes, and of those behind them the last TAIL."""
        room = HEAD - len(self._head)
        if room > 0:
            self._head += part[:room]
            part = part[room:]
        if part:
            self._tail = (self._tail + part[-TAIL:])[-TAIL:]


def find_home(chosen: str) -> str:
    """The daemon's home, by the daemon's own rule. Where nobody knows the user's, `~` stays, and nothing is found there."""
    path = chosen or variable(b"IAI_DAEMON_HOME") or "~/.iai-daemon"
    user, slash, rest = path.partition("/")
    if user == "~" and variable(b"HOME"):
        return variable(b"HOME") + slash + rest
    if user.startswith("~"):
        # Not built in everywhere, and nearly never needed.
        import pwd

        try:
            entry = pwd.getpwnam(user[1:]) if user[1:] else pwd.getpwuid(posix.getuid())
        except KeyError:
            return path
        return entry.pw_dir + slash + rest
    return path


def variable(name: bytes) -> str:
    """As Python would have it in `os.environ`; empty when there is none."""
    return posix.environ.get(name, b"").decode(sys.getfilesystemencoding(), "surrogateescape")


def environment() -> "dict[bytes, bytes]":
    """As it was given to us: where it names no locale, Python adds LC_CTYPE to its own (PEP 538)."""
    given = dict(posix.environ)
    if sys.flags.utf8_mode and b"LC_CTYPE=" not in read_file("/proc/self/environ"):
        given.pop(b"LC_CTYPE", None)
    return given


def point_to_null(descriptor: int) -> None:
    """Let go of what it was but not of its number: a thread that is about to write there must not hit something new."""
    null = posix.open("/dev/null", posix.O_RDWR)
    posix.dup2(null, descriptor, inheritable=False)
    posix.close(null)
