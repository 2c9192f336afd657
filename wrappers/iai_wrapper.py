"""iai-wrapper: a stdio relay in front of any MCP server. MCP clients start it; iai-daemon reads the heartbeat that it keeps.

Bytes are forwarded first, unchanged; a copy is looked at afterwards. CONTRACT.md, beside this file, describes the heartbeat.
Run as `python -I -S iai_wrapper.py`, with the standard library alone. The server waits until this file is compiled, and then
until the first byte flows: so the file is short, and what is not compiled into Python is imported later, or never.
"""
# ruff: noqa: SIM105 -- contextlib would have to be imported

import _thread
import posix
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
else:
    import _signal  # what `signal` wraps, without its enums

VERSION = "0.1.0"
USAGE = "usage: iai-wrapper [--home DIR] [--session ID] -- COMMAND [ARG…]"
HELP = f"""{USAGE}

Runs COMMAND, an MCP server on stdio, passes every byte on unchanged, and keeps a heartbeat file in DIR/wrappers, which
tells iai-daemon that you are there. DIR is --home, else $IAI_DAEMON_HOME, else ~/.iai-daemon. --session names the
conversation that is served; otherwise it is taken from the client where the client says it.

The exit status is COMMAND's, or 128 + N when signal N ended it; 127 when it was not found, 126 when it could not be
started, 2 for wrong usage."""

CHUNK = 64 * 1024
REFRESH, PAUSE = 30.0, 1.0  # seconds from one write to the next: at rest; for activity
LONGEST_CALL = 2 * 3600.0
OWN_TIME, TERM_TIME, KILL_TIME = (
    1.0,
    0.35,
    0.25,
)  # at the end: the server's own, then SIGTERM's, then SIGKILL's; in all < 2 s
ENDING = (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP)
HEAD, TAIL = 16 * 1024, 4 * 1024  # of a longer line, so many bytes are kept to be looked at
MOST, LONGEST = 1024, 200  # calls that are remembered; characters of a text that comes from outside

# Requests that need neither a person nor an agent at work; all that end in /list are such, too.
HOUSEKEEPING = {
    *("initialize", "server/discover", "ping", "logging/setLevel", "subscriptions/listen"),
    *("resources/subscribe", "resources/unsubscribe", "tasks/get", "tasks/result"),
}
CLIENT = "io.modelcontextprotocol/clientInfo"
# Where clients name the conversation: in `_meta` VS Code, Codex and OpenCode; in the environment Claude Code.
SESSION_KEYS = ("vscode.conversationId", "threadId", "sessionID")
SESSION_VARIABLE = b"CLAUDE_CODE_SESSION_ID"
# File systems whose other side, another machine or the host of this one, does not see our flock.
UNSHARED = (
    b"nfs",
    b"cifs",
    b"smb",
    b"9p",
    b"virtiofs",
    b"fuse.",
    b"ceph",
    b"afs",
    b"lustre",
    b"vboxsf",
    b"prl_fs",
)


def main() -> int:
    """The command line. Returns an exit status when there is nothing to relay, else ends the process itself."""
    options, arguments = {"--home": "", "--session": ""}, sys.argv[1:]
    while arguments and arguments[0] != "--":
        name, equals, value = arguments.pop(0).partition("=")
        if name in ("--help", "--version"):
            say(1, HELP if name == "--help" else f"iai-wrapper {VERSION}")
            return 0
        if name not in options or not (equals or arguments):
            break
        options[name] = value if equals else arguments.pop(0)
    if len(arguments) < 2 or arguments[0] != "--":
        say(2, USAGE)
        return 2
    return Wrapper(arguments[1:]).run(options["--home"], options["--session"])


class Wrapper:
    """One client's connection to one server, from the first byte to the exit status."""

    def __init__(self, command: list[str]) -> None:
        self._command = command
        self._bell = _thread.allocate_lock()
        self._signals: list[int] = []
        self._client_gone = self._answers_done = False
        self._seen = Seen(self._ring)

    def run(self, home: str, session: str) -> int:
        """Relay until client, server or a signal ends it, then end the process. Returns only when the server cannot start."""
        parent = posix.getppid()
        handled = (*ENDING, _signal.SIGCHLD)
        # The relays' threads keep them blocked: each signal shall interrupt this thread's waiting.
        _signal.pthread_sigmask(_signal.SIG_BLOCK, handled)
        for number in handled:
            _signal.signal(number, self._on_signal)
        try:
            self._server = Server(self._command)
        except OSError as cause:
            say(2, f"iai-wrapper: cannot start {self._command[0]}: {cause.strerror}")
            return 127 if isinstance(cause, FileNotFoundError) else 126
        _thread.start_new_thread(self._relay_requests, ())
        _thread.start_new_thread(self._relay_answers, ())
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, handled)
        self._keep_heartbeat(home, session, parent)
        posix._exit(self._end())  # noqa: SLF001 -- the relays' threads may be blocked for good

    def _on_signal(self, number: int, _frame: object) -> None:
        if number != _signal.SIGCHLD:
            self._signals.append(number)
        self._ring()

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it rings already

    def _relay_requests(self) -> None:
        seen = self._seen
        if not relay(0, self._server.stdin, seen.before_request, seen.request):
            # The server reads no more; we do, because the end of the input is how a client says that it leaves.
            while posix.read(0, CHUNK):
                pass
        self._client_gone = True
        self._ring()

    def _relay_answers(self) -> None:
        relay(self._server.stdout, 1, self._seen.before_answer, self._seen.answer)
        # Whoever is left hears of it, as if there were no relay between them.
        point_to_null(self._server.stdout)
        point_to_null(1)
        self._answers_done = True
        self._ring()

    def _keep_heartbeat(self, home: str, session: str, parent: int) -> None:
        """Until the first sign of the end; then the heartbeat goes before anything else is done."""
        self._seen.session = bounded(
            session or posix.environ.get(SESSION_VARIABLE, b"").decode("utf-8", "replace")
        )
        facts = describe(self._command[0], self._server.pid, parent)
        heartbeat = Heartbeat(find_home(home), facts, self._seen)
        while not (
            self._signals or self._client_gone or self._server.has_ended() or posix.getppid() != parent
        ):
            self._bell.acquire(timeout=heartbeat.keep())
        heartbeat.remove()

    def _end(self) -> int:
        """Let the server end by itself, then make it end; returns the exit status."""
        point_to_null(self._server.stdin)
        self._wait(OWN_TIME, self._server.has_ended)
        self._server.signal(_signal.SIGTERM)
        self._wait(TERM_TIME, self._is_over)
        self._server.signal(_signal.SIGKILL)
        self._wait(KILL_TIME, self._is_over)
        return self._server.status

    def _wait(self, seconds: float, over: "Callable[[], bool]") -> None:
        deadline = time.monotonic() + seconds
        while True:
            while self._signals:
                self._server.signal(self._signals.pop(0))
            left = deadline - time.monotonic()
            if left <= 0 or over():
                return
            self._bell.acquire(timeout=min(left, 0.02))  # the end of a grandchild rings no bell

    def _is_over(self) -> bool:
        return self._server.has_ended() and self._answers_done and not self._server.signal(0)


class Server:
    """The MCP server behind the wrapper: a child in a process group of its own, with its pipes."""

    def __init__(self, command: list[str]) -> None:
        """Raises OSError when it cannot be started."""
        while posix.open("/dev/null", posix.O_RDWR) <= 2:
            pass  # a stream that the client left closed must not become one of the pipes
        its_stdin, self.stdin = posix.pipe()
        self.stdout, its_stdout = posix.pipe()
        self.status = 128 + _signal.SIGKILL  # unless it ends while we still look
        self._ended = False
        self.pid = posix.posix_spawnp(
            command[0],
            command,
            environment(),
            file_actions=[(posix.POSIX_SPAWN_DUP2, its_stdin, 0), (posix.POSIX_SPAWN_DUP2, its_stdout, 1)],
            setpgroup=0,
            setsigmask=(),
            setsigdef=(
                *ENDING,
                _signal.SIGCHLD,
                _signal.SIGPIPE,
                _signal.SIGXFSZ,
            ),  # Python ignores the last two
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


def relay(
    source: int, sink: int, before: "Callable[[bytes], None]", after: "Callable[[bytes], None]"
) -> bool:
    """Pass on all that `source` gives, as it comes; True when it has ended, False when `sink` takes no more."""
    while True:
        try:
            chunk = posix.read(source, CHUNK)
        except OSError:
            return True  # a socket tells the death of its other side so
        if not chunk:
            return True
        before(chunk)
        try:
            write_all(sink, chunk)
        except OSError:
            return False
        after(chunk)


def write_all(sink: int, chunk: bytes) -> None:
    while written := posix.write(sink, chunk):
        if written == len(chunk):
            return
        chunk = chunk[written:]


class Seen:
    """What the messages have told. The relays' threads write it; the main thread reads it and is rung for when there is news.

    Requests are looked at after they are sent, so an answer may be seen before its call: `_early` remembers it meanwhile.
    Writing one's own half before reading the other's makes this right without a lock.
    """

    wall, steady = (
        staticmethod(time.time),
        staticmethod(time.monotonic),
    )  # the clocks; tests hand in their own

    def __init__(self, ring: "Callable[[], None]") -> None:
        self.activity_count = 0
        self.last_activity: float | None = None
        self.client: dict[str, str] | None = None
        self.session = ""
        self.news = self.urgent = False  # urgent: not to wait until the pause between two writes is over
        self._ring = ring
        self._calls: dict[object, float] = {}
        self._early: set[object] = set()
        self._pings: set[object] = set()
        self._sending = self._looked = False
        self._requests, self._answers = Lines(), Lines()

    def before_request(self, _chunk: bytes) -> None:
        self._sending = True

    def request(self, chunk: bytes) -> None:
        for line, tail in self._requests.cut(chunk):
            for message in messages(line, tail):
                self._look_at_request(message)
        self._sending = False
        self._early.clear()

    def before_answer(self, chunk: bytes) -> None:
        """A ping is noted before the client can answer it."""
        self._looked = b'"ping"' in chunk
        if self._looked:
            self._look_at_answers(chunk)

    def answer(self, chunk: bytes) -> None:
        if not self._looked:
            self._look_at_answers(chunk)

    def in_flight(self) -> int:
        """The client's calls that have no answer yet, without those that nobody waits for any longer."""
        for ident, begun in self._calls.copy().items():
            if self.steady() - begun > LONGEST_CALL:
                self._calls.pop(ident, None)
        return len(self._calls)

    def _look_at_request(self, message: "dict[str, object]") -> None:
        method, ident, torn = message.get("method"), ident_in(message, "id"), TORN in message
        if not isinstance(method, str):
            if torn or (("result" in message or "error" in message) and ident not in self._pings):
                self._activity()
            self._pings.discard(ident)
        elif method == "notifications/cancelled":
            self._answered(ident_in(message, "params", "requestId"))
        elif not (method in HOUSEKEEPING or method.endswith("/list") or method.startswith("notifications/")):
            if method == "tools/call" and ident is not None and len(self._calls) < MOST:
                self._calls[ident] = self.steady()
                if ident in self._early:
                    self._calls.pop(ident, None)
            if ident is not None or torn:
                self._activity()
        self._who_is_there(message, method)

    def _who_is_there(self, message: "dict[str, object]", method: object) -> None:
        path = ("params", "clientInfo") if method == "initialize" else ("params", "_meta", CLIENT)
        name = text_in(message, *path, "name")
        if name and not self.client:
            self.client = {"name": name, "version": text_in(message, *path, "version")}
            self.news = self.urgent = True
            self._ring()
        for key in SESSION_KEYS:
            self.session = text_in(message, "params", "_meta", key) or self.session

    def _look_at_answers(self, chunk: bytes) -> None:
        for line, tail in self._answers.cut(chunk):
            if not (self._calls or self._sending or b'"ping"' in line):
                continue
            for message in messages(line, tail):
                ident = ident_in(message, "id")
                if "method" not in message:
                    self._answered(ident)
                elif message["method"] == "ping" and len(self._pings) < MOST:
                    self._pings.add(ident)

    def _answered(self, ident: object) -> None:
        if ident is None:  # too long to tell whose answer it is: whoever has waited longest
            ident = next(iter(self._calls.copy()), None)
        found = self._calls.pop(ident, None)
        if found is None and self._sending and len(self._early) < MOST:
            self._early.add(ident)
            found = self._calls.pop(ident, None)
        if found is not None and not self._calls:
            self._tell()

    def _activity(self) -> None:
        self.activity_count += 1
        self.last_activity = self.wall()
        self._tell()

    def _tell(self) -> None:
        if not self.news:
            self.news = True
            self._ring()


class Lines:
    """Cuts a stream into lines. Of a long one it keeps the head, and the tail that ends it, however long it is."""

    def __init__(self) -> None:
        self._head = self._tail = b""

    def cut(self, chunk: bytes) -> "list[tuple[bytes, bytes]]":
        """The lines that end in `chunk`, each with its tail, which is empty when its head is all of it."""
        *ended, rest = chunk.split(b"\n")
        lines = []
        for part in ended:
            self._keep(part)
            lines.append((self._head, self._tail))
            self._head = self._tail = b""
        self._keep(rest)
        return lines

    def _keep(self, part: bytes) -> None:
        if self._tail or len(self._head) + len(part) > HEAD:
            self._tail = ((self._tail or self._head)[-TAIL:] + part[-TAIL:])[-TAIL:]
            part = part[: HEAD - len(self._head)]
        self._head += part


TORN = ""  # a key in what is told of a message that was too long to be kept


def messages(line: bytes, tail: bytes) -> "list[dict[str, object]]":
    """The messages in a line: one, or those of a batch; none where there is no JSON."""
    text = line.decode("utf-8", "replace").lstrip()
    try:
        if tail and text:
            return [torn_message(text, tail.decode("utf-8", "replace"))] if text[0] in "{[" else []
        found = scan(text)[0]
    except (ValueError, StopIteration, RecursionError):
        return []
    return [
        message for message in (found if isinstance(found, list) else [found]) if isinstance(message, dict)
    ]


def torn_message(head: str, tail: str) -> "dict[str, object]":
    """What stands before and behind the long member of a message: some write `method` and `id` first, some last."""
    found: dict[str, object] = {TORN: True}
    front, _, key = head[: head.find("{", 1)].rpartition(",")
    for text in (
        front + "}",
        f"{{{key} 0}}",
        *("{" + tail[tail.rfind(name) :] for name in ('"method"', '"id"')),
    ):
        try:
            members, end = scan(text)
        except (ValueError, StopIteration, RecursionError):
            continue
        if not text[end:].strip():  # what goes on has begun inside the long member
            found = members | found
    return found


class Values:
    """How `_json` asks what to make of JSON: the plain thing."""

    strict = False
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = float
    parse_int = int


def scan(text: str) -> "tuple[dict[str, object], int]":
    """The JSON value that `text` begins with, and where it ends. Raises ValueError or StopIteration.

    The scanner of `json` without the package, which imports `re`: 10 ms and 1.3 MB.
    """
    global scan  # noqa: PLW0603 -- found once, when bytes already flow
    try:
        from _json import make_scanner
    except ImportError:
        from json import JSONDecoder

        found = JSONDecoder().raw_decode
    else:
        found = make_scanner(Values)  # type: ignore[arg-type]
        found = lambda text, found=found: found(text, 0)
    scan = found
    return scan(text)


def value_in(message: object, *path: str) -> object:
    """The value at the end of `path` through objects; None where there is none."""
    for key in path:
        if not isinstance(message, dict):
            return None
        message = message.get(key)
    return message


def ident_in(message: object, *path: str) -> object:
    """A request's id: a text or a whole number, as JSON-RPC has it; None otherwise."""
    ident = value_in(message, *path)
    return ident if isinstance(ident, (str, int)) and not isinstance(ident, bool) else None


def text_in(message: object, *path: str) -> str:
    text = value_in(message, *path)
    return bounded(text) if isinstance(text, str) else ""


def bounded(text: str) -> str:
    return text[:LONGEST]


class Heartbeat:
    """The file that tells the daemon that this client is there, and when its user last did something (CONTRACT.md)."""

    def __init__(self, home: str, facts: "dict[str, object]", seen: Seen) -> None:
        folder = f"{home}/wrappers"
        self._path = f"{folder}/heartbeat-{facts['pid']}-{facts['uuid']}.json" if home else ""
        self._facts = facts
        self._seen = seen
        self._lockable = not is_unshared(folder)
        self._held = -1  # the file whose lock proves that we live
        self._warned = False
        self._due = self._next_news = 0.0

    def keep(self) -> float:
        """Write when it is time; returns the seconds until it may be time again."""
        now, seen = self._seen.steady(), self._seen
        if now >= self._due or (seen.news and (seen.urgent or now >= self._next_news)):
            if seen.news:
                self._next_news = now + PAUSE
            self._due = now + REFRESH
            seen.news = seen.urgent = False  # before it is read: what comes meanwhile is written next time
            self._try_to_write()
        return max(0.0, min(self._due, self._next_news if seen.news else self._due) - now)

    def remove(self) -> None:
        """The client is gone, and so is its heartbeat, before anything is waited for."""
        try:
            posix.unlink(self._path)
        except OSError:
            pass  # there is none, or no way to remove it: it goes stale

    def _try_to_write(self) -> None:
        try:
            if not self._path:
                raise OSError(0, "no home directory is known; give one with --home")
            self._write()
        except OSError as cause:
            if not self._warned:
                self._warned = True
                where = self._path.rpartition("/")[0] or "~/.iai-daemon"
                say(2, f"iai-wrapper: no heartbeat in {where} ({cause.strerror}); relaying all the same")

    def _write(self) -> None:
        """Lock the new file, then put it in the old one's place: at no moment a file stands there that nobody holds."""
        temporary = self._path + ".tmp"
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW | posix.O_CLOEXEC
        new = posix.open(temporary, flags, 0o600)
        try:
            locked = self._lockable and lock(new)
            write_all(new, self._content(locked))
            posix.rename(temporary, self._path)
        except OSError:
            posix.close(new)
            raise
        if self._held >= 0:
            posix.close(self._held)
        self._held = new

    def _content(self, locked: bool) -> bytes:
        seen, now = self._seen, self._seen.wall()
        in_flight = seen.in_flight()
        if in_flight:
            seen.last_activity = now
        fields: dict[str, object] = {
            **self._facts,
            "last_refresh": stamp(now),
            "last_activity": None if seen.last_activity is None else stamp(seen.last_activity),
            "activity_count": seen.activity_count,
            "in_flight": in_flight,
        }
        if locked:
            fields["locked"] = True
        if seen.client:
            fields["client"] = seen.client
        if seen.session:
            fields["session_id"] = seen.session
        return to_json(fields).encode() + b"\n"


def describe(command: str, child: int, parent: int) -> "dict[str, object]":
    """What does not change while the wrapper runs. Of the command only its name: arguments may hold secrets."""
    random = posix.urandom(16).hex()
    pid = posix.getpid()
    facts = {
        "schema_version": 1,
        "wrapper_version": VERSION,
        "pid": pid,
        "uuid": f"{random[:8]}-{random[8:12]}-4{random[13:16]}-a{random[17:20]}-{random[20:]}",
        "started_at": stamp(time.time()),
        "process_start": process_start(pid),
        "boot_id": read_file("/proc/sys/kernel/random/boot_id").decode("ascii", "replace").strip(),
        "parent_pid": parent,
        "child_pid": child,
        "child_start": process_start(child),
        "server": bounded(command.rpartition("/")[2]),
    }
    return {name: fact for name, fact in facts.items() if fact not in (None, "")}


def process_start(pid: int) -> "int | None":
    """In clock ticks since boot: field 22 of /proc/<pid>/stat (proc(5)); None where there is no /proc."""
    fields = read_file(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[19]) if len(fields) > 19 else None  # noqa: PLR2004


def read_file(path: str) -> bytes:
    """All of a small file; nothing where it cannot be read."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b""
    found = b""
    try:
        while chunk := posix.read(descriptor, CHUNK):
            found += chunk
    except OSError:
        pass  # a process may end while it is looked at
    posix.close(descriptor)
    return found


def is_unshared(folder: str) -> bool:
    """Whether the file system of `folder` keeps our lock from others: they must do without it then (Linux)."""
    longest, kind = b"", b""
    for line in read_file("/proc/self/mountinfo").splitlines():
        fields, _, rest = line.partition(b" - ")
        point = fields.split()[4]
        if len(point) >= len(longest) and (folder.encode() + b"/").startswith(point.rstrip(b"/") + b"/"):
            longest, kind = point, rest.split()[0]
    return kind.startswith(UNSHARED)


def lock(descriptor: int) -> bool:
    """Hold the file until it is closed; False where that cannot be."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, flock

        flock(descriptor, LOCK_EX | LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def find_home(option: str) -> str:
    """`--home`, else IAI_DAEMON_HOME, else ~/.iai-daemon; empty when nothing says where that is."""
    chosen = option or text_of(posix.environ.get(b"IAI_DAEMON_HOME", b"")) or "~/.iai-daemon"
    if chosen == "~" or chosen.startswith("~/"):
        user = text_of(posix.environ.get(b"HOME", b"")) or home_of_user()
        return user + chosen[1:] if user else ""
    return chosen if chosen.startswith("/") else f"{posix.getcwd()}/{chosen}"


def home_of_user() -> str:
    try:
        from pwd import getpwuid

        return getpwuid(posix.getuid()).pw_dir
    except (ImportError, KeyError):
        return ""


def text_of(name: bytes) -> str:
    """What the system calls take back as the same bytes."""
    return name.decode("utf-8", "surrogateescape")


def environment() -> "dict[bytes, bytes]":
    return posix.environ


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    milliseconds = int(seconds * 1000)
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{moment}.{milliseconds % 1000:03d}Z"


def to_json(value: object) -> str:
    """JSON of what a heartbeat holds, in ASCII: `json` itself would have to be imported."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(key)}: {to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return '"' + "".join(map(escaped, value)) + '"'
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def point_to_null(descriptor: int) -> None:
    """Let go of what it was, for good, without leaving its number to the next file that is opened."""
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    posix.dup2(null, descriptor, inheritable=False)
    posix.close(null)


def say(descriptor: int, text: str) -> None:
    try:
        write_all(descriptor, text.encode("utf-8", "surrogateescape") + b"\n")
    except OSError:
        pass  # nobody listens


if __name__ == "__main__":
    sys.exit(main())
