"""What iai-wrapper tells iai-daemon: what the messages show of its user, and the heartbeat file that says so.

CONTRACT.md, beside this file, describes the heartbeat for writers and readers in any language. iai_relay.py calls this.
Standard library only; what is not built into Python is imported when bytes flow, or never.
"""
# ruff: noqa: SIM105 -- contextlib would have to be imported

import posix
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    Message = dict[str, Any]
    Scanner = Callable[[str, int], tuple[Any, int]]

    class Recorder(Protocol):
        """Who is told of each call and how it ended; iai_outcomes.py writes that down."""

        def begin(self, ident: object, message: Message, line: bytes) -> None: ...

        def answer(self, ident: object, message: Message, line: bytes) -> None: ...

        def end(self, ident: object, outcome: str) -> None: ...

        def end_all(self) -> None: ...

        def write(self) -> None: ...


VERSION = "0.1.0"

# Seconds from one write of the heartbeat to the next, at rest and for activity.
REFRESH, PAUSE = 30.0, 1.0
# Nobody waits for a call longer than this, in seconds.
LONGEST_CALL = 2 * 3600.0

# The notes of ends that may lie in a directory where no daemon takes them in.
NOTES = 100

# What is read at once.
CHUNK = 64 * 1024
# Of a line that is longer than HEAD, so much of its beginning and of its end is kept.
HEAD, TAIL = 16 * 1024, 4 * 1024
# In what is told of such a message, the key that says so.
TORN = ""
# The calls that are remembered at once, and the characters of a text that comes from outside.
MOST, LONGEST = 1024, 200

# Requests behind which neither a person nor an agent at work needs to be. The others of their kind end in /list.
HOUSEKEEPING = {
    "initialize",
    "server/discover",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "subscriptions/listen",
    "tasks/get",
    "tasks/result",
}
# What the scanner raises of a text that is no JSON. Of a string without an end SystemError, as long as nobody has imported
# json.decoder, where it looks for a better one.
NOT_JSON = (ValueError, StopIteration, RecursionError, SystemError)
CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
# Where clients name the conversation: VS Code, Codex and some versions of OpenCode in a request's `_meta`, Claude Code in the environment.
SESSION_KEYS = ("vscode.conversationId", "threadId", "sessionID")
SESSION_VARIABLE = b"CLAUDE_CODE_SESSION_ID"
# File systems whose other side, another machine or the host of this one, does not see our flock.
UNSHARED = tuple(b"nfs cifs smb 9p virtiofs fuse. ceph afs vboxsf prl_fs drvfs fakeowner".split())


TO_WRITE = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW


class Seen:
    """What the messages have told. Written by whoever looks at them, read by the heartbeat.

    `news`: something is not in the heartbeat yet; `urgent`: and shall not wait for the next second.
    """

    # The clocks; tests hand in their own.
    wall, steady = staticmethod(time.time), staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.activity_count = 0
        self.last_activity: float | None = None
        self.client: Message | None = None
        self.session = ""
        self.news = self.urgent = False
        # None: nobody wants to know how calls end.
        self.outcomes: Recorder | None = None
        self._calls: dict[object, float] = {}
        self._pings: set[object] = set()

    def in_flight(self) -> int:
        """The client's calls that have no answer yet, without those that nobody waits for any longer."""
        for ident, begun in self._calls.copy().items():
            if self.steady() - begun > LONGEST_CALL:
                self._calls.pop(ident, None)
        return len(self._calls)

    def look_at_request(self, line: bytes) -> None:
        """A line from the client: its requests and notifications, and its answers to the server's own requests."""
        for message in messages(line):
            method, ident = text_in(message, "method"), ident_in(message, "id")
            if not method:
                self._take_clients_answer(message, ident)
            elif method == "notifications/cancelled":
                cancelled = ident_in(message, "params", "requestId")
                if self.outcomes:
                    self.outcomes.end(cancelled, "cancelled")
                self._answered(cancelled)
            elif not method.startswith("notifications/") and (ident is not None or TORN in message):
                self._take_request(method, ident)
                if self.outcomes and method == "tools/call" and ident is not None:
                    self.outcomes.begin(ident, message, line)
            self._meet(message, method)

    def look_at_answer(self, line: bytes) -> None:
        """A line from the server: of interest when an answer is waited for, or when it may be a ping."""
        if not self._calls and b'"ping"' not in line:
            return
        for message in messages(line):
            ident = ident_in(message, "id")
            if text_in(message, "method") == "ping" and len(self._pings) < MOST:
                self._pings.add(ident)
            elif "method" not in message:
                # Too long to tell whose answer it is: that of whoever has waited longest.
                unknown = ident is None and TORN in message
                answered = next(iter(self._calls), None) if unknown else ident
                if self.outcomes:
                    self.outcomes.answer(answered, message, line)
                self._answered(answered)

    def _take_request(self, method: str, ident: object) -> None:
        if method == "tools/call" and ident is not None and len(self._calls) < MOST:
            self._calls[ident] = self.steady()
        if method not in HOUSEKEEPING and not method.endswith("/list"):
            self._act()

    def _take_clients_answer(self, message: "Message", ident: object) -> None:
        """Somebody is at work who gives one; but a ping is answered though nobody is there."""
        if message.keys() & {"result", "error", TORN} and ident not in self._pings:
            self._act()
        self._pings.discard(ident)

    def _meet(self, message: "Message", method: str) -> None:
        meta = value_in(message, "params", "_meta")
        for key in SESSION_KEYS:
            self.session = text_in(meta, key) or self.session
        info = value_in(
            message, "params", *(["clientInfo"] if method == "initialize" else ["_meta", CLIENT_INFO])
        )
        name = text_in(info, "name")
        if name and not self.client:
            self.client = {"name": name, "version": text_in(info, "version") or None}
            self.news = self.urgent = True

    def _answered(self, ident: object) -> None:
        if self._calls.pop(ident, None) is not None and not self._calls:
            self.news = True

    def _act(self) -> None:
        self.activity_count += 1
        self.last_activity = self.wall()
        self.news = True


def messages(line: bytes) -> "list[Message]":
    """The messages in a line: one, or those of a batch; none where there is no JSON."""
    found = scan(line.decode("utf-8", "replace").lstrip()) if len(line) <= HEAD else torn_message(line)
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def torn_message(line: bytes) -> object:
    """What stands before and behind a message's long member: some write `method` and `id` first, others last."""
    head = line[:HEAD].decode("utf-8", "replace").lstrip()
    tail = line[-TAIL:].decode("utf-8", "replace").rstrip()
    found: Message = {TORN: True}
    if head.startswith("["):
        return found
    if not head.startswith("{"):
        return None
    # A quote within a string is escaped: so this is where the first member begins that is an object.
    front, _, key = head[1:].replace('": {', '":{').partition('":{')[0].rpartition(",")
    # Behind it, a key belongs to the message itself when what begins with the key ends with the line.
    behind = [tail[tail.rfind(name) : -1] for name in ('"id"', '"method"') if name not in front]
    for text in (front, key + '":0', *behind):
        members = scan("{" + text + "}")
        found |= members if isinstance(members, dict) else {}
    return found


class Plain:
    """How the scanner asks what to make of JSON."""

    strict = False
    object_hook = object_pairs_hook = None
    parse_int, parse_float, parse_constant = int, float, float


def find_scanner() -> "Scanner":
    """The scanner of `json` alone: that package would import `re`, which costs 10 ms and 1.3 MB."""
    try:
        # The server has been started when the first message is looked at.
        from _json import make_scanner
    except ImportError:
        # No such accelerator in this Python: then the package after all.
        from json import JSONDecoder

        return JSONDecoder(strict=False).raw_decode
    return make_scanner(Plain)  # type: ignore[arg-type]


scanner: "Scanner | None" = None


def scan(text: str) -> object:
    """The value of a JSON text; None when it is none."""
    global scanner  # noqa: PLW0603 -- looked for once, when bytes flow
    scanner = scanner or find_scanner()
    try:
        value, end = scanner(text, 0)
    except NOT_JSON:
        return None
    return None if text[end:].strip() else value


def value_in(message: object, *path: str) -> object:
    """What the keys in `path` lead to; None when they lead nowhere."""
    for key in path:
        message = message.get(key) if isinstance(message, dict) else None
    return message


def ident_in(message: object, *path: str) -> "str | float | None":
    ident = value_in(message, *path)
    return bounded(ident) if isinstance(ident, str) else ident if isinstance(ident, (int, float)) else None


def text_in(message: object, key: str) -> str:
    text = value_in(message, key)
    return bounded(text) if isinstance(text, str) else ""


def bounded(text: str) -> str:
    return text[:LONGEST]


class Heartbeat:
    """The file that tells that this wrapper lives, and when its user last did something."""

    def __init__(self, home: str, facts: "Message", seen: Seen) -> None:
        self._seen = seen
        self._facts = facts
        self._path = f"{home}/wrappers/heartbeat-{facts['pid']}-{facts['uuid']}.json"
        # The file in place, which this descriptor keeps locked; -1 when there is none.
        self._descriptor = -1
        self._was_there = False
        self._lockable: bool | None = None
        self._warned = False
        self._refresh_at = self._activity_at = seen.steady()
        self._told: tuple[object, ...] = (0, 0)

    def keep(self) -> float:
        """Write the file if that is due; returns the seconds until it is due again, as far as is known now."""
        now = self._seen.steady()
        if self._due_at() <= now:
            self._tell(now)
        return max(0.0, self._due_at() - now)

    def remove(self) -> None:
        if self._descriptor >= 0:
            remove(self._path)
            posix.close(self._descriptor)
            self._descriptor, self._was_there = -1, True

    def leave_note(self, why: str, status: int) -> None:
        """Why it ended, for the daemon's log; only where the heartbeat was, and over the note of the hundredth before us."""
        if not self._was_there:
            return
        folder, temporary = self._path.rpartition("/")[0], self._path + ".tmp"
        try:
            descriptor = posix.open(temporary, TO_WRITE, 0o600)
            try:
                write_all(descriptor, self._note(why, status))
            finally:
                posix.close(descriptor)
            posix.rename(temporary, f"{folder}/ended-{self._facts['pid'] % NOTES:02d}.json")
        except OSError:
            remove(temporary)  # nobody waits for it

    def _note(self, why: str, status: int) -> bytes:
        seen, same = self._seen, ("schema_version", "wrapper_version", "pid", "uuid", "started_at", "server")
        fields = {name: self._facts[name] for name in same if name in self._facts} | {
            "ended_at": stamp(seen.wall()),
            "reason": why,
            "status": status,
            "activity_count": seen.activity_count,
            "client": seen.client,
            "session_id": seen.session or None,
        }
        return to_json(fields).encode("utf-8", "replace")

    def _due_at(self) -> float:
        if self._descriptor < 0 or not self._seen.news:
            return self._refresh_at
        return min(self._refresh_at, 0.0 if self._seen.urgent else self._activity_at)

    def _tell(self, now: float) -> None:
        """News counts as told before it is read, so that what comes meanwhile is told next time."""
        seen, refresh = self._seen, now >= self._refresh_at
        seen.news = seen.urgent = False
        in_flight = seen.in_flight()
        if in_flight and refresh:
            seen.last_activity = seen.wall()
        told = (seen.activity_count, in_flight, seen.client, seen.session)
        if told[:2] != self._told[:2]:
            self._activity_at = now + PAUSE
        if refresh or told != self._told:
            self._told, self._refresh_at = told, now + REFRESH
            self._write(in_flight)

    def _write(self, in_flight: int) -> None:
        """Lock the new file, rename it into place, and only then let the old one go: nobody ever finds a free lock.

        No fsync: after a crash of the machine nobody is behind the file anyway.
        """
        temporary, descriptor = self._path + ".tmp", -1
        try:
            descriptor = posix.open(temporary, TO_WRITE, 0o600)
            self._lock(descriptor)
            write_all(descriptor, self._content(in_flight))
            posix.rename(temporary, self._path)
            descriptor, self._descriptor = self._descriptor, descriptor
        except OSError as cause:
            self._warn(cause)
            remove(temporary)
        if descriptor >= 0:
            posix.close(descriptor)

    def _warn(self, cause: OSError) -> None:
        """Once: it is tried again at every refresh."""
        if not self._warned:
            folder = self._path.rpartition("/")[0]
            say(2, f"iai-wrapper: no heartbeat in {folder} ({cause.strerror}), but relaying all the same.")
            self._warned = True

    def _lock(self, descriptor: int) -> None:
        if self._lockable is None:
            self._lockable = is_lock_seen(posix.fstat(descriptor).st_dev, read_file("/proc/self/mountinfo"))
        if self._lockable:
            try:
                # An extension module: the server has been started by now.
                import fcntl

                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (ImportError, OSError):
                self._lockable = False

    def _content(self, in_flight: int) -> bytes:
        seen = self._seen
        fields: Message = {
            **self._facts,
            "last_refresh": stamp(seen.wall()),
            "last_activity": None if seen.last_activity is None else stamp(seen.last_activity),
            "activity_count": seen.activity_count,
            "in_flight": in_flight,
            "client": seen.client,
            "session_id": seen.session or None,
        }
        if self._lockable:
            fields["locked"] = True
        return to_json(fields).encode("utf-8", "replace")


def describe(command: str, child: int, parent: int) -> "Message":
    """What is the same in every heartbeat of this process. Of the command the name only: arguments may hold secrets."""
    pid, digits = posix.getpid(), posix.urandom(16).hex()
    facts = {
        "schema_version": 1,
        "wrapper_version": VERSION,
        "pid": pid,
        "uuid": f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}",
        "started_at": stamp(time.time()),
        "process_start": start_of(pid),
        "boot_id": read_file("/proc/sys/kernel/random/boot_id").decode().strip() or None,
        "parent_pid": parent,
        "child_pid": child,
        "child_start": start_of(child),
        "server": bounded(command.rpartition("/")[2]),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def start_of(pid: int) -> int | None:
    """In clock ticks since boot: field 22 in proc(5), counted from behind the name, which may hold anything."""
    fields = read_file(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[19]) if fields else None


def is_lock_seen(device: int, mountinfo: bytes) -> bool:
    """Whether everybody who sees a file on `device` sees our flock on it, by proc(5)'s mountinfo.

    What that does not know, and all of macOS, which has none, is taken for local: there it is for flock to refuse.
    """
    number = b"%d:%d" % (posix.major(device), posix.minor(device))
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(b" - ")
        if mount.split()[2:3] == [number]:
            return not source.startswith(UNSHARED)
    return True


def remove(path: str) -> None:
    try:
        posix.unlink(path)
    except OSError:
        pass  # somebody else has; or nobody may, and the lock, free from now on, tells that nobody is there


def read_file(path: str) -> bytes:
    """All of a file in /proc; empty where there is none."""
    content = b""
    try:
        descriptor = posix.open(path, posix.O_RDONLY)
    except OSError:
        return content
    try:
        while part := posix.read(descriptor, CHUNK):
            content += part
    except OSError:
        pass  # the process that it tells of has just ended
    posix.close(descriptor)
    return content


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    whole, milliseconds = divmod(int(seconds * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03d}Z"


def to_json(value: object) -> str:
    """The JSON of what a heartbeat holds."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{to_json(name)}: {to_json(part)}" for name, part in value.items()) + "}"
    if isinstance(value, str):
        return '"' + "".join(c if c >= " " and c not in '"\\' else f"\\u{ord(c):04x}" for c in value) + '"'
    return "null" if value is None else "true" if value is True else str(value)


def write_all(sink: int, chunk: bytes) -> None:
    while (written := posix.write(sink, chunk)) < len(chunk):
        chunk = chunk[written:]


def say(descriptor: int, text: str) -> None:
    try:
        write_all(descriptor, (text + "\n").encode("utf-8", "surrogateescape"))
    except OSError:
        pass  # nobody listens
