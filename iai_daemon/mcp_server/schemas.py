"""What the memory server's tools answer, and how their parameters are described to an agent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer


def _no_truth_value(value: object) -> object:
    """JSON's true would count as the number 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


# An optional text is a plain one with "" for nothing: agents send "" anyway, several clients cannot handle a choice of
# types, and the SDK would read an optional text that looks like JSON as JSON.
Content = Annotated[str, Field(description="One fact, understood without this conversation.")]
Kind = Annotated[str, Field(description="fact, preference, decision, howto …")]
Subject = Annotated[
    str,
    Field(
        description="What it is about, such as 'staging database'. With `attribute`: replaces the older fact."
    ),
]
KnownSubject = Annotated[str, Field(description="As it was given to remember.")]
Attribute = Annotated[str, Field(description="Which property of the subject, such as 'port'.")]
Scope = Annotated[str, Field(description="The project; else the current one. Or 'global'.")]
SearchedScope = Annotated[str, Field(description="Search only there.")]
Tags = Annotated[tuple[str, ...], Field(description="A few words to find it by.")]
ExpiresAt = Annotated[str, Field(description="When it stops being true, such as 2026-11-21T18:00:00Z.")]
Source = Annotated[str, Field(description="Which file, page or command it comes from.")]
Origin = Annotated[
    str,
    Field(
        description="Whose words: 'user' when the user said so, 'tool' when a page, file or output did; else your own."
    ),
]
QueryText = Annotated[str, Field(description="Words to look for.")]
Limit = Annotated[
    int, Field(ge=1, le=100, description="At most so many in one answer."), BeforeValidator(_no_truth_value)
]
Cursor = Annotated[
    str, Field(description="`next_cursor` of the last answer, to go on; leave the rest as it was.")
]
IncludeSuperseded = Annotated[bool, Field(description="Also what was replaced or has expired.")]
AsOf = Annotated[str, Field(description="What held then, such as 2026-01-31T00:00:00Z.")]
RecordId = Annotated[
    int,
    Field(description="The `id` in an answer."),
    BeforeValidator(_no_truth_value),
]

OtherSession = Annotated[str, Field(description="Where it is not this session.")]
PlannedSession = Annotated[str, Field(description="Only where this session is not known.")]
IncludePast = Annotated[bool, Field(description="Also what is over.")]
RecallId = Annotated[
    int, Field(description="Its `id`; else what is pending."), BeforeValidator(_no_truth_value)
]
Token = Annotated[str, Field(description="As you were given it.")]
Message = Annotated[str, Field(description="What you will be told then.")]
At = Annotated[str, Field(description="Once, such as 2026-11-30 09:00.")]
In = Annotated[str, Field(validation_alias="in", description="Once, after so long, such as 20m.")]
Every = Annotated[str, Field(description="Again and again, such as 6h.")]
Cron = Annotated[str, Field(description="Such as 0 9 * * mon-fri.")]
Zone = Annotated[str, Field(description="Such as Europe/Paris; else the machine's.")]
AgentName = Annotated[str, Field(description="Which one is woken, where there are several.")]

SlotId = Annotated[str, Field(description="Its id; else the one that you work on.")]
SlotSummary = Annotated[str, Field(description="What was done, for who planned it.")]
SlotReason = Annotated[str, Field(description="Why, for who planned it.")]
WhyPaused = Annotated[str, Field(description="Why, if that helps.")]


class Result(BaseModel):
    """What a tool answers. What is null is left out: it would only fill the agent's context."""

    @model_serializer(mode="wrap")
    def _spare(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in whole(self).items() if value is not None}


class MemoryResult(Result):
    """One memory."""

    id: int
    external_id: str | None = None
    content: str
    kind: str | None = None
    subject: str | None = None
    attribute: str | None = None
    scope: str
    tags: list[str]
    source: str | None = None
    client: str | None = None
    origin: str | None = None
    trust: float
    created_at: str
    expires_at: str | None = None
    valid_from: str
    valid_to: str | None = None
    superseded_by: int | None = None
    merged_ids: list[str]
    current: bool


class CorrectsResult(BaseModel):
    """An older memory that a new one seems to correct, and why."""

    id: int
    content: str
    evidence: str


class RememberResult(MemoryResult):
    """One memory, and what it seems to correct: that is found after it from now on. What it `disputes` is trusted more. Without an
    `id` it is kept here until the memory's server is back: `waits_as` is its name, `said` why."""

    id: int | None = None  # type: ignore[assignment]  # what waits has none yet
    waits_as: str | None = None
    said: str | None = None
    corrects: list[CorrectsResult]
    disputes: list[CorrectsResult] = []
    redacted: list[str] = []


class HitResult(MemoryResult):
    """One search result; the best of a search has the score 1."""

    score: float


class GistResult(BaseModel):
    """What several of the results say together; `sources`: which of them."""

    id: int
    content: str
    sources: list[int]


class SearchResult(Result):
    """What a search found, the current fact first, and what some of it says together; `next_cursor`: there is more."""

    results: list[HitResult]
    gists: list[GistResult] = []
    next_cursor: str | None = None


class HistoryResult(Result):
    """What was held true about a subject, oldest first; `next_cursor`: there is more."""

    records: list[MemoryResult]
    next_cursor: str | None = None


class StatusResult(Result):
    """How the daemon stands; without `state` and `pid` none is running."""

    reason: str
    pid: int | None = None
    state: str | None = None
    since: str | None = None
    presence: dict[str, Any] = {}
    consolidation: dict[str, Any] = {}
    degraded: list[dict[str, Any]] = []


class TriggerResult(BaseModel):
    """When a recall fires: at, every (in seconds), cron or rrule, in a zone."""

    kind: str
    expression: str
    tz: str


class RecallResult(Result):
    """One recall: the plan to wake an agent in a session."""

    id: int
    session_id: str
    call_type: str
    trigger_at: str | None = None
    interval_seconds: float | None = None
    internal_comment: str | None = None
    additional_context_message: str
    status: str
    created_at: str
    updated_at: str
    agent: str
    trigger: TriggerResult
    made_by: str
    paused: bool
    reason: str | None = None
    expires_at: str | None = None


class RunResult(Result):
    """The run that this agent was woken for. `token` confirms it; what is null is not known here."""

    recall: int | None = None
    session_id: str | None = None
    message: str | None = None
    started_at: str | None = None
    needs_confirmation: bool | None = None
    confirmed_at: str | None = None
    token: str | None = None


class RecallsResult(Result):
    """The recalls of a session, what is due last first."""

    recalls: list[RecallResult]
    run: RunResult | None = None


class CancelledResult(Result):
    """Which recalls were cancelled; of another one nothing was to come anyway."""

    cancelled: list[int]
    recalls: list[RecallResult]


class SkippedResult(RecallResult):
    """The recall, and which of its times is skipped."""

    skipped: str


class ConfirmedResult(Result):
    """The run that is confirmed."""

    session_id: str
    confirmed_at: str


class ActiveSlotResult(Result):
    """A slot that is not over. `agent_ended`: nobody is at work on it any more, somebody has to end it."""

    slot: str
    agent: str
    title: str
    state: str
    started_at: str | None = None
    last_heartbeat: str | None = None
    reason: str | None = None
    agent_ended: bool


class PastSlotResult(Result):
    """A slot that is over."""

    slot: str
    agent: str
    title: str
    status: str
    resolved_at: str
    reason: str | None = None
    summary: str | None = None


class CalendarResult(Result):
    """The slots of an agent. `last_heartbeat`: when the backend answered last; `heartbeat_every`: in seconds. What only the
    daemon knows is missing without one."""

    enabled: bool
    last_heartbeat: str | None = None
    heartbeat_every: float
    active: list[ActiveSlotResult]
    queued: list[str]
    history: list[PastSlotResult]
    restart_pending: bool | None = None
