"""The report's pictures: from what was gathered to what the drawings take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from iai_daemon.report.drawing import columns, growth
from iai_daemon.report.drawing import hypnogram as week
from iai_daemon.report.words import Words, count, duration, hours, plain
from iai_daemon.units import format_stamp, parse_stamp

_HOURS = (3, 6, 9, 12, 15, 18, 21)
_STATES = {"WAKE": "awake", "IDLE": "idle", "BEDTIME": "bedtime", None: "not known"}


class Pictures:
    """Of one report. Everything that they say was escaped when it was drawn."""

    def __init__(self, report: Mapping[str, Any], words: Words) -> None:
        self._report = report
        self._words = words

    def hypnogram(self) -> Markup:
        told = self._report["hypnogram"]
        rows = [self._row(each) for each in told["days"]]
        stretches = [self._stretch(each) for each in told["stretches"]]
        nights = [self._night(each) for each in told["nights"]]
        text = week.describe(rows, told["totals"]["seconds"], nights)
        return Markup(week.draw(rows[::-1], stretches, nights, text))  # noqa: S704 -- of our own drawing, escaped

    def growth(self) -> Markup:
        points = self._report["memory"]["growth"]
        first, last = points[0]["at"], points[-1]["at"]
        names = [self._words.local(first).strftime("%-d %b"), "now"] if len(points) > 1 else ["now"]
        if len(points) > 4:
            middle = format_stamp((parse_stamp(first) + parse_stamp(last)) / 2)
            names.insert(1, self._words.local(middle).strftime("%-d %b"))
        return Markup(growth.draw(points, names, growth.describe(points)))  # noqa: S704 -- as above

    def self_check(self) -> Markup:
        nights = self._report["self_check"]["nights"]
        ends = [self._words.local(each["at"]).strftime("%-d %b") for each in (nights[0], nights[-1])]
        return Markup(  # noqa: S704 -- as above
            columns.draw(
                "checks",
                "What the search self-check found",
                f"{self.checked()} The figures are in the table below.",
                [self._check(each) for each in nights],
                height=90.0,
                highest=max(each["asked"] for each in nights),
                names=ends if len(nights) >= columns.FULL else (),
            )
        )

    def checked(self) -> str:
        """All nights together, in a sentence."""
        nights = self._report["self_check"]["nights"]
        asked, found, kept = (
            sum(each[name] for each in nights) for name in ("asked", "found_before", "found_after")
        )
        held = "nothing was held back" if found == kept else f"{count(found - kept, 'change')} held back"
        return f"Of {count(asked, 'memory', 'memories')} asked for, {found} were found before and {kept} after: {held}."

    @property
    def presence_hours(self) -> int:
        """As high as the columns of all clients may be."""
        clients = self._report["presence"]["clients"]
        longest = max((day["open"] for each in clients for day in each["days"]), default=0)
        return min(25, max(4, math.ceil(longest / 3600)))

    def presence(self, client: Mapping[str, Any], place: int) -> Markup:
        days = self._report["presence"]["days"]
        bars = [self._of_day(*each) for each in zip(days, client["days"], strict=True)]
        names = [self._words.local(days[0]["since"]).strftime("%-d %b"), "today"]
        return Markup(  # noqa: S704 -- as above
            columns.draw(
                f"presence-{place}",
                f"When {plain(client['client'])} was here",
                f"Open for {hours(client['open_seconds'])}, at work for {hours(client['active_seconds'])} "
                f"in {len(days)} days.",
                bars,
                height=44.0,
                highest=float(self.presence_hours),
                names=names if len(days) > 1 else ["today"],
                kind="presence-days",
            )
        )

    def _row(self, day: Mapping[str, Any]) -> week.Row:
        start, since, until = (
            self._words.local(day["since"]),
            parse_stamp(day["since"]),
            parse_stamp(day["until"]),
        )
        marks = []
        for hour in _HOURS:
            # On the clock of that day: where it changes, hours are nearer to each other or farther apart.
            moment = start.replace(hour=hour).timestamp()
            if since < moment < until:
                marks.append((moment, f"{hour:02}"))
        return week.Row(start.strftime("%A %-d %B"), since, until, marks)

    def _stretch(self, each: Mapping[str, Any]) -> week.Stretch:
        since, until = parse_stamp(each["since"]), parse_stamp(each["until"])
        state = _STATES.get(each["state"], "not known")
        said = f"{self._span(each)}: {state}, {plain(each['reason'])}"
        return week.Stretch(since, until, each["state"], said)

    def _night(self, each: Mapping[str, Any]) -> week.Night:
        # One that was under way when the week began is marked at its beginning.
        since = max(parse_stamp(each["since"]), parse_stamp(self._report["hypnogram"]["days"][0]["since"]))
        outcome = each["outcome"] or "not ended"
        undone = ", taken back" if each.get("undone") else ""
        said = f"{each['kind']} {each['id']}, {self._span(each)}: {outcome.replace('_', ' ')}{undone}"
        failed = outcome not in ("completed", "nothing_to_do", "not ended")
        return week.Night(since, each["kind"], failed, said)

    def _span(self, each: Mapping[str, Any]) -> str:
        since, until = self._words.local(each["since"]), self._words.local(each["until"])
        if until - since < timedelta(minutes=1):
            return f"{since:%H:%M}"
        return f"{since:%H:%M}–{until:%H:%M}"

    def _check(self, each: Mapping[str, Any]) -> columns.Column:
        asked, before, after = each["asked"], each["found_before"], each["found_after"]
        said = f"{each['kind']} {each['night']}: asked {asked}, found {before} before and {after} after"
        return columns.Column([(asked, "asked"), (before, "before"), (after, "after")], said)

    def _of_day(self, day: Mapping[str, Any], spent: Mapping[str, float]) -> columns.Column:
        open_, active = spent["open"] / 3600, spent["active"] / 3600
        name = self._words.local(day["since"]).strftime("%a %-d %b")
        said = f"{name}: open {duration(spent['open'])}, at work {duration(spent['active'])}"
        return columns.Column([(open_, "open"), (active, "active")], said)
