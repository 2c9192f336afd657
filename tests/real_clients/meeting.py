"""A meeting of the official client with the reference server in which each does all that it can; what came of it as plain values."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from mcp import ClientSession, MCPError, types
from mcp.client.session import ClientRequestContext as Context
from mcp.client.stdio import StdioServerParameters, stdio_client
from pydantic import BaseModel, FileUrl

_SECONDS = 15
_LONG = "trigger-long-running-operation"

# What differs from one meeting to the next, whoever stands between.
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z?"), "STAMP"),
    (re.compile(r"\d{1,2}:\d\d:\d\d( [AP]M)?"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "UUID"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "TASK"),
    # Simulated messages come at any level.
    (re.compile(r"\w+[- ]level[- ]message"), "MESSAGE"),
)


def plain(value: object) -> Any:
    """As JSON, without what differs from one meeting to the next."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(value, str):
        for pattern, name in _VARIES:
            value = pattern.sub(name, value)
        return value
    if isinstance(value, Mapping):
        if "_meta" not in value and value.get("blob") and value.get("mimeType") == "text/plain":
            value = {**value, "blob": base64.b64decode(value["blob"]).decode()}
        held = {name: plain(part) for name, part in value.items()}
        return held | {"level": "ANY"} if held.get("data") == "MESSAGE" else held
    return [plain(each) for each in value] if isinstance(value, Sequence) else value


class Meeting:
    """What the client asked and was answered, in its order; and what the server said by itself, of each kind in its order."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, Any]] = []
        self.heard: dict[str, list[Any]] = {}
        self._news = asyncio.Event()

    def hear(self, kind: str, what: object) -> None:
        self.heard.setdefault(kind, []).append(plain(what))
        self._news.set()

    async def until_heard(self, kind: str, text: str = "", times: int = 1) -> None:
        """Wait until something of that kind with that text has come, so often."""
        async with asyncio.timeout(_SECONDS):
            while sum(text in str(each) for each in self.heard.get(kind, ())) < times:
                self._news.clear()
                await self._news.wait()

    async def ask(self, what: str, answer: Awaitable[Any]) -> Any:
        """Note the answer, or the error in its place."""
        try:
            async with asyncio.timeout(_SECONDS):
                told = await answer
        except MCPError as refusal:
            told = {"error": refusal.error.code, "message": refusal.error.message, "data": refusal.error.data}
        self.answers.append((what, plain(told)))
        return told

    # What the client is asked, and what it is told.

    async def sample(
        self,
        context: Context,  # noqa: ARG002 -- so the client calls it
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult | types.ErrorData:
        self.hear("sampling", params)
        if "refuse" in str(params.messages):
            return types.ErrorData(code=-1, message="The user does not want that.")
        said = types.TextContent(type="text", text="So be it.")
        return types.CreateMessageResult(role="assistant", content=said, model="m", stop_reason="endTurn")

    async def elicit(
        self,
        context: Context,  # noqa: ARG002 -- so the client calls it
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult:
        """Accepts, declines, cancels, accepts …"""
        self.hear("elicitation", params)
        action = ("cancel", "accept", "decline")[len(self.heard["elicitation"]) % 3]
        if action == "accept":
            return types.ElicitResult(action="accept", content={"name": "Ada", "integer": 7})
        return types.ElicitResult(action="decline" if action == "decline" else "cancel")

    async def roots(self, context: Context) -> types.ListRootsResult:  # noqa: ARG002 -- so the client calls it
        self.hear("roots", {})
        return types.ListRootsResult(roots=[types.Root(uri=FileUrl("file:///srv/ada"), name="Ada's")])

    async def notified(self, message: object) -> None:
        kind = getattr(message, "method", "broken")
        # That of the call that is called off goes on for as long as the server takes to hear of it; the other's is kept anyway.
        if kind != "notifications/progress":
            self.hear(kind, message)

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.hear("progress", [progress, total, message])


async def meet(command: Sequence[str]) -> Meeting:
    """The whole meeting with the server that the command starts."""
    meeting = Meeting()
    parameters = StdioServerParameters(command=command[0], args=list(command[1:]))
    async with (
        stdio_client(parameters) as (reading, writing),
        ClientSession(
            reading,
            writing,
            sampling_callback=meeting.sample,
            elicitation_callback=meeting.elicit,
            list_roots_callback=meeting.roots,
            message_handler=meeting.notified,
        ) as session,
    ):
        await meeting.ask("initialize", session.initialize())
        await meeting.until_heard("notifications/message", "Roots updated")
        for part in (_lists, _tools, _tools_that_ask_back, _resources, _prompts, _long_calls):
            await part(meeting, session)
        await meeting.ask("ping", session.send_ping())
    return meeting


async def _lists(meeting: Meeting, session: ClientSession) -> None:
    await meeting.ask("tools", session.list_tools())
    await meeting.ask("resources", session.list_resources())
    await meeting.ask("templates", session.list_resource_templates())
    await meeting.ask("prompts", session.list_prompts())
    nothing = types.Request[dict[str, Any], str](method="no/such", params={})
    await meeting.ask("no such method", session.send_request(nothing, types.EmptyResult))


async def _tools(meeting: Meeting, session: ClientSession) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("echo", {"message": "Grüße, 世界 \u2028 \U0001f600\n" + "long " * 20_000}),
        ("echo", {}),
        *(("get-annotated-message", {"messageType": kind}) for kind in ("error", "success", "debug")),
        ("get-annotated-message", {"messageType": "success", "includeImage": True}),
        ("get-env", {}),
        ("get-resource-links", {"count": 4}),
        ("get-resource-reference", {"resourceType": "Text", "resourceId": 2}),
        ("get-resource-reference", {"resourceType": "Blob", "resourceId": 3}),
        ("get-structured-content", {"location": "Chicago"}),
        ("get-structured-content", {"location": "nowhere"}),
        ("get-sum", {"a": 9007199254740991, "b": -0.5}),
        ("get-tiny-image", {}),
        ("gzip-file-as-resource", {"name": "a.gz", "data": "data:text/plain,hello"}),
        (
            "gzip-file-as-resource",
            {"name": "b.gz", "data": "data:text/plain,hello", "outputType": "resource"},
        ),
        ("get-roots-list", {}),
        ("no-such-tool", {}),
    ]
    for name, arguments in calls:
        await meeting.ask(name, session.call_tool(name, arguments))


async def _tools_that_ask_back(meeting: Meeting, session: ClientSession) -> None:
    url = {"url": "https://example.org/form", "elicitationId": "e1"}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("trigger-sampling-request", {"prompt": "Sing.", "maxTokens": 7}),
        ("trigger-sampling-request", {"prompt": "refuse this"}),
        *(("trigger-elicitation-request", {}) for _ in range(3)),
        ("trigger-url-elicitation", url),
        ("trigger-url-elicitation", {**url, "errorPath": True}),
        ("trigger-url-elicitation", {**url, "errorPath": True}),
    ]
    for name, arguments in calls:
        await meeting.ask(name, session.call_tool(name, arguments))
    await meeting.ask("roots have changed", session.send_roots_list_changed())
    await meeting.until_heard("notifications/message", "Roots updated", 2)


async def _resources(meeting: Meeting, session: ClientSession) -> None:
    text = "demo://resource/dynamic/text/1"
    for uri in (text, "demo://resource/dynamic/blob/2", "demo://resource/session/a.gz", "demo://nowhere"):
        await meeting.ask(uri, session.read_resource(uri))
    documents = "demo://resource/static/document/features.md"
    await meeting.ask(documents, session.read_resource(documents))
    await meeting.ask("subscribe", session.subscribe_resource(text))
    await meeting.ask("updates on", session.call_tool("toggle-subscriber-updates", {}))
    await meeting.until_heard("notifications/resources/updated")
    await meeting.ask("updates off", session.call_tool("toggle-subscriber-updates", {}))
    await meeting.ask("unsubscribe", session.unsubscribe_resource(text))
    template = types.ResourceTemplateReference(uri="demo://resource/dynamic/text/{resourceId}")
    await meeting.ask("completion", session.complete(template, {"name": "resourceId", "value": "1"}))


async def _prompts(meeting: Meeting, session: ClientSession) -> None:
    for name, arguments in (
        ("simple-prompt", {}),
        ("args-prompt", {"city": "Bern", "state": "BE"}),
        ("args-prompt", {}),
        ("completable-prompt", {"department": "Engineering", "name": "Alice"}),
        ("resource-prompt", {"resourceType": "Text", "resourceId": "1"}),
        ("no-such-prompt", {}),
    ):
        await meeting.ask(name, session.get_prompt(name, arguments))
    of = types.PromptReference(name="completable-prompt")
    await meeting.ask("completion", session.complete(of, {"name": "department", "value": "S"}))
    within = {"department": "Sales"}
    await meeting.ask("completion", session.complete(of, {"name": "name", "value": ""}, within))


async def _long_calls(meeting: Meeting, session: ClientSession) -> None:
    """One that goes on to its end, one that is called off, and messages at the level that was asked for."""
    brief = session.call_tool(_LONG, {"duration": 1, "steps": 4}, progress_callback=meeting.progress)
    await meeting.ask(_LONG, brief)
    begun = asyncio.Event()

    async def begin(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    endless = {"duration": 60, "steps": 600}
    called = asyncio.create_task(session.call_tool(_LONG, endless, progress_callback=begin))
    async with asyncio.timeout(_SECONDS):
        await begun.wait()
    called.cancel()
    await asyncio.gather(called, return_exceptions=True)
    await meeting.ask("ping behind a call that was called off", session.send_ping())
    await meeting.ask("level", session.set_logging_level("debug"))
    await meeting.ask("messages on", session.call_tool("toggle-simulated-logging", {}))
    await meeting.until_heard("notifications/message", "MESSAGE")
    await meeting.ask("messages off", session.call_tool("toggle-simulated-logging", {}))
