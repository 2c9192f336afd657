"""A server that stays while its memory is restored, moved, damaged or replaced, and a client that goes in the middle of a call."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.memory.opening import open_stores
from iai_daemon.paths import Home
from tests.introduction import HELLO
from tests.journeys.real import call, command
from tests.mcp_server.users import Server


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    server = Server(home)
    yield server
    server.leave()


def found(server: Server, query: str) -> list[str]:
    return [each["content"] for each in server.call("search_memory", query=query)["results"]]


def done(home: Home, *words: str) -> str:
    ended = call(home, *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_restore_is_seen_at_the_next_call(server: Server, home: Home) -> None:
    server.call("remember", content="The door code is on the blue note.")
    done(home, "store", "backup")
    server.call("remember", content="The door was painted later.")
    (backup,) = [path.name for path in home.backups.iterdir()]
    done(home, "store", "restore", backup)
    assert found(server, "door") == ["The door code is on the blue note."]
    added = server.call("remember", content="The door is green.")
    assert added["id"] == 3
    assert "The door is green." in done(home, "memory", "export")


def test_where_another_memory_stands_now_that_one_is_used(server: Server, home: Home) -> None:
    server.call("remember", content="The first memory knows the door.")
    (home.root / "elsewhere").mkdir()
    for path in home.root.glob("memory.db*"):
        path.rename(home.root / "elsewhere" / path.name)
    other = Server(home)
    other.call("remember", content="The second memory knows the door.")
    other.leave()
    assert found(server, "door") == ["The second memory knows the door."]
    server.call("remember", content="This door is told to the second.")
    stores = open_stores(home)
    assert len(list(stores.memory.export())) == 2
    stores.close()


def test_a_home_that_is_gone_is_said_in_one_sentence_until_it_is_back(server: Server, home: Home) -> None:
    server.call("remember", content="The door is green.")
    away = home.root.with_name("away")
    home.root.rename(away)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cannot be read or written") as refused:
            server.call("search_memory", query="door")
        assert "\n" not in str(refused.value)
    away.rename(home.root)
    assert found(server, "door") == ["The door is green."]


def test_a_damaged_memory_is_let_go_of_so_that_a_restore_can_replace_it(server: Server, home: Home) -> None:
    server.call("remember", content="The door is green.")
    done(home, "store", "backup")
    (backup,) = [path.name for path in home.backups.iterdir()]
    server.call("remember", content="It was told after the backup.")
    with closing(sqlite3.connect(home.memory)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    home.memory.write_bytes(b"no database at all, " * 1000)
    with pytest.raises(RuntimeError) as refused:
        server.call("search_memory", query="door")
    assert "store restore" in str(refused.value)
    assert "\n" not in str(refused.value)
    done(home, "store", "restore", backup)
    assert found(server, "door") == ["The door is green."]


def line(number: int, method: str, params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"


def told(number: int) -> str:
    return line(number, "tools/call", {"name": "remember", "arguments": {"content": f"fact {number}"}})


def test_what_a_client_has_sent_before_it_closes_its_end_is_answered(home: Home) -> None:
    calls = [told(number) for number in range(1, 10)]
    given_up = '{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}}\n'
    conversation = "".join([line(0, "initialize", HELLO), "no message\n", *calls, given_up, told(10)])
    watch = Stopwatch()
    ended = call(home, "mcp", stdin=conversation)
    assert (ended.returncode, watch.seconds() < 14) == (0, True)
    answers = [json.loads(each) for each in ended.stdout.splitlines()]
    kept = {each["id"] for each in answers if "result" in each}
    assert kept >= {*range(9), 10}
    stores = open_stores(home)
    assert {f"fact {number}" for number in kept - {0}} <= {each.content for each in stores.memory.export()}
    stores.close()


def test_a_client_that_dies_in_the_middle_of_its_calls_leaves_no_traceback(home: Home) -> None:
    process = subprocess.Popen(
        command(home, "mcp"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home.root,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(line(0, "initialize", HELLO))
    process.stdin.flush()
    process.stdout.readline()
    process.stdin.write("".join(map(told, range(1, 30))))
    process.stdin.flush()
    process.stdout.close()
    process.stdin.close()
    assert process.wait(timeout=20) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
    server = Server(home)
    assert server.call("remember", content="The next client is served.")["current"]
    server.leave()
