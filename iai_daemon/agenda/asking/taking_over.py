"""From the lines of a crontab that start agents to recalls. Used by `iai-daemon recall import crontab`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from iai_daemon.agenda.asking.crontab import Line, prompt_and_session
from iai_daemon.agenda.asking.wishes import When, Wish, draft_of
from iai_daemon.agenda.recall import Draft, Planned, Recall, Status
from iai_daemon.agenda.schedule.triggers import Trigger
from iai_daemon.config import Agent
from iai_daemon.errors import IaiError, SessionTaken, UsageError

_SESSION = "{session_id}"
_PLACEHOLDER = re.compile(r"\{(session_id|message|context|token|confirm|model)\}")
# What of an agent's command a line of a crontab may say otherwise.
_READ = {"session_id": "session", "message": "prompt", "context": "prompt"}


@dataclass(frozen=True, slots=True)
class Taken:
    """What becomes of one line: a new recall (`draft`), one that is there already (`recall`), or the `problem` in words."""

    line: Line
    draft: Draft | None = None
    first: Planned | None = None
    recall: int | None = None
    problem: str | None = None

    @property
    def became(self) -> str:
        """In one word."""
        return "refused" if self.problem is not None else "already" if self.draft is None else "added"


@dataclass(slots=True)
class TakingOver:
    """How a crontab is taken over. `zone`: of lines that name none; `there`: the recalls that there are."""

    agents: Mapping[str, Agent]
    config: Path
    owner: str
    zone: Callable[[], str]
    prefix: str
    there: Sequence[Recall]
    _held: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._held |= {each.session_id: str(each.id) for each in self.there if each.status is Status.PENDING}

    def take(self, lines: Iterable[Line], now: int) -> Iterator[Taken]:
        """What becomes of each line, in turn."""
        for line in lines:
            try:
                yield self._take(line, now)
            except IaiError as refused:
                yield Taken(line, problem=str(refused))

    def _take(self, line: Line, now: int) -> Taken:
        if line.problem is not None:
            return Taken(line, problem=line.problem)
        agent = self._agent(line)
        prompt, session = read_command(agent, line.argv)
        message = (prompt or line.given or "").strip()
        if not message:
            return Taken(line, problem="its command has no prompt that a recall could say")
        if session is None and any(_SESSION in each for each in agent.command):
            return Taken(
                line,
                problem=f"its command names no session, and the agent {agent.name} goes on with one: name one there, such as "
                f"with --resume ID, or define an agent whose command has no {_SESSION}",
            )
        wish = Wish(
            message=message,
            session_id=session or f"{self.prefix}-{line.number}",
            when=When(line.zone or self.zone(), cron=line.expression),
            owner=self.owner,
            agent=agent.name,
            comment=f"line {line.number} of a crontab",
        )
        draft, first = draft_of(wish, self.agents, self.config, now)
        if (same := self._same(draft, named=session is not None)) is not None:
            return Taken(line, recall=same.id)
        if draft.session_id in self._held:
            raise SessionTaken(session=draft.session_id, recall=self._held[draft.session_id])
        self._held[draft.session_id] = f"of line {line.number}"
        return Taken(line, draft, first)

    def _agent(self, line: Line) -> Agent:
        """The one whose program the line starts, or whose name that is. Raises UsageError."""
        program = PurePath(line.argv[0]).name
        named = [each for name, each in self.agents.items() if name == program]
        found = named or [each for each in self.agents.values() if PurePath(each.command[0]).name == program]
        if not found:
            raise UsageError(
                problem=f"it starts no agent: no [agents.NAME] in {self.config} has the program {program}"
            )
        if len(found) > 1:
            names = ", ".join(each.name for each in found)
            raise UsageError(
                problem=f"several agents have the program {program}, which one is meant is not clear: {names}"
            )
        return found[0]

    def _same(self, draft: Draft, *, named: bool) -> Recall | None:
        """A session that the line does not name may bear the number that the line had before."""
        for each in self.there:
            same_session = each.session_id == draft.session_id or (
                not named and each.session_id.startswith(f"{self.prefix}-")
            )
            if same_session and each.message == draft.message and _alike(each.trigger, draft.trigger):
                return each
        return None


def read_command(agent: Agent, argv: Sequence[str]) -> tuple[str | None, str | None]:
    """The prompt and the session id of a command line: as the agent's own command has them, else as agents that are known do.
    Raises UsageError where it cannot be told."""
    if len(argv) == len(agent.command):
        found: dict[str, str] = {}
        if all(_fits(*each, found) for each in zip(agent.command[1:], argv[1:], strict=True)):
            return found.get("prompt"), found.get("session")
    return prompt_and_session(argv)


def _fits(template: str, word: str, found: dict[str, str]) -> bool:
    """Whether a word of a command line is this one of the agent's command filled in; what was, is noted."""
    names = _PLACEHOLDER.findall(template)
    if not names:
        return word == template
    if template != f"{{{names[0]}}}" or names[0] not in _READ:
        return False
    return found.setdefault(_READ[names[0]], word) == word


def _alike(one: Trigger, other: Trigger) -> bool:
    return (one.kind, one.expression, one.zone) == (other.kind, other.expression, other.zone)
