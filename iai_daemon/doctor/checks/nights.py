"""The nights: whether they come, whether they come to their end, and what they have left to somebody.

That nothing completes any more is the worst that can happen in silence, so it does not depend on what the daemon says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from iai_daemon.config import Settings
from iai_daemon.consolidation import hindrances
from iai_daemon.consolidation.passes import expected, outlook
from iai_daemon.consolidation.report import COMPLETED, CUT_SHORT, FAILED
from iai_daemon.consolidation.tasks import is_enabled, why_not
from iai_daemon.doctor.finding import Finding, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.flock import holder, is_held
from iai_daemon.memory.nights import QUARANTINE, HeldRow, NightRow, NightStore, Why
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.tasks import CONSOLIDATE
from iai_daemon.units import NEVER, say_duration, stamp_of

_DAY = 86_400.0
# Waited for at least so long before it counts as a failure, however soon somebody wants nights.
_AT_LEAST = 2 * _DAY
# Where nights are never overdue, and for what waits for a person.
_A_WEEK = 7 * _DAY
# A machine that has just been started has had no time for a night.
_JUST_STARTED = 3600.0
# A night is about to be told of, or a backup being made.
_A_MOMENT = 60.0
_LATELY = 5
_WHY = {
    Why.REVIEW: "for you to accept them",
    Why.BUDGET: "for the loss budget",
    Why.RECALL: "because search would lose by them",
}


def look(patient: Patient) -> Iterator[Finding]:
    settings = patient.require_settings()
    if patient.has_no_memory:
        yield ok("nights", "there is no memory yet, so nothing for a night to do")
        return
    with patient.stores() as stores:
        off = list(_switched_off(settings, stores))
        yield from off
        yield _coming(patient, settings, stores, are_off=bool(off))
        yield from _lately(patient, stores.nights)
        yield from _hindered(patient, settings, stores.nights)
        yield from _held(patient, stores.nights)
    yield from _locked(patient)


def _switched_off(settings: Settings, stores: Stores) -> Iterator[Finding]:
    by_setting, by_task = settings.consolidation.enabled, is_enabled(stores.tasks)
    if why := why_not(by_setting=by_setting, by_task=by_task):
        remedies = [] if by_setting else ["`iai-daemon config set consolidation.enabled true`"]
        remedies += [] if by_task else [f"`iai-daemon tasks enable {CONSOLIDATE}`"]
        yield warn("nights.enabled", why, " and ".join(remedies))


# Whether they come.


def _coming(patient: Patient, settings: Settings, stores: Stores, *, are_off: bool) -> Finding:
    nights, now = stores.nights, patient.now
    task, completed = stores.tasks.task(CONSOLIDATE), nights.last_completed(kind="night")
    last = _says(completed, now.wall)
    known, _ = expected(settings, patient.home, alone=False)
    if not outlook(nights, known, now.milliseconds).work:
        return ok("nights", f"{last}; nothing is to be done")
    if completed is None and task is None:
        return ok("nights", f"{last}: no daemon has opened this memory yet")
    begun = 0 if task is None else task.created_at
    ended = 0 if completed is None else completed.ended_at or completed.started_at
    waited = now.wall - max(begun, ended) / 1000
    overdue_after = settings.lifecycle.overdue_after
    limit = _A_WEEK if overdue_after == NEVER else max(overdue_after, _AT_LEAST)
    if waited <= limit or are_off:
        return ok("nights", last)
    seen = f"{last}, though there is work, and it has been waited for for {say_duration(waited)}{_stands(patient)}"
    if overdue_after == NEVER or now.boot < _JUST_STARTED:
        return warn("nights", seen, "`iai-daemon consolidate` when nobody is at work")
    return fail("nights", seen, "`iai-daemon logs` tells why; `iai-daemon consolidate` runs one now")


def _says(completed: NightRow | None, now: float) -> str:
    if completed is None:
        return "no night has completed yet"
    ended = (completed.ended_at or completed.started_at) / 1000
    return f"night {completed.id} completed {say_duration(max(0.0, now - ended))} ago"


def _stands(patient: Patient) -> str:
    """What the daemon says of itself, in brackets: it is why it does not begin."""
    if patient.status is None:
        return " (no daemon answers)"
    return f" (the daemon is in {patient.status['state']}: {patient.status['reason']})"


# How they end.


def _lately(patient: Patient, nights: NightStore) -> Iterator[Finding]:
    """Of nights that came to their end the last ones; what is still without an end runs, or was killed."""
    # It may begin or end while we look.
    before, newest = is_held(patient.home.consolidation_lock), nights.nights(_LATELY)
    running = before or is_held(patient.home.consolidation_lock)
    if newest and newest[-1].ended_at is None and not running:
        at = stamp_of(newest[-1].started_at)
        seen = f"night {newest[-1].id}, begun at {at}, has no end: its process was killed"
        yield warn("nights.last", seen, "the next one goes on there; `iai-daemon logs` tells more")
        return
    ended = [each for each in newest if each.ended_at is not None]
    failed = _newest_such(ended, lambda each: each.outcome == FAILED)
    cut_short = _newest_such(ended, lambda each: each.outcome in CUT_SHORT)
    if failed:
        judge = fail if failed >= QUARANTINE else warn
        which = "the last night" if failed == 1 else f"the last {failed} nights"
        yield judge(
            "nights.last",
            f"{which} failed, night {ended[-1].id} because: {ended[-1].reason}",
            f"as the reason says; `iai-daemon nights show {ended[-1].id}` and `iai-daemon logs` tell more",
        )
    elif cut_short == _LATELY:
        seen = f"the last {_LATELY} nights were cut short, night {ended[-1].id} because: {ended[-1].reason}"
        yield warn("nights.last", seen, "`iai-daemon nights list` tells by what")
    elif ended and ended[-1].outcome == COMPLETED:
        yield ok("nights.last", f"night {ended[-1].id} completed")


def _newest_such(ended: Sequence[NightRow], such: Callable[[NightRow], bool]) -> int:
    """How many of the newest ones are such, without a gap."""
    return next((place for place, each in enumerate(reversed(ended)) if not such(each)), len(ended))


def _hindered(patient: Patient, settings: Settings, nights: NightStore) -> Iterator[Finding]:
    """The passes that do not run, or that failed the last time."""
    night, now = settings.consolidation, patient.now.milliseconds
    used = {*night.passes, *(each.pass_name for each in night.commands)}
    for name, hindrance in nights.hindrances().items():
        if name not in used:
            continue
        remedy = f"as the reason says, then `iai-daemon nights retry {name}`"
        if waits := hindrances.say(hindrance, now):
            judge = fail if hindrance.failures >= QUARANTINE else warn
            until = stamp_of(hindrance.not_before or now)
            yield judge("nights.passes", f"the pass {name} does not run until {until}, {waits}", remedy)
        elif hindrance.failures:
            times = "once" if hindrance.failures == 1 else f"{hindrance.failures} times running"
            seen = f"the pass {name} failed {times}: {hindrance.reason}"
            yield warn("nights.passes", seen, "the next night tries it again")


# What they leave.


def _held(patient: Patient, nights: NightStore) -> Iterator[Finding]:
    if not nights.waiting():
        return
    week_ago = (patient.now.wall - _A_WEEK) * 1000
    old = [each for each in nights.held() if each.at < week_ago]
    if old:
        whys = Counter(each.why for each in old)
        seen = ", ".join(f"{number} {_WHY[why]}" for why, number in whys.items())
        yield warn("nights.held", f"changes that wait for longer than a week: {seen}", _accept(old))


def _accept(old: Sequence[HeldRow]) -> str:
    """For the night that has most of them."""
    ((night, _),) = Counter(each.night for each in old).most_common(1)
    return f"`iai-daemon nights show {night} --diff` shows them, `iai-daemon nights accept {night}` carries them out"


def _locked(patient: Patient) -> Iterator[Finding]:
    """A process that is at the memory without the daemon's knowledge keeps its nights from beginning."""
    path = patient.home.consolidation_lock
    if patient.status is None or patient.status["consolidation"]["running"] or not is_held(path):
        return
    since = patient.now.wall - path.stat().st_mtime
    if since > _A_MOMENT:
        who = holder(path) or "a process that does not say which it is"
        seen = f"no night of the daemon's runs, and for {say_duration(since)} this holds its lock: {who}"
        yield warn("nights.lock", seen, "wait until it has ended, or end it where it hangs")
