"""examples/server_memory_pass.py: another memory server's file, put in order in real nights; and what it must never do."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as some
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from iai_daemon.paths import Home
from tests.fakes import LONG
from tests.journeys.real import call_json, until
from tests.project.source import ROOT

PASS = ROOT / "examples" / "server_memory_pass.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("server_memory_pass", PASS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tidying = _load()


def entity(name: str, *observations: str, kind: str = "person") -> dict[str, Any]:
    return {"type": "entity", "name": name, "entityType": kind, "observations": list(observations)}


def relation(one: str, other: str, kind: str = "knows") -> dict[str, Any]:
    return {"type": "relation", "from": one, "to": other, "relationType": kind}


def written(*lines: dict[str, Any]) -> bytes:
    """As the server writes them."""
    return "\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in lines).encode()


def run(path: Path, *words: str) -> tuple[int, dict[str, Any] | str]:
    """Its exit status, and what it says last."""
    done = subprocess.run(
        [sys.executable, str(PASS), str(path), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1]) if done.stdout else done.stderr


MESSY = written(
    entity("Ada Lovelace", "writes notes", "likes tea"),
    entity("Engine", "has 1000 columns", kind="machine"),
    entity("ada  lovelace", "likes tea", "lives in London"),
    relation("ada  lovelace", "Engine", "programs"),
    relation("Ada Lovelace", "Engine", "programs"),
    relation("Ada Lovelace", "ada  lovelace", "same as"),
    relation("ENGINE", "Ada Lovelace", "fascinates"),
    relation("Ada Lovelace", "Nobody"),
)
TIDY = written(
    entity("Ada Lovelace", "writes notes", "likes tea", "lives in London"),
    entity("Engine", "has 1000 columns", kind="machine"),
    relation("Ada Lovelace", "Engine", "programs"),
    relation("Engine", "Ada Lovelace", "fascinates"),
)


def test_duplicates_are_joined_and_relations_follow(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_bytes(MESSY)
    path.chmod(0o640)
    status, said = run(path)
    assert (status, path.read_bytes()) == (0, TIDY)
    assert said == {
        "examined": 8,
        "changed": 4,
        "said": "entities joined: 1, duplicate relations dropped: 1, "
        "relations of an entity to itself dropped: 1, dangling relations dropped: 1",
    }
    assert path.stat().st_mode & 0o777 == 0o640
    before = tidying._identity(path)
    assert run(path) == (100, {"examined": 4, "changed": 0, "said": "nothing to do"})
    assert tidying._identity(path) == before, "what is in order is not written anew"


def test_an_undo_puts_back_every_byte_and_is_refused_when_somebody_has_written_since(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_bytes(MESSY)
    run(path)
    assert run(path, "--undo")[0] == 0
    assert path.read_bytes() == MESSY
    run(path)
    path.write_bytes(TIDY + b"\n" + written(entity("Babbage")))
    status, said = run(path, "--undo")
    assert (status, "not as the last consolidation left it" in said) == (1, True)
    assert path.read_bytes() == TIDY + b"\n" + written(entity("Babbage"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (written(entity("Go", kind="language"), entity("Go", kind="game")), "two things of one name"),
        (written(entity("Go", kind="language"), entity("go"), entity("go", kind="game")), "ambiguous"),
        (written(entity("x²"), entity("x2")), "another name, however alike they look"),
        (
            written(entity("Ada"), relation("Ada", "Nobody")) + b'\n{"type": "ent',
            "who knows what is in there",
        ),
        (b'\xff\xfe\n[1]\n{"type":"entity","name":3}\n\n7', "nothing of ours"),
        (b'{ "type" : "entity", "name":"a", "entityType":"b", "observations":[] }\r\n', "its own spacing"),
        (b"", "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_known_to_be_wrong_stays_byte_for_byte(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_bytes(data)
    assert run(path)[0] == 100, why
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


names = some.sampled_from(["Ada", "ada", " ADA ", "Grace", "GRACE", "Zoë", "Zoe\u0308", "zoë", "Nobody"])
kinds = some.sampled_from(["person", "Person", "machine"])
observations = some.lists(some.sampled_from(["a", "b", "c", "\ud800", "\u2028"]), max_size=3)
entities = some.builds(lambda name, kind, seen: entity(name, *seen, kind=kind), names, kinds, observations)
relations = some.builds(relation, names, names, some.sampled_from(["knows", "KNOWS"]))
graphs = some.tuples(some.lists(entities, max_size=8), some.lists(relations, max_size=8))


@given(graphs, some.randoms())
def test_whatever_the_graph_nothing_that_was_observed_is_lost_and_once_is_enough(
    graph: tuple[list[dict[str, Any]], list[dict[str, Any]]], luck: random.Random
) -> None:
    lines = [*graph[0], *graph[1]]
    luck.shuffle(lines)
    data = b"\n".join(json.dumps(each).encode() for each in lines)
    tidied = tidying.tidy(data)
    after = [json.loads(line) for line in tidied.data.split(b"\n") if line]
    assert tidying.tidy(tidied.data).data == tidied.data
    assert _observed(after) == _observed(lines)
    there = {each["name"] for each in after if each["type"] == "entity"}
    left = [each for each in after if each["type"] == "relation"]
    assert all({each["from"], each["to"]} <= there for each in left)
    assert len({json.dumps(each, sort_keys=True) for each in left}) == len(left)


def _observed(lines: Sequence[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Of whom (however written) what was observed."""
    return {
        (tidying._plain(each["name"]), tidying._plain(each["entityType"]), seen)
        for each in lines
        if each["type"] == "entity"
        for seen in ("", *each["observations"])
    }


def test_it_never_replaces_what_was_written_after_it_had_read(tmp_path: Path) -> None:
    """The server writes a new file and renames it; an older one writes into the same. Both are seen."""
    path = tmp_path / "memory.jsonl"
    for anew in (False, True):
        path.write_bytes(MESSY)
        before = tidying._identity(path)
        if anew:
            path.unlink()
        path.write_bytes(MESSY + b"\n" + written(entity("Babbage")))
        try:
            assert not tidying._replace(path, TIDY, before, keep=MESSY)
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        assert path.read_bytes().endswith(written(entity("Babbage")))
        assert list(tmp_path.iterdir()) == [path]


def test_asked_to_stop_it_leaves_the_file_as_it_is_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "memory.jsonl"
    data = b"\n".join([MESSY] * (100_000 if LONG else 40_000))
    path.write_bytes(data)
    before = tidying._identity(path)
    process = subprocess.Popen([sys.executable, str(PASS), str(path)], stdout=subprocess.PIPE)
    with process:
        until(lambda: psutil.Process(process.pid).memory_info().rss > 30_000_000 + len(data))
        process.terminate()
        assert process.wait(5) == 75
    assert tidying._identity(path) == before
    assert list(tmp_path.iterdir()) == [path]


# --- with the real server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's program, freshly installed."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("there is no npm here to install the server with")
    folder = tmp_path_factory.mktemp("server")
    (folder / "package.json").write_text("{}")
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--fetch-retries=0", "--loglevel=error"]
    try:
        done = subprocess.run(
            [npm, "install", *quiet, "@modelcontextprotocol/server-memory"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm does not get the server within two minutes")
    if done.returncode:
        pytest.skip(f"npm cannot get the server: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "node_modules" / ".bin" / "mcp-server-memory"


Conversation = Callable[[ClientSession], Awaitable[Any]]


def talk(server: Path, path: Path, conversation: Conversation) -> Any:
    """Start the server, talk to it, and close the connection."""
    given = {"PATH": os.environ["PATH"], "MEMORY_FILE_PATH": str(path)}
    parameters = StdioServerParameters(command=str(server), args=[], env=given)

    async def main() -> Any:
        with (path.parent / "said").open("w") as errors:
            async with (
                asyncio.timeout(60),
                stdio_client(parameters, errlog=errors) as (reading, writing),
                ClientSession(reading, writing) as session,
            ):
                await session.initialize()
                return await conversation(session)

    return asyncio.run(main())


async def ask(session: ClientSession, tool: str, **arguments: Any) -> Any:
    answer = await session.call_tool(tool, arguments)
    assert not answer.is_error, answer
    return answer.structured_content


def without_type(each: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in each.items() if name != "type"}


def test_a_night_puts_the_real_servers_memory_in_order_and_it_answers_as_before(
    server: Path, home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "graph" / "memory.jsonl"
    path.parent.mkdir()
    lines = [json.loads(line) for line in MESSY.splitlines()]
    told = [without_type(each) for each in lines if each["type"] == "entity"]
    related = [without_type(each) for each in lines if each["type"] == "relation"]

    async def day(session: ClientSession) -> None:
        await ask(session, "create_entities", entities=told)
        await ask(session, "create_relations", relations=related)

    async def next_day(session: ClientSession) -> tuple[Any, Any]:
        graph = await ask(session, "read_graph")
        await ask(
            session, "add_observations", observations=[{"entityName": "Ada Lovelace", "contents": ["new"]}]
        )
        return graph, await ask(session, "search_nodes", query="London")

    talk(server, path, day)
    assert path.read_bytes() == MESSY
    argv = [sys.executable, str(PASS), str(path)]
    home.config.write_text(
        tomli_w.dumps({"consolidation": {"commands": [{"name": "graph", "argv": argv, "every": "1h"}]}})
    )
    report = call_json(home, "consolidate")
    (passed,) = [each for each in report["passes"] if each["name"] == "command:graph" and each["round"] == 1]
    assert (report["outcome"], passed["status"], passed["changed"]) == ("completed", "done", 4)
    assert "entities joined: 1" in passed["said"]
    assert path.read_bytes() == TIDY
    graph, found = talk(server, path, next_day)
    tidy = [json.loads(line) for line in TIDY.splitlines()]
    assert graph == {
        "entities": [without_type(each) for each in tidy if each["type"] == "entity"],
        "relations": [without_type(each) for each in tidy if each["type"] == "relation"],
    }
    assert [each["name"] for each in found["entities"]] == ["Ada Lovelace"]
    assert found["entities"][0]["observations"][-1] == "new"
    assert call_json(home, "consolidate")["outcome"] == "nothing_to_do"


def test_a_night_leaves_the_real_server_none_the_wiser_while_it_runs(
    server: Path, home: Home, tmp_path: Path
) -> None:
    """It is asked, the night changes its file, it is asked again: one and the same process."""
    path = tmp_path / "graph" / "memory.jsonl"
    path.parent.mkdir()
    path.write_bytes(MESSY)
    argv = [sys.executable, str(PASS), str(path)]
    home.config.write_text(tomli_w.dumps({"consolidation": {"commands": [{"name": "graph", "argv": argv}]}}))

    async def story(session: ClientSession) -> tuple[Any, Any]:
        before = await ask(session, "open_nodes", names=["Engine"])
        report = await asyncio.to_thread(call_json, home, "consolidate")
        assert report["outcome"] == "completed"
        return before, await ask(session, "open_nodes", names=["Engine"])

    before, after = talk(server, path, story)
    assert before["entities"] == after["entities"]
    assert {each["from"] for each in after["relations"]} == {"Ada Lovelace", "Engine"}
    assert path.read_bytes() == TIDY
