"""The page of the memory server: its tools and resources, as a real server lists them to a client."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from iai_daemon.cli.reference.markdown import code, items, prose
from iai_daemon.cli.reference.markdown import page as whole
from iai_daemon.config import Calendar, Settings
from iai_daemon.mcp_server.calendar_tools import CalendarTools
from iai_daemon.mcp_server.opened import Opened
from iai_daemon.mcp_server.recall_tools import RecallTools
from iai_daemon.mcp_server.resources import Resources
from iai_daemon.mcp_server.server import INSTRUCTIONS, build
from iai_daemon.mcp_server.tools import Tools
from iai_daemon.mcp_server.uses import Uses
from iai_daemon.paths import Home

_INTRODUCTION = (
    "What `iai-daemon mcp` offers its clients. The tools `calendar_…` are there only where a calendar is set, and `schedule_recall` is "
    "refused unless `agenda.agents_may_schedule` is true. A wrong call is answered in one sentence that says what to do instead; "
    "answers leave out what is null."
)
_HINTS = {
    "readOnlyHint": ("reads only", "changes something"),
    "destructiveHint": ("hides or ends something", "hides nothing"),
    "idempotentHint": ("the same call again changes nothing more", "each call adds something"),
}

_Object = Mapping[str, Any]


def page() -> str:
    """The whole page."""
    return whole("Tools and resources of the memory server", _blocks())


def _blocks() -> Iterator[str]:
    tools, resources = asyncio.run(_listed())
    shapes: dict[str, _Object] = {}
    yield prose(_INTRODUCTION)
    yield "An agent is told at the start of each conversation:"
    yield "\n".join(f"> {line}".rstrip() for line in INSTRUCTIONS.splitlines())
    yield "## Tools"
    for each in tools:
        shapes |= each["outputSchema"].get("$defs", {})
        yield from _tool(each)
    yield "## Resources"
    yield items(
        (
            code(each.get("uri") or each["uriTemplate"]),
            f"{prose(each['description'])} {code(each['mimeType'])}",
        )
        for each in resources
    )
    yield "## What answers are made of"
    for name, shape in sorted(shapes.items()):
        yield f"### {name}"
        yield prose(shape.get("description", ""))
        yield items(_fields(shape))


async def _listed() -> tuple[Sequence[_Object], Sequence[_Object]]:
    """What a server with everything lists, its memory an empty one."""
    settings = Settings(calendar=Calendar(url="http://localhost/"))
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        memory = Opened(home, settings.memory)
        try:
            tools = Tools(home, memory, "", Uses(memory))
            recalls, calendar = RecallTools(home, settings, lambda: None), CalendarTools(home, settings)
            server = build(tools, Resources(memory, ""), recalls, calendar)
            resources = [*await server.list_resources(), *await server.list_resource_templates()]
            return [_plain(each) for each in await server.list_tools()], [_plain(each) for each in resources]
        finally:
            memory.close()


def _plain(listed: Any) -> _Object:
    """As it goes to a client."""
    said: _Object = listed.model_dump(mode="json", by_alias=True, exclude_none=True)
    return said


def _tool(tool: _Object) -> Iterator[str]:
    yield f"### {tool['name']}"
    hints = [words[not tool["annotations"][hint]] for hint, words in _HINTS.items()]
    reads = tool["annotations"]["readOnlyHint"]
    yield f"{prose(tool['title'])}: {hints[0] if reads else '; '.join(hints[1:])}."
    yield prose(tool["description"])
    taken = list(_fields(tool["inputSchema"], "may be left out"))
    yield "It takes:" if taken else "It takes nothing."
    if taken:
        yield items(taken)
    answer = tool["outputSchema"]
    yield f"It answers: {prose(answer.get('description', ''))}"
    yield items(_fields(answer))


def _fields(schema: _Object, without: str = "may be missing") -> Iterator[tuple[str, str]]:
    needed = schema.get("required", ())
    for name, each in schema.get("properties", {}).items():
        kind = _kind(each)
        usual = each.get("default")
        if usual not in (None, "", [], {}):
            kind += f", default {usual}"
        may = "" if name in needed else f" ({without})"
        said = prose(each.get("description", ""))
        yield code(name), f"{kind}{may}{'. ' + said if said else ''}"


def _kind(schema: _Object) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"] if each.get("type") != "null")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join(code(each) for each in schema["enum"])
    limits = [
        f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
    ]
    return " ".join([schema.get("type", "anything"), *limits])
