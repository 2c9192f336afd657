"""Clients that open, work and close under a time that is handed in, and a lifecycle that looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from iai_daemon.config import Lifecycle
from iai_daemon.lifecycle.decide import Allowed, Asked, Decision, Overdue, Standing, decide
from iai_daemon.lifecycle.states import State
from iai_daemon.presence.classify import Presence, Status, Wrapper
from iai_daemon.presence.heartbeat import Heartbeat
from iai_daemon.units import NEVER

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0
SETTLE = 2.0

NOTHING_DUE = Overdue()


def wrapper(
    *,
    active: float | None = None,
    settled: float = -DAY,
    stale_at: float = NEVER,
    legacy: bool = False,
    in_flight: int = 0,
    headless: bool = False,
    status: Status = Status.FRESH,
) -> Wrapper:
    """A present wrapper that settled long ago; `active` is when its user last did something."""
    beat = Heartbeat(1, "u", 0.0, reports_activity=not legacy, in_flight=in_flight)
    return Wrapper("p", status, "", beat, active, settled, stale_at, headless)


class Life:
    """A lifecycle that remembers where it stands between two looks."""

    def __init__(
        self, state: State = State.WAKE, *, last_active: float = 0.0, settings: Lifecycle | None = None
    ) -> None:
        self.settings = settings or Lifecycle()
        self.standing = Standing(state, since=0.0, last_active=last_active)

    def look(self, now: float, *wrappers: Wrapper, overdue: Overdue = NOTHING_DUE) -> Decision:
        decision = decide(self.standing, Presence(wrappers), now, self.settings, overdue)
        self.standing = decision.standing
        return decision

    def sees(self, now: float, *wrappers: Wrapper, overdue: Overdue = NOTHING_DUE) -> tuple[str, str]:
        """State and rule after a look."""
        standing = self.look(now, *wrappers, overdue=overdue).standing
        return standing.state.value, standing.rule

    def ask(self, state: State, at: float, until: float = NEVER) -> None:
        slept_at = at if state is State.BEDTIME else self.standing.slept_at
        self.standing = replace(self.standing, asked=Asked(state, at, until), slept_at=slept_at)


@dataclass(frozen=True)
class Client:
    """One client's day: when it is open, when its user does something, and calls with their begin and end."""

    opened: float
    closed: float = NEVER
    activity: Sequence[float] = ()
    calls: Sequence[tuple[float, float]] = ()
    legacy: bool = False

    def moments(self) -> Iterator[float]:
        """When its heartbeat says something new."""
        yield from (self.opened, self.closed, *self.activity, *(at for call in self.calls for at in call))

    def wrapper(self, now: float) -> Wrapper | None:
        if not self.opened <= now < self.closed:
            return None
        did = [at for at in (*self.activity, *(call[0] for call in self.calls)) if at <= now]
        busy = any(begun <= now < ended for begun, ended in self.calls)
        return wrapper(
            active=now if busy else max(did, default=None),
            settled=self.opened + SETTLE,
            legacy=self.legacy,
            in_flight=int(busy),
        )


@dataclass(frozen=True)
class Spell:
    """A stretch of time in one state, by one rule; what may run in it."""

    begun: float
    ended: float
    state: State
    rule: str
    allowed: Allowed


@dataclass
class Story:
    """What became of a day: the lifecycle looks when a heartbeat changes and when a threshold falls due, never else.

    Something is always due in the store, and a night completes when it has had `night_takes` seconds in BEDTIME.
    """

    clients: Sequence[Client]
    settings: Lifecycle = field(default_factory=Lifecycle)
    night_takes: float = 20 * MINUTE
    nights: list[float] = field(default_factory=list)

    def live(self, begin: float, end: float, life: Life | None = None) -> list[Spell]:
        """The spells from `begin` to `end`."""
        life = life or Life(last_active=begin, settings=self.settings)
        moments = sorted({at for client in self.clients for at in client.moments() if begin <= at < end})
        spells: list[Spell] = []
        now, night_at = begin, begin
        while now < end:
            here = [seen for client in self.clients if (seen := client.wrapper(now))]
            decision = life.look(now, *here, overdue=self._overdue(now, begin))
            if decision.standing.state is not State.BEDTIME:
                night_at = now
            elif now >= night_at + self.night_takes:
                self.nights.append(now)
                night_at = now
            upcoming = [at for at in moments if at > now]
            completes = night_at + self.night_takes if decision.standing.state is State.BEDTIME else NEVER
            following = min(decision.next_at, completes, *upcoming[:1], end)
            standing = decision.standing
            spells.append(Spell(now, following, standing.state, standing.rule, decision.allowed))
            now = following
        return _joined(spells)

    def _overdue(self, now: float, begin: float) -> Overdue:
        due_at = max([begin, *self.nights]) + self.settings.overdue_after
        return Overdue(now >= due_at, max(0.0, due_at - now))


def _joined(spells: Sequence[Spell]) -> list[Spell]:
    joined: list[Spell] = []
    for spell in spells:
        last = joined[-1] if joined else None
        if last and (last.state, last.rule, last.allowed) == (spell.state, spell.rule, spell.allowed):
            joined[-1] = replace(last, ended=spell.ended)
        else:
            joined.append(spell)
    return joined


def path(spells: Sequence[Spell]) -> list[tuple[str, str]]:
    """States and rules in their order."""
    return [(spell.state.value, spell.rule) for spell in spells]


def working(begin: float, end: float, every: float = 3 * MINUTE) -> list[float]:
    """The activity of somebody who does something every few minutes."""
    return [begin + every * step for step in range(int((end - begin) // every) + 1)]
