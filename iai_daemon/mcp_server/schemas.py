"""What the memory server's tools answer, and how their parameters are described to an agent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def _no_truth_value(value: object) -> object:
    """JSON's true would count as the number 1."""
    if isinstance(value, bool):
        raise ValueError("must be a whole number")
    return value


# An optional text is a plain one with "" for nothing: agents send "" anyway, several clients cannot handle a choice of
# types, and the SDK would read an optional text that looks like JSON as JSON.
Content = Annotated[
    str, Field(description="One fact, in a sentence that is understood without this conversation.")
]
Kind = Annotated[str, Field(description="Any word for its kind: fact, preference, decision, howto …")]
Subject = Annotated[
    str,
    Field(
        description="What it is about, such as 'staging database'. With `attribute`, a newer memory replaces the older."
    ),
]
KnownSubject = Annotated[str, Field(description="What the facts are about, as it was given to remember.")]
Attribute = Annotated[str, Field(description="Which property of the subject it tells, such as 'port'.")]
Scope = Annotated[
    str, Field(description="The project it belongs to; else the current one. 'global' is for everywhere.")
]
SearchedScope = Annotated[
    str, Field(description="Search only there; else in the current project and what is 'global'.")
]
Tags = Annotated[tuple[str, ...], Field(description="A few words to find it by.")]
ExpiresAt = Annotated[
    str, Field(description="When it stops being true, such as 2026-11-21T18:00:00Z. Else it stays.")
]
Source = Annotated[str, Field(description="Where it comes from: the user, a file, a command.")]
QueryText = Annotated[str, Field(description="The words to look for; any language.")]
Limit = Annotated[
    int, Field(ge=1, le=100, description="How many results at most."), BeforeValidator(_no_truth_value)
]
IncludeSuperseded = Annotated[bool, Field(description="Also what was replaced or has expired since.")]
AsOf = Annotated[str, Field(description="Ask what held at that time, such as 2026-01-31T00:00:00Z.")]
RecordId = Annotated[
    int,
    Field(description="The `id` of a memory, as remember and search_memory tell it."),
    BeforeValidator(_no_truth_value),
]


class MemoryResult(BaseModel):
    """One memory."""

    id: int
    external_id: str | None
    content: str
    kind: str | None
    subject: str | None
    attribute: str | None
    scope: str
    tags: list[str]
    source: str | None
    created_at: str
    expires_at: str | None
    valid_from: str
    valid_to: str | None
    superseded_by: int | None
    merged_ids: list[str]
    current: bool


class CorrectsResult(BaseModel):
    """An older memory that a new one seems to correct, and why."""

    id: int
    content: str
    evidence: str


class RememberResult(MemoryResult):
    """One memory, and what it seems to correct: that is found after it from now on."""

    corrects: list[CorrectsResult]


class HitResult(MemoryResult):
    """One search result; the best of a search has the score 1."""

    score: float


class GistResult(BaseModel):
    """What several of the results say together; `sources`: which of them."""

    id: int
    content: str
    sources: list[int]


class SearchResult(BaseModel):
    """What a search found, the current fact first, and what some of it says together."""

    results: list[HitResult]
    gists: list[GistResult] = []


class HistoryResult(BaseModel):
    """What was held true about a subject, oldest first."""

    records: list[MemoryResult]


class StatusResult(BaseModel):
    """How the daemon stands; `state` and `pid` are null when none is running."""

    reason: str
    pid: int | None = None
    state: str | None = None
    since: str | None = None
    presence: dict[str, Any] = {}
    consolidation: dict[str, Any] = {}
    degraded: list[dict[str, Any]] = []
