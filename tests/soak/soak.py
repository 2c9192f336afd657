"""The soak: days of work and nights with troubles, looked at every few seconds. Read `Soak.run` first."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from iai_daemon.clock import Stopwatch, pause
from tests.soak import looking
from tests.soak.accounting import account
from tests.soak.figures import Sample, row_of
from tests.soak.found import Found, Wanted
from tests.soak.guests import Guest
from tests.soak.house import House
from tests.soak.hunt import Hunt, is_agent, is_worker
from tests.soak.planning import WITH_MEMORY, Deed, day

# Seconds between two looks, and how long after a coming or going the daemon may still see something else.
_LOOK, _SETTLES = 2.0, 8.0
# Seconds: until a daemon that was started answers, how long one may be mute, and until all is at rest in the end. Generous: a night
# makes room for whatever else runs on the machine.
_STARTS, _ANSWERS, _RESTS, _RESTS_WHEN_STOPPED = 60.0, 20.0, 300.0, 20.0
# What is wrong is told so often; a thing that stays wrong is one thing.
_MOST_TOLD = 40
_LINES = 12


class Soak:
    """One soak in one house. `is_stopped`: somebody wants it to end."""

    def __init__(
        self, house: House, wanted: Wanted, is_stopped: Callable[[], bool], say: Callable[[str], None]
    ) -> None:
        self._house = house
        self._wanted = wanted
        self._is_stopped = is_stopped
        self._say = say
        self._watch = Stopwatch()
        self._found = Found(wanted.seed)
        self._samples: list[Sample] = []
        self._guests: dict[int, Guest] = {}
        self._leaving: list[Guest] = []
        self._told: set[str] = set()
        self._changed_at = self._heard_at = 0.0
        self._chance = random.Random(wanted.seed)  # noqa: S311 -- no secret
        self._dead = 0
        self._hunt = Hunt(house, self._found.deeds)

    def run(self) -> Found:
        """Days until the time is over, then everybody goes, and the books are closed."""
        try:
            self._furnish()
            self._house.start()
            self._wait_until_it_answers()
            while not self._is_over():
                self._live(self._day())
                self._found.days += 1
                self._say(self._line())
            self._everybody_leaves()
            occurrences = self._let_it_come_to_rest()
            if (status := self._house.stop()) != 0:
                self._wrong(f"the daemon ended with {status} after SIGTERM")
            self._close_the_books(occurrences)
        finally:
            self._end()
        return self._found

    def _furnish(self) -> None:
        """Last year's memories: few but long, which fill a page cache and not a night. The watch begins when they are there."""
        path = self._house.root / "last-year.jsonl"
        letters = "abcdefghiklmnoprstuvw"
        contents = [
            " ".join([f"note {each}:", *("".join(self._chance.choices(letters, k=100)) for _ in range(50))])
            for each in range(self._wanted.memories)
        ]
        path.write_text(
            "".join(json.dumps({"content": each, "id": str(n)}) + "\n" for n, each in enumerate(contents)),
            encoding="utf-8",
        )
        self._house.ask("memory", "import", str(path))
        path.unlink()
        self._told.update(contents)
        self._watch = Stopwatch()

    def _is_over(self) -> bool:
        return self._is_stopped() or self._watch.seconds() >= self._wanted.seconds

    # One day.

    def _day(self) -> list[Deed]:
        wanted = self._wanted
        return day(wanted.seed, self._found.days, guests=wanted.guests, seconds=wanted.day)

    def _live(self, deeds: list[Deed]) -> None:
        began, waiting = self._watch.seconds(), list(deeds)
        looks_at = began
        while not self._is_over() and self._watch.seconds() - began < self._wanted.day:
            now = self._watch.seconds()
            while waiting and waiting[0].at <= now - began:
                self._do(waiting.pop(0))
            self._take_in()
            if now >= looks_at:
                self._look()
                looks_at = self._watch.seconds() + _LOOK
            pause(0.05)

    def _do(self, deed: Deed) -> None:
        self._found.deeds[deed.what] += 1
        if deed.what in ("come", "work", "freeze", "thaw", "kill", "leave"):
            self._do_to_a_guest(deed)
            return
        deeds: dict[str, Callable[[], None]] = {
            "tell": lambda: self._tell(deed.text),
            "recall": lambda: self._plan_a_recall(deed),
            "undo the last night": self._undo,
            "leave hostile heartbeats": lambda: self._house.leave_hostile_heartbeats(self._dead),
            "sweep hostile heartbeats": self._house.sweep_hostile_heartbeats,
            "kill the worker": lambda: self._hunt.begin("kill the worker", is_worker),
            "kill an agent": lambda: self._hunt.begin("kill an agent", is_agent),
            "kill the daemon": self._kill_the_daemon,
            "delete the socket": lambda: self._house.home.socket.unlink(missing_ok=True),
            "delete the lock": lambda: self._house.home.daemon_lock.unlink(missing_ok=True),
        }
        deeds[deed.what]()

    def _do_to_a_guest(self, deed: Deed) -> None:
        guest = self._guests.get(deed.who)
        if deed.what == "come":
            if guest is None:
                self._come(deed.who)
        elif guest is None:
            return
        elif deed.what == "work":
            guest.work(
                f"guest {deed.who} has learnt fact {self._found.deeds['work']} of seed {self._wanted.seed}"
            )
        elif deed.what in ("freeze", "thaw"):
            guest.freeze() if deed.what == "freeze" else guest.thaw()
        else:
            guest.kill() if deed.what == "kill" else guest.leave()
            self._leaving.append(self._guests.pop(deed.who))
            self._changed_at = self._watch.seconds()

    def _come(self, who: int) -> None:
        house, remembers = self._house, who >= self._wanted.guests - WITH_MEMORY
        self._guests[who] = Guest(
            who, house.home.root, house.environment, house.said("guests"), remembers=remembers
        )
        self._changed_at = self._watch.seconds()

    # What users do.

    def _tell(self, mark: str) -> None:
        """Memories that a night has something to do with: replaced, said twice, over soon."""
        path = self._house.root / f"told-{mark}.jsonl"
        seed, number = self._wanted.seed, self._found.deeds["tell"]
        lines: list[dict[str, Any]] = [
            {
                "content": f"the port of service {each} is {8000 + number} by {seed}",
                "subject": f"service {each}",
                "attribute": "port",
            }
            for each in range(_LINES)
        ]
        lines += [
            {"content": f"Ada prefers short sentences in all letters {each}, she said on day {number}"}
            for each in range(_LINES)
        ]
        lines.append({"content": f"the build of day {number} is red", "expires_at": "2026-01-01T00:00:00Z"})
        path.write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")

        def told(status: int, _out: bytes) -> None:
            path.unlink()
            if status == 0:
                self._told.update(each["content"] for each in lines)
            else:
                self._found.deeds["tell refused"] += 1

        self._house.send("memory", "import", str(path), then=told)

    def _plan_a_recall(self, deed: Deed) -> None:
        number, busy = self._found.deeds["recall"], deed.who == 0
        session = f"guest-{number % self._wanted.guests}" if busy else f"session-{number}"
        wait = f"{self._chance.randrange(2, 9)}s"
        manner = ("--agent", deed.text, "--session", session, "--in", wait, "--retries", "0")
        self._house.send("recall", "add", f"recall-{number}", *manner)

    def _undo(self) -> None:
        def undo(status: int, out: bytes) -> None:
            nights = (
                [each for each in json.loads(out)["nights"] if each["outcome"] == "completed"]
                if status == 0
                else []
            )
            if nights:
                self._house.send("nights", "undo", str(nights[-1]["id"]), "--yes", "--force")

        self._house.send("nights", "list", "--json", then=undo)

    # What happens to them.

    def _kill_the_daemon(self) -> None:
        if self._house.daemon is not None:
            self._house.daemon.kill()
            self._house.daemon.wait()

    # Looking.

    def _take_in(self) -> None:
        for guest in self._guests.values():
            guest.listen()
        for guest in [each for each in self._leaving if not each.is_alive]:
            self._let_go(guest)
            self._leaving.remove(guest)
        for who in [who for who, guest in self._guests.items() if not guest.is_alive]:
            self._wrong(
                f"the wrapper of guest {who} ended by itself with {self._guests[who].process.returncode}"
            )
            self._let_go(self._guests.pop(who))
        self._hunt.go_on()
        self._house.collect()
        if self._house.keep_running():
            self._wait_until_it_answers()

    def _let_go(self, guest: Guest) -> None:
        guest.listen()
        self._told |= guest.told
        self._dead = guest.process.pid
        guest.close()

    def _look(self) -> None:
        self._samples.append(
            Sample(
                self._watch.seconds(), self._house.lives, looking.figures(self._house, self._guests.values())
            )
        )
        self._wrong(*looking.wrong_about_daemons(self._house))
        settled = self._watch.seconds() - self._changed_at > _SETTLES
        status = self._house.status()
        if status is None:
            self._found.deeds["status not answered"] += 1
            if self._watch.seconds() - self._heard_at > _ANSWERS:
                self._wrong(f"the daemon has not answered for {_ANSWERS:g} s")
            return
        self._heard_at = self._watch.seconds()
        if status["pid"] == (self._house.daemon.pid if self._house.daemon else None):
            self._wrong(
                *looking.wrong_about_status(status, len(self._guests), self._found.deeds, settled=settled)
            )

    def _wrong(self, *told: str) -> None:
        for each in told:
            if each not in self._found.wrong and len(self._found.wrong) < _MOST_TOLD:
                self._found.wrong[each] = round(self._watch.seconds(), 1)
                self._say(f"  WRONG: {each}")

    def _wait_until_it_answers(self) -> None:
        watch = Stopwatch()
        while self._house.status() is None:
            if watch.seconds() > _STARTS:
                self._wrong(f"the daemon does not answer within {_STARTS:g} s of its start")
                return
            pause(0.05)
        self._heard_at = self._watch.seconds()

    # The end.

    def _everybody_leaves(self) -> None:
        for who in list(self._guests):
            self._do_to_a_guest(Deed(0.0, "leave", who))
        self._house.sweep_hostile_heartbeats()
        self._house.collect_all()
        watch = Stopwatch()
        while self._leaving and watch.seconds() < 20:
            self._take_in()
            pause(0.05)
        self._wrong(*(f"the wrapper of guest {each.number} does not leave" for each in self._leaving))

    def _let_it_come_to_rest(self) -> list[dict[str, Any]]:
        """Until nobody is here, no night runs and no recall waits or runs; all occurrences that there have been."""
        watch, stopped = Stopwatch(), self._is_stopped()
        while True:
            self._take_in()
            occurrences = list(self._house.ask_json("recall", "history", "--limit", "10000")["occurrences"])
            busy = looking.at_work(self._house, self._house.status(), occurrences)
            if not busy or (stopped and watch.seconds() > _RESTS_WHEN_STOPPED):
                return occurrences
            if watch.seconds() > _RESTS:
                self._wrong(f"it does not come to rest within {_RESTS:g} s: {busy}")
                return occurrences
            pause(0.5)

    def _close_the_books(self, occurrences: list[dict[str, Any]]) -> None:
        house, found = self._house, self._found
        nights = house.ask_json("nights", "list")["nights"]
        found.account = account(looking.log_entries(house), found.deeds)
        self._wrong(*looking.wrong_about_recalls(house, occurrences))
        self._wrong(*looking.wrong_about_nights(nights, found.deeds, found.days))
        self._wrong(*looking.wrong_about_store(house, self._told))
        self._wrong(*looking.said_unasked(house), *house.crashes)
        self._wrong(*(f"left behind: {' '.join(each.cmdline())[-120:]}" for each in looking.ours(house)))
        ended = Counter(f"nights {each['outcome']}" for each in nights)
        became = Counter(f"occurrences {each['state']}" for each in occurrences)
        told = {"memories told": len(self._told), "nights": len(nights), "occurrences": len(occurrences)}
        found.counts = {**told, **ended, **became}
        found.lives, found.seconds = house.lives, round(self._watch.seconds(), 1)
        rows = (row_of(measure, self._samples, self._wanted.day) for measure in looking.MEASURES)
        found.rows = [row for row in rows if row is not None]

    def _end(self) -> None:
        """Whatever happened, nothing stays."""
        self._house.collect_all(0.0)
        for guest in (*self._guests.values(), *self._leaving):
            guest.kill()
            guest.process.wait()
            guest.close()
        self._house.stop()
        for process in looking.ours(self._house):
            process.kill()

    def _line(self) -> str:
        seen: dict[str, float] = self._samples[-1].values if self._samples else {}
        rss = seen.get("daemon RSS", 0) / 1e6
        return (
            f"{self._watch.seconds():6.0f} s  day {self._found.days}: daemon {self._house.lives} with {rss:.1f} MB and "
            f"{seen.get('daemon descriptors', 0):.0f} descriptors, {len(self._told)} memories told"
        )
