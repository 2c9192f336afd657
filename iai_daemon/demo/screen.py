"""What a person sees of the evening: lines, tables, and on a terminal a panel that follows the daemon."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from iai_daemon.clock import Stopwatch
from iai_daemon.demo.ledger import Answer, Books, Record
from iai_daemon.lifecycle.states import State

_STYLES = {State.WAKE: "bold yellow", State.IDLE: "bold cyan", State.BEDTIME: "bold magenta"}
_LONGEST_CONTENT = 60
_LEAST_WIDTH = 120


class Screen:
    """Writes to `out`; without a terminal it is plain lines, and nothing is drawn twice."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False, soft_wrap=False)
        if not self._console.is_terminal:
            self._console.width = max(self._console.width, _LEAST_WIDTH)
        self._live: Live | None = None
        self._since = Stopwatch()
        self._state: tuple[str, str] | None = None

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """Keep the panel at the bottom for as long as the block lasts, where there is a terminal."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, transient=True, refresh_per_second=12) as self._live:
            yield
        self._live = None

    def chapter(self, title: str) -> None:
        """A new part of the evening."""
        self._console.print()
        self._console.print(Text(f"{self._stamp()} {title}", style="bold"))

    def say(self, text: str) -> None:
        """One line of the story."""
        self._console.print(Text(f"{self._stamp()} {text}"))

    def show(self, status: Mapping[str, Any]) -> None:
        """The daemon as it stands now; a new state is also a line."""
        state = (status["state"], status["rule"])
        if self._state is not None and state[0] != self._state[0]:
            line = Text(f"{self._stamp()} daemon: {self._state[0]} → ")
            line.append(state[0], style=_STYLES[State(state[0])])
            line.append(f" ({state[1]}) {status['reason']}")
            self._console.print(line)
        self._state = state
        if self._live is not None:
            self._live.update(_panel(status))

    def print(self, table: RenderableType) -> None:
        """Something larger than a line."""
        self._console.print(table)

    def _stamp(self) -> str:
        return f"[{self._since.seconds():5.1f} s]"


def _panel(status: Mapping[str, Any]) -> Panel:
    presence, night = status["presence"], status["consolidation"]
    state = Text(status["state"], style=_STYLES[State(status["state"])])
    state.append(f"  {status['reason']}", style="default")
    here = "●" * presence["fresh"] or "–"
    clients = Text(f"clients  {here}  {presence['fresh']} here, {presence['active']} active")
    return Panel(Group(state, clients, _progress(night)), title="iai-daemon", border_style="dim")


def _progress(night: Mapping[str, Any]) -> RenderableType:
    if not night["running"]:
        return Text("no night", style="dim")
    progress = night["progress"] or {}
    done, total = progress.get("done") or 0, progress.get("total") or 0
    row = Table.grid(padding=(0, 2))
    row.add_row(
        f"night {night['night'] or ''}",
        f"{night['pass'] or 'begins'}",
        ProgressBar(total or None, done, width=30, complete_style="magenta", finished_style="green"),
        f"{done:,} of {total:,}" if total else "",
    )
    return row


def night_table(nights: Sequence[Mapping[str, Any]]) -> Table:
    """The morning's report: a line for each night."""
    table = Table(title="what the nights did", title_justify="left")
    for heading in ("night", "outcome", "expired", "replaced", "vectors", "coverage", "gave way in", "CPU"):
        table.add_column(heading)
    for night in nights:
        gave_way = night.get("yield_ms")
        table.add_row(
            f"{night['id']} ({night['rule']})",
            str(night["outcome"]),
            str(night["expired_pruned"]),
            str(night["superseded_gc"]),
            f"{night['nodes_embedded']:,}",
            f"{night['embedding_coverage']:.0%}",
            "–" if gave_way is None else f"{gave_way:.0f} ms",
            f"{night['cpu_seconds']:.1f} s",
        )
    return table


def count_table(evening: Books, morning: Books) -> Table:
    """The memory in numbers, before and after."""
    table = Table(title="the memory", title_justify="left")
    for heading in ("", "evening", "morning"):
        table.add_column(heading)
    before, after = evening.counts, morning.counts
    table.add_row("memories", f"{before.total:,}", f"{after.total:,}")
    table.add_row("that pass for true", f"{before.current:,}", f"{after.current:,}")
    table.add_row("replaced by a newer fact", f"{before.superseded:,}", f"{after.superseded:,}")
    table.add_row("over", f"{before.expired:,}", f"{after.expired:,}")
    table.add_row("with a vector", f"{before.embedding_coverage:.0%}", f"{after.embedding_coverage:.0%}")
    return table


def answer_table(evening: Books, morning: Books) -> Table:
    """The same questions before and after: what passes for true, and what has become of the rest."""
    table = Table(
        title="the same questions, evening and morning",
        title_justify="left",
        caption="● passes for true   ○ no longer, and kept (times in UTC)",
        caption_justify="left",
        show_lines=True,
        expand=True,
    )
    for heading, share in (("question", 2), ("in the evening", 5), ("in the morning", 5)):
        table.add_column(heading, ratio=share)
    for before, after in zip(evening.answers, morning.answers, strict=True):
        table.add_row(before.query, _facts(before), _facts(after))
    return table


def _facts(answer: Answer) -> Text:
    """The watched records, newest first."""
    return Text("\n").join(_fact(record) for record in sorted(answer.records, key=_id, reverse=True))


def _id(record: Record) -> int:
    return int(record["id"])


def _fact(record: Record) -> Text:
    content = record["content"]
    if len(content) > _LONGEST_CONTENT:
        content = content[:_LONGEST_CONTENT].rsplit(" ", 1)[0] + " …"
    if record["current"]:
        return Text(f"● {content}")
    ended = record["valid_to"] or record["expired_at"]
    return Text(f"○ until {_clock(ended)}: {content}", style="dim")


def _clock(stamp: str) -> str:
    """The time of day (UTC) of a stamp."""
    return stamp[11:19]
