"""The built-in memory server: tools over one store, on standard input and output. The only module that imports `mcp`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.stdio import stdio_server
from mcp_types import ToolAnnotations
from pydantic import ValidationError

import iai_daemon
from iai_daemon.clock import read
from iai_daemon.control import client
from iai_daemon.errors import IaiError
from iai_daemon.mcp_server.project import current_project
from iai_daemon.mcp_server.schemas import (
    AsOf,
    Attribute,
    Content,
    CorrectsResult,
    ExpiresAt,
    GistResult,
    HistoryResult,
    HitResult,
    IncludeSuperseded,
    Kind,
    KnownSubject,
    Limit,
    MemoryResult,
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
from iai_daemon.mcp_server.wire import Input
from iai_daemon.memory.drafts import from_object, stamp
from iai_daemon.memory.opening import Stores, open_stores
from iai_daemon.memory.record import GLOBAL_SCOPE, Record, describe
from iai_daemon.memory.store import GISTS, Query
from iai_daemon.paths import Home

INSTRUCTIONS = """A memory that lasts beyond this conversation.

Search it (search_memory) before you begin a task, and whenever you are about to ask the user for, or guess, something that
may have come up before: conventions, decisions, environments, names, preferences, earlier problems and their solutions.

Remember (remember) what will be useful in a later conversation and cannot be read from the code: what the user corrects or
prefers, decisions and their reasons, how things are run, traps. One fact each, in a full sentence. Give `subject` and
`attribute` to what can change, so that a newer fact replaces the older one; give `expires_at` to what is true only for a
while. Do not store secrets. When the user says that something is no longer true, remember what is true now; `forget` is for
what should never have been stored."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_HIDES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

# A daemon that does not answer must not keep an agent waiting.
_STATUS_SECONDS = 2.0

# Pydantic's errors in the words of who makes a call.
_SAID = {
    "missing": "is missing",
    "string_type": "must be a text",
    "tuple_type": "must be a list of texts",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "value_error": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}

_T = TypeVar("_T")


def serve(home: Home) -> None:
    """Serve until the client closes standard input. Raises StoreUnusable before anything is answered."""
    stores = open_stores(home)
    turn = anyio.CapacityLimiter(1)
    uses = Uses(stores.memory, turn)
    # A thread waits for standard input, and no exception reaches it: Ctrl-C would do nothing. The store survives any end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        build(_Tools(home, stores, current_project(), turn, uses)).run("stdio")
        uses.write()
    finally:
        stores.close()


def build(tools: _Tools) -> MCPServer[None]:
    """The server with its tools."""
    server = _PlainSpoken(
        "iai-daemon", version=iai_daemon.__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )
    server.tool(annotations=_ADDS)(tools.remember)
    server.tool(annotations=_READS)(tools.search_memory)
    server.tool(annotations=_HIDES)(tools.forget)
    server.tool(annotations=_READS)(tools.memory_history)
    server.tool(annotations=_READS)(tools.daemon_status)
    return server


class _PlainSpoken(MCPServer[None]):
    """The SDK's server, but a bad call gets one sentence: unknown arguments are named, which the SDK drops silently, and
    wrong ones are not answered with pydantic's many lines. A null is the same as nothing given."""

    async def run_stdio_async(self) -> None:
        lines = Input(TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
        async with stdio_server(stdin=lines) as (reading, writing):
            options = self._lowlevel_server.create_initialization_options()
            await self._lowlevel_server.run(reading, writing, options)

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> Any:
        known = await self._parameters(name)
        unknown = [key for key in arguments if known is not None and key not in known]
        if unknown:
            takes = ", ".join(known or ()) or "nothing"
            raise ToolError(f"{name} does not know {', '.join(unknown)}: it takes {takes}.")
        given = {key: value for key, value in arguments.items() if value is not None}
        try:
            return await super().call_tool(name, given, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(_first_problem(name, error.__cause__)) from error
            if isinstance(error.__cause__, ToolError):
                raise ToolError(str(error.__cause__)) from error
            raise

    async def _parameters(self, name: str) -> Sequence[str] | None:
        """The names of a tool's parameters; None for an unknown tool, about which the SDK says enough."""
        tools = {tool.name: tool for tool in await self.list_tools()}
        return list(tools[name].input_schema["properties"]) if name in tools else None


def _first_problem(name: str, cause: ValidationError) -> str:
    problem = cause.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    return (
        f"{name}: {where} {_SAID.get(problem['type']) or problem['msg'].replace('Input should', 'should')}."
    )


class _Tools:
    """The tools. Their docstrings are what an agent reads."""

    def __init__(
        self, home: Home, stores: Stores, project: str, turn: anyio.CapacityLimiter, uses: Uses
    ) -> None:
        self._home = home
        self._stores = stores
        self._project = project
        self._session = os.environ.get("CLAUDE_CODE_SESSION_ID")
        # The store has one connection: one call at a time, in a thread, so that a wait for another writer blocks no ping.
        self._one_at_a_time = turn
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
    ) -> RememberResult:
        """Store one fact for later conversations. It replaces an older fact with the same subject and attribute; `corrects`
        tells which older facts it seems to correct. Those come after it in every search, so there is no need to forget
        them."""

        def work() -> RememberResult:
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
                }
            )
            record = self._stores.memory.add(draft, _now())
            return RememberResult(
                **self._results([record])[0].model_dump(),
                corrects=[
                    CorrectsResult(id=each.record.id, content=each.record.content, evidence=each.evidence)
                    for each in self._stores.memory.corrected_by(record.id)
                ],
            )

        return await self._call(work)

    async def search_memory(
        self,
        query: QueryText,
        limit: Limit = 10,
        scope: SearchedScope = "",
        include_superseded: IncludeSuperseded = False,
        as_of: AsOf = "",
    ) -> SearchResult:
        """Find what is known, the current fact first. Searches this project and what is global, or only `scope`."""

        def work() -> SearchResult:
            moment = stamp(as_of.strip() or None, "as_of")
            milliseconds = None if moment is None else round(moment * 1000)
            asked = Query(query, limit, self._scopes(scope.strip()), include_superseded, milliseconds)
            hits = self._stores.memory.search(asked, _now())
            found = self._results([hit.record for hit in hits])
            gists = self._stores.memory.gists([hit.record.id for hit in hits], GISTS)
            return SearchResult(
                results=[
                    HitResult(**result.model_dump(), score=round(hit.score, 4))
                    for hit, result in zip(hits, found, strict=True)
                ],
                gists=[GistResult.model_validate(each.as_json()) for each in gists],
            )

        answer = await self._call(work)
        self._uses.note([each.id for each in answer.results])
        return answer

    async def forget(self, id: RecordId) -> MemoryResult:  # noqa: A002 -- the parameter's name is the tool's contract
        """Stop finding a memory that should never have been stored. The user can restore it."""
        return await self._call(lambda: self._results([self._stores.memory.forget(id, _now())])[0])

    async def memory_history(self, subject: KnownSubject, attribute: Attribute = "") -> HistoryResult:
        """What was held true about a subject over time, oldest first, with the times when each fact held."""

        def work() -> HistoryResult:
            history = self._stores.memory.history(subject.strip(), attribute.strip() or None, self._scopes())
            return HistoryResult(records=self._results(history))

        return await self._call(work)

    async def daemon_status(self) -> StatusResult:
        """Whether the memory's daemon runs, what it does now, and when the memory was last put in order."""
        # In a thread of its own: a daemon that is slow to answer keeps nobody from remembering.
        return await anyio.to_thread.run_sync(self._ask_daemon)

    def _ask_daemon(self) -> StatusResult:
        try:
            return StatusResult.model_validate(client.status(self._home, timeout=_STATUS_SECONDS))
        except IaiError as away:
            return StatusResult(reason=str(away))

    async def _call(self, work: Callable[[], _T]) -> _T:
        """Do it in the one thread that may use the store; what a user may be told becomes an error result."""
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time)
        except IaiError as error:
            raise ToolError(str(error)) from error

    def _scopes(self, scope: str = "") -> tuple[str, ...]:
        return (scope,) if scope else tuple(dict.fromkeys((self._project, GLOBAL_SCOPE)))

    def _results(self, records: Sequence[Record]) -> list[MemoryResult]:
        merged = self._stores.memory.merged_ids([record.id for record in records])
        return [
            MemoryResult.model_validate(describe(record, merged.get(record.id, ()))) for record in records
        ]


def _now() -> int:
    return read().milliseconds
