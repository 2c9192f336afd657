"""What the memory server's tools do. Their docstrings are what an agent reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

import anyio.to_thread

from iai_daemon.clock import read
from iai_daemon.control import client
from iai_daemon.errors import IaiError
from iai_daemon.mcp_server.cursor import cursor as cursor_of
from iai_daemon.mcp_server.cursor import numbers_of, steps, summed
from iai_daemon.mcp_server.opened import Opened
from iai_daemon.mcp_server.schemas import (
    AsOf,
    Attribute,
    Content,
    CorrectsResult,
    Cursor,
    ExpiresAt,
    GistResult,
    HistoryResult,
    HitResult,
    IncludeSuperseded,
    Kind,
    KnownSubject,
    Limit,
    MemoryResult,
    Origin,
    QueryText,
    RecordId,
    RememberResult,
    Scope,
    SearchedScope,
    SearchResult,
    Source,
    StatusResult,
    Subject,
    Tags,
)
from iai_daemon.mcp_server.uses import Uses
from iai_daemon.memory.delivering import remember
from iai_daemon.memory.drafts import from_object, stamp
from iai_daemon.memory.record import GLOBAL_SCOPE, Draft, Record, describe
from iai_daemon.memory.spool import Note, Spool, as_told, new_note
from iai_daemon.memory.store import GISTS, Query
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.trust import AGENT
from iai_daemon.paths import Home

# A daemon that does not answer must not keep an agent waiting.
_STATUS_SECONDS = 2.0
# Whoever has read so many results of one search needs other words; each page searches for all before it again.
_DEEPEST = 300


class Tools:
    """The tools of one server. What goes wrong is raised as an IaiError. `client`: the program at the other end; `redacts`:
    whether secrets are taken out of what it tells."""

    def __init__(self, home: Home, memory: Opened, project: str, uses: Uses, *, redacts: bool = True) -> None:
        self.client: str | None = None
        self._redacts = redacts
        self._home = home
        self._memory = memory
        self._project = project
        self._session = os.environ.get("CLAUDE_CODE_SESSION_ID")
        self._uses = uses

    async def remember(  # noqa: PLR0913, PLR0917 -- the parameters are the tool's contract
        self,
        content: Content,
        kind: Kind = "",
        subject: Subject = "",
        attribute: Attribute = "",
        scope: Scope = "",
        tags: Tags = (),
        expires_at: ExpiresAt = "",
        source: Source = "",
        origin: Origin = "",
    ) -> RememberResult:
        """Store one fact for later conversations. In the answer, `corrects`: older facts that it seems to correct; leave them,
        search puts them after it. `disputes`: older facts that are trusted more and hold; ask the user. `redacted`: secrets
        that were taken out."""

        draft = from_object(
            {
                "content": content,
                "kind": kind,
                "subject": subject,
                "attribute": attribute,
                "scope": scope.strip() or self._project,
                "tags": tags,
                "expires_at": expires_at.strip() or None,
                "source": source,
                "session": self._session,
                "client": self.client,
                "origin": origin,
            },
            origin=AGENT,
            redacts=self._redacts,
        )
        note = new_note(draft, _now()) if self._memory.spools else None

        def work(stores: Stores) -> RememberResult:
            record = (
                stores.memory.add(draft, _now())
                if note is None
                else remember(stores, self._home, note, _now())
            )
            return _remembered(stores, record, draft)

        return await self._memory.use(work, None if note is None else partial(self._keep, note))

    def _keep(self, note: Note, why: IaiError) -> RememberResult:
        """For later. Raises NotKept."""
        Spool(self._home).keep(note, why)
        told = {
            **describe(as_told(note.draft)),
            "id": None,
            "waits_as": note.name,
            "said": f"Kept here, and delivered when the memory is back. {why}",
            "corrects": [],
            "redacted": list(note.draft.redacted),
        }
        return RememberResult.model_validate(told)

    async def search_memory(
        self,
        query: QueryText,
        limit: Limit = 10,
        scope: SearchedScope = "",
        include_superseded: IncludeSuperseded = False,
        as_of: AsOf = "",
        cursor: Cursor = "",
    ) -> SearchResult:
        """Find what is known, the current fact first, in this project and what is global. The best has `score` 1; `gists`:
        what several results say together; `next_cursor`: there is more."""
        about = ("search", query.split(), scope.strip(), include_superseded, as_of.strip())

        def work(stores: Stores) -> SearchResult:
            moment = stamp(as_of.strip() or None, "as_of")
            milliseconds = None if moment is None else round(moment * 1000)
            told = summed(numbers_of(cursor, about)) if cursor.strip() else []
            wanted = len(told) + limit
            # One more than is told shows whether there is more.
            asked = Query(query, wanted + 1, self._scopes(scope.strip()), include_superseded, milliseconds)
            fresh = [hit for hit in stores.memory.search(asked, _now()) if hit.record.id not in told]
            hits, ids = fresh[:limit], [hit.record.id for hit in fresh[:limit]]
            there_is_more = len(fresh) > limit and wanted < _DEEPEST
            found = _results(stores, [hit.record for hit in hits])
            return SearchResult(
                results=[
                    HitResult(**result.model_dump(), score=round(hit.score, 4))
                    for hit, result in zip(hits, found, strict=True)
                ],
                gists=[GistResult.model_validate(each.as_json()) for each in stores.memory.gists(ids, GISTS)],
                next_cursor=cursor_of(about, steps(sorted([*told, *ids]))) if there_is_more else None,
            )

        answer = await self._memory.use(work)
        self._uses.note([each.id for each in answer.results])
        return answer

    async def forget(self, id: RecordId) -> MemoryResult:  # noqa: A002 -- the parameter's name is the tool's contract
        """Stop finding a memory that should never have been stored; the user can restore it. Where a fact has changed,
        remember the new one instead."""
        return await self._memory.use(lambda stores: _results(stores, [stores.memory.forget(id, _now())])[0])

    async def memory_history(
        self, subject: KnownSubject, attribute: Attribute = "", limit: Limit = 50, cursor: Cursor = ""
    ) -> HistoryResult:
        """What was held true about a subject over time, oldest first, from `valid_from` until `valid_to`."""
        about = ("history", subject.strip(), attribute.strip())

        def work(stores: Stores) -> HistoryResult:
            last = numbers_of(cursor, about) if cursor.strip() else ()
            history = stores.memory.history(subject.strip(), attribute.strip() or None, self._scopes())
            left = [record for record in history if record.age > last]
            told = left[:limit]
            return HistoryResult(
                records=_results(stores, told),
                next_cursor=cursor_of(about, told[-1].age) if len(left) > limit else None,
            )

        return await self._memory.use(work)

    async def daemon_status(self) -> StatusResult:
        """Whether the memory's daemon runs and when it last put the memory in order. The other tools work without it."""
        # In a thread of its own: a daemon that is slow to answer keeps nobody from remembering.
        return await anyio.to_thread.run_sync(self._ask_daemon)

    def _ask_daemon(self) -> StatusResult:
        try:
            return StatusResult.model_validate(client.status(self._home, timeout=_STATUS_SECONDS))
        except IaiError as away:
            return StatusResult(reason=str(away))

    def _scopes(self, scope: str = "") -> tuple[str, ...]:
        return (scope,) if scope else searched_scopes(self._project)


def searched_scopes(project: str) -> tuple[str, ...]:
    """Where is searched for who works in this project."""
    return tuple(dict.fromkeys((project, GLOBAL_SCOPE)))


def _remembered(stores: Stores, record: Record, draft: Draft) -> RememberResult:
    told = stores.memory.corrected_by(record.id)
    return RememberResult(
        **_results(stores, [record])[0].model_dump(),
        corrects=[CorrectsResult.model_validate(each.as_json()) for each in told if not each.outranked],
        disputes=[CorrectsResult.model_validate(each.as_json()) for each in told if each.outranked],
        redacted=list(draft.redacted),
    )


def _results(stores: Stores, records: Sequence[Record]) -> list[MemoryResult]:
    merged = stores.memory.merged_ids([record.id for record in records])
    return [MemoryResult.model_validate(describe(record, merged.get(record.id, ()))) for record in records]


def _now() -> int:
    return read().milliseconds
