"""The errors a user may see. A class' docstring is its message and says what to do next; the class knows its exit status."""

from __future__ import annotations

from typing import ClassVar

EX_NEGATIVE = 1
EX_USAGE = 2
EX_CONFIG = 78
# As shells say it of SIGINT and of SIGTERM: 128, and the number of the signal.
EX_STOPPED = 130
EX_ENDED = 143


class IaiError(Exception):
    """iai-daemon could not do that."""

    exit_status: ClassVar[int] = EX_NEGATIVE

    def __init__(self, **data: object) -> None:
        self.data = data
        super().__init__(data)

    def __str__(self) -> str:
        return " ".join((type(self).__doc__ or "").split()).format(**self.data)


class UsageError(IaiError):
    """{problem}"""

    exit_status = EX_USAGE


class NoHome(IaiError):
    """There is no home directory to work in: set HOME, or give one with --home DIR."""

    exit_status = EX_CONFIG


class HomeUnusable(IaiError):
    """The home {path} cannot be used ({cause}): make it yours and writable, or give another with --home DIR."""

    exit_status = EX_CONFIG


class HomeLost(IaiError):
    """The home {path} was moved, replaced or deleted while the daemon was running in it, so it has stopped: start it again
    with `iai-daemon run`."""


class FileUnusable(IaiError):
    """{path} cannot be used ({cause}): move away what stands there, and see that its directory is yours and writable."""


class BadConfig(IaiError):
    """{path}, {where}: {problem}."""

    exit_status = EX_CONFIG


class StoreUnusable(IaiError):
    """The memory cannot be opened."""

    exit_status = EX_CONFIG


class SearchMissing(StoreUnusable):
    """This Python's SQLite {version} has no FTS5, which the memory searches with: run iai-daemon with a Python whose
    SQLite has it (python.org, Debian, Homebrew and uv builds do)."""


class ForeignStore(StoreUnusable):
    """{path} belongs to another program and is left untouched: move it away, or give another home with --home DIR."""


class NewerStore(StoreUnusable):
    """{path} was written by a newer iai-daemon (schema {found}, this one knows {known}) and is left untouched:
    upgrade iai-daemon."""


class CorruptStore(StoreUnusable):
    """{path} is damaged ({cause}) and is left untouched: {remedy}."""


class UnreadableRecord(StoreUnusable):
    """The memory {id} is damaged ({cause}): `iai-daemon store backups` lists what `iai-daemon store restore` can bring back."""


class LostStore(StoreUnusable):
    """{path} {problem}, so nothing is written there: {remedy}, or move {away} away to begin with an empty memory."""


class StoreOutOfReach(StoreUnusable):
    """{path} cannot be read or written ({cause}): see that it and its directory are yours and writable and that the disk
    has room, or give another home with --home DIR."""


class StoreAway(StoreUnusable):
    """The memory's server {place} cannot be used now ({cause}): see that it runs, can be reached from here and lets you in; what can
    wait is tried again by itself."""


class BadAddress(StoreUnusable):
    """The address of the memory's server cannot be used: {problem}."""


class NotPermitted(StoreUnusable):
    """The role that {place} is opened with may not do this ({cause}): `docs/how-to/postgres.md` tells what it needs to be granted."""


class OlderSchema(StoreUnusable):
    """{place} has schema {found}, this iai-daemon needs {known}, and the role that it is opened with may not change it: run
    `iai-daemon store upgrade` with the address of a role that owns it."""


class OldServer(StoreUnusable):
    """{place} is a PostgreSQL {found}, and iai-daemon needs {needed} or newer: upgrade that server, or give the address of another."""


class NotUpgraded(StoreUnusable):
    """{place} has schema {found} and could not be brought to {wanted} ({cause}): nothing was changed."""


class HalfMoved(StoreUnusable):
    """{place} is being filled by `iai-daemon store migrate`, which has not come to its end: run it again with the same words, and it
    goes on where it stopped."""


class NotMoved(IaiError):
    """The memory was not moved: {problem}"""


class DriverMissing(StoreUnusable):
    """The memory is kept in PostgreSQL, and what is needed to speak with it is not installed:
    pip install "iai-daemon[postgres]"."""


class StoreBusy(IaiError):
    """The memory {path} has been locked by another process for {seconds} s: try again; if it stays so, `lsof {path}` names
    who holds it."""


class StoreInUse(IaiError):
    """{path} is damaged, and {holders} still has it open: end that, then restore again."""


class NoSuchBackup(IaiError):
    """There is no backup {name}: `iai-daemon store backups` lists them."""


class BackedUpThere(IaiError):
    """The memory is kept in PostgreSQL ({place}), which is backed up where it runs: `pg_dump --schema=iai` as an administrator who
    sees all rows, or what that server has for it. `iai-daemon memory export --full` writes what you have there into a file."""


class BadBackup(IaiError):
    """{path} cannot be restored, because {cause}, and nothing was changed: `iai-daemon store backups` lists others."""


class Queued(IaiError):
    """Earlier notes wait in {path} and are delivered first."""


class NotKept(IaiError):
    """{away} The note could not be kept here for later either: {problem}."""


class NoSuchRecord(IaiError):
    """There is no memory {id}: `iai-daemon memory search` finds the ids."""


class NotYours(IaiError):
    """{cause}: only who told it may forget, purge or rewrite it."""


class NoVector(IaiError):
    """The memory {id} has no vector, so nothing is known to be like it: nights give each memory one, `iai-daemon consolidate` at
    once, unless embedding.model is "none"."""


class NoSuchNight(IaiError):
    """There is no night {id}: `iai-daemon nights list` shows them."""


class StoreNotEmpty(IaiError):
    """A full export is restored into an empty memory only, and {path} holds {records} memories and {nights} nights: give
    another home with --home DIR."""


class NotRestored(IaiError):
    """Nothing was restored, because of line {line}: {problem}."""


class NothingToShare(IaiError):
    """The scope {scope} cannot be shared: this memory has one user. `docs/how-to/postgres.md` tells how several keep theirs in one
    database."""


class NoSuchTask(IaiError):
    """There is no task {name}{nearest}"""


class NoSuchRecall(IaiError):
    """There is no recall {id}: `iai-daemon recall list` shows them."""


class NoSuchSession(IaiError):
    """There is no session {id}: `iai-daemon sessions list` shows them."""


class NoSuchAgent(IaiError):
    """There is no agent {name}{nearest}"""


class AgentUnusable(IaiError):
    """The agent {name} cannot be woken: {problem}."""


class NoSuchSlot(IaiError):
    """There is no slot {id}: `iai-daemon slots list` shows them."""


class SlotOver(IaiError):
    """The slot {id} is {state} already."""


class SessionTaken(IaiError):
    """The session {session} has a pending recall already ({recall}): cancel or reschedule that one first."""


class RecallOver(IaiError):
    """Nothing more is to come of recall {id} ({status}): make a new one with `iai-daemon recall add`."""


class NoSuchPass(IaiError):
    """There is no pass {name}{nearest}"""


class CommandFailed(IaiError):
    """{problem}"""


class PlugInFailed(IaiError):
    """{problem}"""


class Stopped(IaiError):
    """Stopped: {said}"""

    exit_status = EX_STOPPED


class Ended(Stopped):
    """Stopped: {said}"""

    exit_status = EX_ENDED


class NightRefused(IaiError):
    """{problem}"""


class ChangedSince(NightRefused):
    """{problem}"""


class NightBusy(NightRefused):
    """Another process is consolidating this memory ({holder}): see `iai-daemon status`, or wait until it has ended."""


class Fenced(NightRefused):
    """This night has lost its hold on {place}: another one has begun since, so it writes nothing more."""


class NightFailed(IaiError):
    """The night did not come to its end: {cause}."""


class NoEmbedder(IaiError):
    """The embedding model {model} cannot be used: {problem}. {remedy} mends it."""


class NoBackup(IaiError):
    """No backup could be written to {path} ({cause}), so nothing was changed: make room there and let it be written to."""


class AlreadyRunning(IaiError):
    """A daemon is already running in this home (pid {pid})."""


class DaemonAway(IaiError):
    """No daemon is running in {home}: start it with `iai-daemon run`."""


class DaemonMute(IaiError):
    """The daemon in {home} does not answer within {seconds} s: look at {log}, then restart it."""


class PortTaken(IaiError):
    """The page cannot be served at port {port} of this machine ({cause}): give another with --port N, or none for a free one."""


class Refused(IaiError):
    """{problem}"""


class NotReloaded(Refused):
    """The daemon goes on by the settings of before: {problem}"""

    exit_status = EX_CONFIG


class BadRecord(UsageError):
    """{problem}"""


class BadTrigger(UsageError):
    """{problem}"""
