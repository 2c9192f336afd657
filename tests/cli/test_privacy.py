"""Secrets on their way into the memory, and whose words they came with: on the command line and over MCP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from iai_daemon.paths import Home
from tests.cli.inside import call, call_json, refused, said
from tests.mcp_server.users import Server

# Put together here, so that nobody's scanner finds a token in this file.
TOKEN = "ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
MARKER = "[secret: GitHub token]"


@pytest.fixture
def server(home: Home) -> Iterator[Server]:
    """The memory's server, and a client called `users`."""
    server = Server(home)
    yield server
    server.leave()


def nowhere(home: Home) -> bool:
    """Whether the token stands in no file of the home."""
    return not [
        path for path in home.root.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()
    ]


def test_a_secret_is_taken_out_of_what_is_added_and_both_people_and_programs_are_told(home: Home) -> None:
    done = call_json(home, "memory", "add", f"Push with {TOKEN}.", "--tag", TOKEN, "--source", f"env {TOKEN}")
    assert (done["content"], done["tags"], done["source"]) == (
        f"Push with {MARKER}.",
        [MARKER],
        f"env {MARKER}",
    )
    assert done["redacted"] == ["GitHub token"]
    assert said(home, "memory", "add", f"Or with {TOKEN}.").splitlines() == [
        "stored as 2",
        "without what looks like a secret (GitHub token)",
    ]
    assert call_json(home, "memory", "add", "Push with the deploy key.")["redacted"] == []
    assert nowhere(home)
    assert TOKEN not in said(home, "memory", "export")


def test_an_import_tells_of_which_lines_secrets_were_taken_out(home: Home) -> None:
    notes = [
        {"content": "one"},
        {"content": f"two {TOKEN}"},
        {"content": "3", "tags": ["password: Tr0ub4dor"]},
    ]
    lines = "".join(json.dumps(each) + "\n" for each in notes)
    done = call_json(home, "memory", "import", "-", stdin=lines)
    assert done["redacted"] == [
        {"line": 2, "kinds": ["GitHub token"]},
        {"line": 3, "kinds": ["password"]},
    ]
    assert (done["added"], done["bad"]) == (3, [])
    again = call(home, "memory", "import", "-", stdin=lines)
    assert "secrets taken out of 2 lines (GitHub token, password)" in again.stdout
    assert TOKEN not in again.stdout + again.stderr
    assert nowhere(home)


def test_what_was_imported_with_its_secret_taken_out_is_the_same_when_it_is_imported_again(
    home: Home,
) -> None:
    line = json.dumps({"id": "a", "content": f"two {TOKEN}"})
    assert call_json(home, "memory", "import", "-", stdin=line)["added"] == 1
    assert call_json(home, "memory", "import", "-", stdin=line)["unchanged"] == 1


def test_with_the_switch_off_everything_is_kept_as_it_is(home: Home) -> None:
    call_json(home, "config", "set", "memory.redact_secrets", "false")
    done = call_json(home, "memory", "add", f"Push with {TOKEN}.")
    assert (done["content"], done["redacted"]) == (f"Push with {TOKEN}.", [])
    line = json.dumps({"content": f"two {TOKEN}"})
    assert call_json(home, "memory", "import", "-", stdin=line)["redacted"] == []
    server = Server(home)
    assert server.call("remember", content=f"three {TOKEN}")["content"] == f"three {TOKEN}"
    server.leave()


def test_a_full_export_is_restored_as_it_was_and_names_how_many_hold_a_secret(home: Home) -> None:
    call_json(home, "config", "set", "memory.redact_secrets", "false")
    call_json(home, "memory", "add", f"Push with {TOKEN}.")
    call_json(home, "memory", "add", "Lunch is at noon.")
    everything = said(home, "memory", "export", "--full")
    other = Home(home.root.parent / "other")
    assert call_json(other, "memory", "import", "-", stdin=everything)["holding_secrets"] == 1
    assert said(other, "memory", "export", "--full") == everything


def test_an_agent_is_told_what_was_taken_out_and_nothing_of_it_is_kept(server: Server, home: Home) -> None:
    kept = server.call("remember", content=f"Push with {TOKEN}.", subject=f"git {TOKEN}")
    assert (kept["content"], kept["subject"]) == (f"Push with {MARKER}.", f"git {MARKER}")
    assert kept["redacted"] == ["GitHub token"]
    assert server.call("search_memory", query="push")["results"][0]["content"] == f"Push with {MARKER}."
    assert nowhere(home)


def test_what_an_agent_tells_is_the_agents_unless_it_says_whose_words_they_are(
    server: Server, home: Home
) -> None:
    own = server.call("remember", content="The build takes ten minutes.")
    assert (own["client"], own["origin"], own["trust"]) == ("users", "agent", 1.0)
    assert server.call("remember", content="We deploy on Fridays.", origin="user")["trust"] == 1.0
    page = server.call("remember", content="The page says so.", origin="tool")
    shown = call_json(home, "memory", "show", str(page["id"]))
    assert (shown["client"], shown["origin"], shown["trust"]) == ("users", "tool", 0.3)
    with pytest.raises(RuntimeError, match="origin must be one of user, agent, import, tool"):
        server.call("remember", content="x", origin="nobody")


def test_an_agent_that_read_a_page_is_told_that_the_user_said_otherwise(server: Server, home: Home) -> None:
    call_json(
        home,
        "memory",
        "add",
        "The API is at 8081.",
        "--subject",
        "api",
        "--attribute",
        "port",
        "--scope",
        "p",
    )
    read = server.call(
        "remember", content="The API is at 666.", subject="api", attribute="port", scope="p", origin="tool"
    )
    assert read["corrects"] == []
    assert [each["content"] for each in read["disputes"]] == ["The API is at 8081."]
    found = server.call("search_memory", query="api", scope="p")["results"]
    assert [(each["content"], each["trust"]) for each in found] == [
        ("The API is at 8081.", 1.0),
        ("The API is at 666.", 0.3),
    ]


def test_what_is_added_is_the_users_and_what_is_imported_is_an_imports_unless_it_says_so(home: Home) -> None:
    assert call_json(home, "memory", "add", "one")["origin"] == "user"
    call_json(home, "memory", "import", "-", stdin='{"content": "two"}\n{"content": "3", "origin": "user"}')
    assert [call_json(home, "memory", "show", each)["origin"] for each in ("2", "3")] == ["import", "user"]
    bad = call_json(home, "memory", "import", "-", stdin='{"content": "4", "origin": "me"}', status=1)
    assert bad["bad"][0]["problem"] == "origin must be one of user, agent, import, tool"
    assert "--origin" in refused(home, "memory", "add", "five", "--origin", "me", status=2)
    lines = said(home, "memory", "add", "The port is 9.", "--subject", "a", "--attribute", "b")
    assert lines == "stored as 4\n"
    assert said(
        home, "memory", "add", "The port is 8.", "--subject", "a", "--attribute", "b", "--origin", "tool"
    ).splitlines() == [
        "stored as 5",
        "it says otherwise than 4, which is trusted more and holds: The port is 9.",
    ]


def test_whose_words_a_memory_is_survives_export_and_import_and_a_night(home: Home) -> None:
    call_json(home, "memory", "add", "Port 80.", "--subject", "a", "--attribute", "b", "--origin", "tool")
    call_json(home, "memory", "add", "Port 81.", "--subject", "a", "--attribute", "b", "--origin", "tool")
    call_json(home, "consolidate")
    call_json(home, "nights", "undo", "1")
    everything = said(home, "memory", "export", "--full")
    for part in (["memory", "export"], ["memory", "export", "--full"]):
        assert [json.loads(line)["origin"] for line in said(home, *part).splitlines()[:2]] == ["tool", "tool"]
    other = Home(home.root.parent / "other")
    call_json(other, "memory", "import", "-", stdin=everything)
    assert said(other, "memory", "export", "--full") == everything
