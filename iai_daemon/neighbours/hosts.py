"""Every host that was heard of, as it was read last, and until when it counts. Pure: times on the awake clock, handed in."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from iai_daemon.foreign import printable
from iai_daemon.neighbours.account import Account, Unreadable, read
from iai_daemon.presence.classify import Status, Wrapper
from iai_daemon.units import NEVER

_LONGEST_NAME = 64
# Who is not heard of for longer is not shown any more, in seconds.
FORGOTTEN = 86_400.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. Seconds by the server's clock: since it was `renewed`, and how long its `lease` is. `own`: this host's;
    `same_user`: one of this user's."""

    id: str
    owner: str
    name: str
    presence: str
    renewed: float
    lease: float
    own: bool
    same_user: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.owner, self.id


@dataclass(frozen=True, slots=True)
class Host:
    """One other host. `account` is None where what it tells cannot be used: `trouble` says why. `over`: the server said so when it
    was read; `until` is when it will be."""

    id: str
    name: str
    seen_at: float
    until: float
    over: bool
    account: Account | None
    trouble: str | None = None

    def holds(self, now: float, *, in_sight: bool) -> bool:
        """Whether it counts. While the server can be asked its word alone decides."""
        return not self.over if in_sight else now < self.until and not self.over

    def wrappers(self, now: float) -> Iterator[Wrapper]:
        """Who is present there; a call in flight is at work this moment."""
        for each in self.account.wrappers if self.account else ():
            yield replace(each, active_at=now) if each.beat and each.beat.in_flight else each


class Hosts:
    """What was read of others; `news` are sentences about who came, went or was not heard of, for the log."""

    def __init__(self) -> None:
        self._hosts: dict[tuple[str, str], Host] = {}
        self.news: list[tuple[str, Mapping[str, object]]] = []

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def take(self, rows: Sequence[Row], now: float, named: Container[str] | None = None) -> bool:
        """These rows were read at `now`, of all hosts or of those that are `named` by their ids. Whether that changes anything."""
        found = {key: each for key, each in self._hosts.items() if named is not None and each.id not in named}
        for row in rows:
            if not row.own and row.renewed < FORGOTTEN:
                found[row.key] = self._host(row, now)
        before, self._hosts = self._hosts, found
        self._tell_news(before, now)
        return {key: _what_counts(each) for key, each in before.items()} != {
            key: _what_counts(each) for key, each in found.items()
        }

    def _host(self, row: Row, now: float) -> Host:
        name = printable(row.name[:_LONGEST_NAME], "?", keep="") or row.id
        renewed, lease = max(0.0, row.renewed), row.lease
        known = self._hosts.get(row.key)
        account, trouble = None, None
        try:
            told = read(row.presence, name, now - renewed)
            account = _dated(told if row.same_user else _of_another(told), known.account if known else None)
        except Unreadable as cause:
            trouble = str(cause)
        return Host(row.id, name, now - renewed, now + lease - renewed, renewed >= lease, account, trouble)

    def _tell_news(self, before: Mapping[tuple[str, str], Host], now: float) -> None:
        for key, each in self._hosts.items():
            known = before.get(key)
            was_there = known is not None and not known.over
            if each.over and was_there:
                seconds = round(now - each.seen_at)
                self.news.append(("host has not been heard of", {"host": each.name, "seconds": seconds}))
            elif not each.over and not was_there:
                self.news.append(("host is there", {"host": each.name, "id": each.id}))
            if each.trouble and (known is None or known.trouble != each.trouble):
                why = {"host": each.name, "why": each.trouble}
                self.news.append(("what a host tells cannot be used", why))
        for key, each in before.items():
            if key not in self._hosts and not each.over:
                self.news.append(("host has left", {"host": each.name}))

    def elsewhere(self, now: float, *, in_sight: bool) -> tuple[Wrapper, ...]:
        """Everybody who is present on a host that counts."""
        there = (each for each in self if each.holds(now, in_sight=in_sight))
        return tuple(wrapper for each in there for wrapper in each.wrappers(now))

    def lease_ends(self) -> float:
        """When the first lease of those that count will be over."""
        return min((each.until for each in self if not each.over), default=NEVER)

    def ending_after(self, now: float) -> float:
        """When the first lease after this moment will be over."""
        return min((each.until for each in self if each.until > now), default=NEVER)


def _what_counts(host: Host) -> object:
    account = host.account
    if account is None:
        return host.over
    wrappers = {
        (each.path, each.headless, each.active_at, each.settled_at, _calls(each), each.session_digest)
        for each in account.wrappers
    }
    return host.over, account.state, account.rule, account.night, account.open, wrappers


def _calls(wrapper: Wrapper) -> bool:
    return wrapper.beat is not None and wrapper.beat.in_flight > 0


def _dated(account: Account, before: Account | None) -> Account:
    """The same activity stays where it was dated first, however slow the network was this time, and the same settling."""
    known = {each.path: each for each in before.wrappers} if before else {}
    return replace(
        account, wrappers=tuple(_as_known(each, known.get(each.path)) for each in account.wrappers)
    )


def _of_another(account: Account) -> Account:
    """Nobody is at work in the sessions of another user: whatever his hosts tell puts off none of ours."""
    return replace(account, wrappers=tuple(replace(each, session_digest=None) for each in account.wrappers))


def _as_known(wrapper: Wrapper, known: Wrapper | None) -> Wrapper:
    if known is None or wrapper.status is not Status.FRESH or not wrapper.beat or not known.beat:
        return wrapper
    stamp = wrapper.beat.last_activity
    same = stamp is not None and stamp == known.beat.last_activity and known.active_at is not None
    return replace(
        wrapper, settled_at=known.settled_at, active_at=known.active_at if same else wrapper.active_at
    )
