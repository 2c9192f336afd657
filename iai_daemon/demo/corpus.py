"""What the demo's agents remember: the notes and questions that stand in `notes/`, and last year's notes, which are made
up here. Pure but for reading its own files.

`corrected.jsonl` holds facts followed by their corrections, `lookalikes.jsonl` pairs (each line and the next) that must
both stay current, `expiring.jsonl` what is true for a while, `plain.jsonl` everything else. A line is the arguments of
the tool `remember`, with `expires_in` (a duration) instead of `expires_at` (a stamp), and `client`: who stores it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from iai_daemon.units import format_stamp, parse_duration

# The order in which an agent stores them: what expires comes last, so that it is still true when the evening begins.
SORTS = ("corrected", "lookalikes", "plain", "expiring")

# What is true for at most so long ends tonight; in the demo, an evening takes seconds. In seconds.
TONIGHT = 12 * 3600.0

PROJECTS = ("tidewater", "pocket", "beacon")


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the corpus. `arguments` is what `remember` takes; `expires_in` is in seconds, None: it does not expire."""

    sort: str
    client: int
    arguments: Mapping[str, Any]
    expires_in: float | None

    @property
    def ends_tonight(self) -> bool:
        return self.expires_in is not None and self.expires_in <= TONIGHT

    @property
    def key(self) -> tuple[str, str, str] | None:
        """(subject, attribute, scope) as the memory will see it; without a scope it is the client's project."""
        if "subject" not in self.arguments or "attribute" not in self.arguments:
            return None
        scope = self.arguments.get("scope", PROJECTS[self.client])
        return (self.arguments["subject"], self.arguments["attribute"], scope)

    def at(self, now: float, evening: float) -> dict[str, Any]:
        """The arguments of `remember` at `now` (seconds since the epoch).

        What ends tonight ends after half an `evening` (seconds) at the earliest and before it is over; the rest in its
        own time.
        """
        if self.expires_in is None:
            return dict(self.arguments)
        share = self.expires_in / TONIGHT
        seconds = evening * (0.5 + 0.3 * share) if self.ends_tonight else self.expires_in
        return {**self.arguments, "expires_at": format_stamp(now + seconds)}


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is asked in the evening and again in the morning, by one of the clients.

    `watch` tells which records it is about: their fields, or how their content `begins`.
    """

    client: int
    query: str
    watch: Mapping[str, str]

    def is_about(self, record: Mapping[str, Any]) -> bool:
        """Whether `record` (as `memory export` and `search_memory` show it) is one of those that matter here."""
        return all(
            record["content"].startswith(wanted) if name == "begins" else record.get(name) == wanted
            for name, wanted in self.watch.items()
        )


@dataclass(frozen=True, slots=True)
class Corpus:
    """Everything that is stored and asked in the demo. `returning`: what the one who comes back at night asks and stores."""

    notes: tuple[Note, ...]
    questions: tuple[Question, ...]
    returning: Question
    correction: Note
    by_client: Mapping[int, tuple[Note, ...]] = field(repr=False)


@cache
def load() -> Corpus:
    """The corpus that comes with the package."""
    notes = tuple(note for sort in SORTS for note in _notes(sort))
    asked = json.loads(_text("queries.json"))
    back = asked["return"]
    return Corpus(
        notes,
        tuple(Question(each["client"], each["query"], each["watch"]) for each in asked["queries"]),
        Question(back["client"], back["query"], {}),
        Note("corrected", back["client"], back["note"], None),
        {client: tuple(note for note in notes if note.client == client) for client in range(len(PROJECTS))},
    )


def _notes(sort: str) -> Iterator[Note]:
    for line in _text(f"{sort}.jsonl").splitlines():
        arguments = json.loads(line)
        client = arguments.pop("client")
        expires_in = arguments.pop("expires_in", None)
        yield Note(sort, client, arguments, None if expires_in is None else parse_duration(expires_in))


def _text(name: str) -> str:
    return (files("iai_daemon.demo") / "notes" / name).read_text(encoding="utf-8")


def last_year(count: int, now: float) -> Iterator[dict[str, Any]]:
    """So many notes of older projects, spread over the year before `now`, as lines for `memory import`.

    They are there for their number: with a few hundred records a night is over before anybody could come back.
    """
    dice = random.Random(count)  # noqa: S311 -- the same notes each time, nothing secret
    for number in range(count):
        words = {name: dice.choice(choices) for name, choices in _WORDS.items()}
        yield {
            "id": f"last-year-{number}",
            "content": dice.choice(_SENTENCES).format(number=number, **words),
            "kind": dice.choice(("fact", "decision", "gotcha", "howto")),
            "scope": f"archive/{words['project']}",
            "created_at": format_stamp(now - (365 - 335 * number / count) * 86400),
        }


_SENTENCES = (
    "In {project} the {part} {verb} the {thing}, as seen in ticket {number}.",
    "{person} found that the {thing} of {project} {verb} the {part} only {when}, see ticket {number}.",
    "Ticket {number}: the {part} has to be restarted {when}, else the {thing} stays behind.",
    "Decided with {person}: the {thing} belongs to the {part} of {project}; the details are in ticket {number}.",
    "Running `{project} {part}-{number}` {when} is safe, the {thing} does not notice.",
    "The {thing} from ticket {number} was wrong because the {part} {verb} it {when}.",
)

_WORDS = {
    "project": ("lantern", "driftwood", "quarry", "sparrow", "millpond", "cobalt", "heather", "tollgate"),
    "part": (
        "importer",
        "scheduler",
        "mailer",
        "parser",
        "gateway",
        "cache",
        "indexer",
        "exporter",
        "ledger",
    ),
    "thing": ("price list", "report", "token", "mapping", "snapshot", "quota", "index", "template", "queue"),
    "verb": ("overwrites", "reads", "ignores", "duplicates", "locks", "rounds", "drops", "refreshes"),
    "when": ("on Mondays", "after midnight", "during a deploy", "in the first minute", "under load", "twice"),
    "person": ("Bram", "Odalys", "Ilse", "Yuki", "Farrow", "Maren", "Teodor", "Kwabena"),
}
