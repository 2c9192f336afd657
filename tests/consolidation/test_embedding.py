"""Nights that turn memories into vectors: with another model than before, and with one that is not there."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from iai_daemon.config import Embedding
from iai_daemon.consolidation.job import Job
from iai_daemon.consolidation.night import Night
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.report import NOT_REHEARSED
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.embedding import stored_as
from iai_daemon.memory.store import Query
from iai_daemon.memory.stores import Stores
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, remember, work_in_a_process, worker
from tests.fakes import NOON, FakeClock
from tests.journeys.real import until
from tests.memory.embedding_server import Server, asking, embedding_server


@pytest.fixture
def server() -> Iterator[Server]:
    with embedding_server() as server:
        yield server


def choose(home: Home, embedding: Embedding) -> None:
    """This model for the next nights, which do little beside it."""
    home.config.write_text(
        "\n".join(
            [
                "[consolidation]",
                'passes = ["expire", "embed"]',
                "[embedding]",
                f"model = {json.dumps(embedding.model)}",
                f"url = {json.dumps(embedding.url)}",
                f"remote_model = {json.dumps(embedding.remote_model)}",
                f'timeout = "{embedding.timeout * 1000:.0f}ms"',
                "",
            ]
        )
    )


def tonight(stores: Stores, embedding: Embedding, **order: Any) -> dict[str, Any]:
    """The report of a night with this model, in this process."""
    chosen = [Expire(), Embed(embedding)]
    asked = Order("night", "absent", model=stored_as(embedding), **order)
    return run_night(stores.nights, chosen, asked, Surroundings(clock=FakeClock().now)).as_json()


def report_of(home: Home, **job: Any) -> dict[str, Any]:
    """That of a night in a worker."""
    report = work_in_a_process(home, **job)
    assert report is not None
    return report


def notes(stores: Stores, number: int) -> None:
    for place in range(number):
        remember(stores, f"note {place}: ask Ingrid before touching deploy target {place * 7}")


def embedded(stores: Stores, model: str) -> int:
    return stores.nights.counts(model)["embedded"]


def texts_asked(server: Server) -> list[str]:
    return [text for _, asked in server.asked for text in asked["input"]]


def found(stores: Stores) -> list[int]:
    return [hit.record.id for hit in stores.memory.search(Query("deploy target Ingrid", 5), NOW)]


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["status"] for each in report["passes"] if each["round"] == 1}


def hang_after(server: Server, requests: int) -> None:
    def answer(handler: Any, asked: Any) -> None:
        if len(server.asked) > requests:
            handler.hang()
        else:
            handler.embed(asked["input"])

    server.answer = answer


def answer_well(server: Server, dimension: int = 8) -> None:
    server.asked.clear()
    server.answer = lambda handler, asked: handler.embed(asked["input"], dimension)


def test_after_a_change_of_the_model_a_night_embeds_everything_anew_and_search_goes_on(
    stores: Stores, home: Home, server: Server
) -> None:
    notes(stores, 100)
    assert tonight(stores, Embedding())["embedding_coverage"] == 1.0
    before = found(stores)
    choose(home, asking(server))
    report = report_of(home)
    assert (report["nodes_embedded"], report["embedding_coverage"]) == (100, 1.0)
    assert (embedded(stores, "hash-256"), embedded(stores, "http:tiny")) == (100, 100)
    assert found(stores) == before
    assert report_of(home)["outcome"] == "nothing_to_do"


def test_a_killed_night_is_gone_on_with_where_it_was(stores: Stores, home: Home, server: Server) -> None:
    notes(stores, 150)
    tonight(stores, Embedding())
    choose(home, asking(server))
    hang_after(server, 2)
    with worker(home) as process:
        until(lambda: len(server.asked) > 2, 60)
        process.kill()
    kept = embedded(stores, "http:tiny")
    done = texts_asked(server)[:kept]
    assert 0 < kept < 150
    assert embedded(stores, "hash-256") == 150
    assert len(found(stores)) == 5
    answer_well(server)
    report = report_of(home)
    assert (report["nodes_embedded"], report["embedding_coverage"]) == (150 - kept, 1.0)
    assert len(texts_asked(server)) == 150 - kept
    assert not set(texts_asked(server)) & set(done)


def test_a_night_gives_way_within_a_second_while_a_server_hangs(
    stores: Stores, home: Home, server: Server
) -> None:
    notes(stores, 100)
    choose(home, asking(server))
    hang_after(server, 2)
    under_way = Night(Job(home.root, "night", "absent"), yield_within=5.0)

    async def run() -> dict[str, Any] | None:
        working = asyncio.create_task(under_way.run())
        await asyncio.to_thread(until, lambda: len(server.asked) > 2, 60)
        under_way.request_yield("somebody is back")
        return await working

    report = asyncio.run(run())
    assert report is not None
    assert (report["outcome"], report["nodes_embedded"]) == ("yielded", embedded(stores, "http:tiny"))
    assert 0 < embedded(stores, "http:tiny") < 100
    assert under_way.yield_seconds is not None
    assert under_way.yield_seconds < 1


def test_a_model_that_is_not_there_holds_up_nothing_else(stores: Stores, server: Server) -> None:
    notes(stores, 3)
    remember(stores, "the staging token is abc", expires_at=NOON - 60)
    server.answer = lambda handler, _: handler.say({"error": "no such model"}, 404)
    report = tonight(stores, asking(server))
    assert (report["outcome"], report["expired_pruned"], report["nodes_embedded"]) == ("failed", 1, 0)
    status = statuses(report)
    assert status["expire"] == "done"
    assert status["embed"].startswith("failed: The embedding model http:tiny cannot be used: ")
    assert "it answers 404 (no such model)" in status["embed"]
    assert status["embed"].endswith(
        "Starting that server, or another `embedding.url` or `embedding.remote_model`, mends it."
    )


def test_after_three_failures_it_is_left_in_peace(stores: Stores, server: Server) -> None:
    notes(stores, 3)
    server.answer = lambda handler, _: handler.write(b"", 500)
    for _ in range(3):
        assert statuses(tonight(stores, asking(server)))["embed"].startswith("failed: ")
    asked = len(server.asked)
    assert tonight(stores, asking(server))["outcome"] == "nothing_to_do"
    assert len(server.asked) == asked
    answer_well(server)
    stores.nights.hinder("embed", None)
    assert tonight(stores, asking(server))["embedding_coverage"] == 1.0


def test_vectors_of_another_dimension_than_before_are_refused(stores: Stores, server: Server) -> None:
    notes(stores, 3)
    assert tonight(stores, asking(server))["nodes_embedded"] == 3
    remember(stores, "one more")
    answer_well(server, dimension=12)
    status = statuses(tonight(stores, asking(server)))["embed"]
    assert "it gives vectors of 12 numbers, where they had 8 before. " in status
    assert embedded(stores, "http:tiny") == 3
    assert tonight(stores, asking(server, model="small"))["embedding_coverage"] == 1.0


def test_vectors_that_hold_no_numbers_are_refused(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a library of somebody else's, as it is imported."""
    package = ModuleType("sentence_transformers")
    package.SentenceTransformer = Broken  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)
    notes(stores, 3)
    status = statuses(tonight(stores, Embedding("sentence-transformers:broken")))["embed"]
    assert "it gives vectors that hold something else than numbers. " in status


class Broken:
    """A model that computes nonsense."""

    def __init__(self, name: str) -> None:
        """Every name is as good."""

    def encode(self, texts: list[str], **_: object) -> list[list[float]]:
        return [[1.0, float("nan")] for _ in texts]


def test_a_rehearsal_sends_nothing_anywhere(stores: Stores, home: Home, server: Server) -> None:
    notes(stores, 3)
    choose(home, asking(server))
    assert statuses(report_of(home, dry_run=True)) == {"embed": NOT_REHEARSED}
    assert server.asked == []


def test_the_precision_that_is_set_is_that_of_new_vectors(stores: Stores, server: Server) -> None:
    notes(stores, 2)
    tonight(stores, asking(server))
    remember(stores, "one more")
    assert tonight(stores, asking(server, precision="float16"))["embedding_coverage"] == 1.0
    kept = [(each.dimension, len(each.data)) for each in stores.nights.vectors("http:tiny", 0, 9)]
    assert kept == [(8, 32), (8, 32), (8, 16)]
