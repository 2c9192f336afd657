"""What a client can show without a call: real servers, real nights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iai_daemon.clock import read
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import night
from tests.mcp_server.users import Server


@pytest.fixture
def stores(home: Home) -> Iterator[Stores]:
    stores = open_stores(home)
    yield stores
    stores.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "shop"
    (project / ".git").mkdir(parents=True)
    return project


@pytest.fixture
def server(stores: Stores, home: Home, project: Path) -> Iterator[Server]:
    server = Server(home, project)
    yield server
    server.leave()


def test_they_are_listed_and_nothing_is_promised_that_does_not_come(server: Server) -> None:
    listed = server.ask("resources/list", {})["resources"]
    assert {each["uri"]: each["mimeType"] for each in listed} == {
        "memory://recent": "text/markdown",
        "memory://night/last": "text/plain",
    }
    (template,) = server.ask("resources/templates/list", {})["resourceTemplates"]
    assert template["uriTemplate"] == "memory://record/{id}"
    assert all(each["title"] and each["description"] for each in [*listed, template])
    can = server.hello["capabilities"]
    assert can["resources"] == {"listChanged": False, "subscribe": False}
    assert can["tools"] == {"listChanged": False}


def test_recent_is_what_was_told_last_here_and_everywhere_and_holds(
    server: Server, stores: Stores, project: Path
) -> None:
    assert server.read("memory://recent") == "Nothing has been remembered yet.\n"
    server.call("remember", content="Deploys go to Paris.", subject="deploys", attribute="place")
    server.call("remember", content="The user prefers\n\ttabs.", scope="global")
    server.call("remember", content="Deploys go to Oslo.", scope="/another/project")
    wrong = server.call("remember", content="Nobody should know this.")
    server.call("forget", id=wrong["id"])
    server.call("remember", content="It is over.", expires_at="2020-01-01T00:00:00Z")
    head, _, *lines = server.read("memory://recent").splitlines()
    today = server.call("search_memory", query="tabs")["results"][0]["created_at"][:10]
    assert "search_memory" in head
    assert lines == [f"- 2 ({today}, global): The user prefers tabs.", f"- 1 ({today}): Deploys go to Paris."]
    server.call("remember", content="Deploys go to Lyon.", subject="deploys", attribute="place")
    night(stores)
    assert "Paris" not in server.read("memory://recent")


def test_recent_stays_short(server: Server, stores: Stores) -> None:
    drafts = [Draft(f"note {number} " + "of many words " * 50) for number in range(40)]
    stores.memory.import_many(drafts, read().milliseconds)
    text = server.read("memory://recent")
    assert text.count("\n- ") == 20
    assert len(text) < 5_000
    assert "note 39 " in text
    assert "note 19 " not in text


def test_the_last_night_is_told_with_what_takes_it_back(server: Server, stores: Stores) -> None:
    assert "No night has been yet" in server.read("memory://night/last")
    server.call("remember", content="Deploys go to Paris.", subject="deploys", attribute="place")
    server.call("remember", content="Deploys go to Lyon.", subject="deploys", attribute="place")
    told = night(stores)
    text = server.read("memory://night/last")
    assert f"night {told.id}, completed." in text
    assert '"Deploys go to Paris." gave way to "Deploys go to Lyon."' in text
    assert "1 replaced by newer facts" in text
    assert f"`iai-daemon nights undo {told.id}` takes it back." in text
    stores.nights.undo(told.id, read().milliseconds, force=False)
    assert "It was taken back at" in server.read("memory://night/last")
    begun = stores.nights.begin_night("night", "asked", read().milliseconds)
    assert f"Another one, night {begun}, has not ended yet." in server.read("memory://night/last")


def test_a_first_night_that_has_not_ended_yet_is_said_to_be_under_way(server: Server, stores: Stores) -> None:
    stores.nights.begin_night("nap", "idle", read().milliseconds)
    assert server.read("memory://night/last") == "The first nap, 1, has not ended yet.\n"


def test_one_memory_is_told_with_its_story(server: Server, stores: Stores) -> None:
    server.call(
        "remember", content="Deploys go to Paris.", subject="deploys", attribute="place", source="the user"
    )
    server.call("remember", content="Deploys go to Lyon.", subject="deploys", attribute="place")
    night(stores)
    told = json.loads(server.read("memory://record/1"))
    assert (told["content"], told["current"], told["superseded_by"]) == ("Deploys go to Paris.", False, 2)
    assert {each["what"] for each in told["story"]} == {"told", "replaced_by"}
    assert told["links"] == []


def test_what_is_not_there_is_said_in_one_sentence(server: Server) -> None:
    wrong = server.call("remember", content="Nobody should know this.")
    server.call("forget", id=wrong["id"])
    for name in (wrong["id"], "99", "0", "-1", "x", "1.0", "٣", "9" * 5000, "1/2", ""):
        with pytest.raises(RuntimeError, match="There is no") as refused:
            server.read(f"memory://record/{name}")
        assert "\n" not in str(refused.value)


def test_an_unknown_resource_is_answered_with_those_that_there_are(server: Server) -> None:
    with pytest.raises(
        RuntimeError, match="there are memory://recent, memory://night/last, memory://record/"
    ):
        server.read("memory://everything")
