"""Vectors from an HTTP server: what it is asked, and that whatever it does is one sentence and never holds a night up."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Embedding
from iai_daemon.errors import NoEmbedder
from iai_daemon.memory.embedding import load_embedder
from tests.memory.embedding_server import Server, asking, numbers

VECTOR = numbers("hello", 8)


class SomebodyIsBack(Exception):
    """What a yield point raises."""


def refusal(embedding: Embedding, *texts: str) -> str:
    with pytest.raises(NoEmbedder) as caught:
        load_embedder(embedding).embed(texts or ["hello"])
    said = str(caught.value)
    assert said.startswith("The embedding model http:tiny cannot be used: ")
    assert said.endswith(" mends it.")
    assert said.isprintable()
    return said


def test_every_text_gets_the_vector_that_the_server_gives_it_in_the_order_of_the_texts(
    server: Server,
) -> None:
    texts = [f"note {number} of {'x' * (number % 7)}" for number in range(70)]
    found = load_embedder(asking(server)).embed(texts)
    expected = np.array([numbers(text, 8) for text in texts])
    assert np.allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True))
    assert found.dtype == np.float32


def test_a_request_names_the_model_and_holds_some_of_the_texts(server: Server) -> None:
    load_embedder(asking(server)).embed([str(number) for number in range(70)])
    assert [(asked["path"], asked["model"]) for _, asked in server.asked] == [("/v1/embeddings", "tiny")] * 3
    assert [text for _, asked in server.asked for text in asked["input"]] == [
        str(number) for number in range(70)
    ]
    assert all(len(asked["input"]) <= 32 and "Authorization" not in head for head, asked in server.asked)


def test_a_long_text_is_judged_by_its_beginning(server: Server) -> None:
    load_embedder(asking(server)).embed(["ü" * 100_000])
    assert server.asked[0][1]["input"] == ["ü" * 8192]


def test_what_a_server_finds_too_long_is_judged_by_less_of_its_beginning(server: Server) -> None:
    def answer(handler: Any, asked: Any) -> None:
        if max(map(len, asked["input"])) > 1000:
            handler.say({"error": {"message": "input is too large"}}, 500)
        else:
            handler.embed(asked["input"])

    server.answer = answer
    found = load_embedder(asking(server)).embed(["short", "a" * 5000 + "b" * 5000])
    assert [[len(text) for text in asked["input"]] for _, asked in server.asked] == [
        [5, 8192],
        [5, 2048],
        [5, 512],
    ]
    assert np.allclose(found[1], [0, 1, 0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(("length", "times"), [(100, 1), (512, 1), (513, 2), (2048, 2), (2049, 3), (9000, 3)])
def test_a_server_that_refuses_everything_is_not_asked_more_often_than_that_may_help(
    server: Server, length: int, times: int
) -> None:
    server.answer = lambda handler, _: handler.say({"error": "no"}, 400)
    assert "it answers 400 (no). " in refusal(asking(server), "x" * length)
    assert len(server.asked) == times
    assert len({len(asked["input"][0]) for _, asked in server.asked}) == times


def test_nothing_is_asked_where_there_is_no_text(server: Server) -> None:
    assert len(load_embedder(asking(server)).embed([])) == 0
    assert server.asked == []


def test_the_key_comes_from_the_environment_and_goes_as_a_bearer_token(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY_OF_OURS", "secret-123")
    load_embedder(asking(server, api_key_env="A_KEY_OF_OURS")).embed(["hello"])
    assert server.asked[0][0]["Authorization"] == "Bearer secret-123"


def test_a_key_that_is_not_there_is_told_before_anything_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedding = asking(server, api_key_env="A_KEY_OF_OURS")
    assert "environment variable A_KEY_OF_OURS, which is not set" in refusal(embedding)
    assert "a service has an environment of its own" in refusal(embedding)
    monkeypatch.setenv("A_KEY_OF_OURS", "secret-123\n")
    assert "environment variable A_KEY_OF_OURS, which holds none" in refusal(embedding)
    assert server.asked == []


def test_the_key_is_never_repeated(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY_OF_OURS", "secret-123")
    server.answer = lambda handler, _: handler.say({"error": "bad key secret-123"}, 401)
    said = refusal(asking(server, api_key_env="A_KEY_OF_OURS"))
    assert "it answers 401 (" in said
    assert "secret-123" not in said


def test_what_stays_on_this_machine_goes_through_no_proxy(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert len(load_embedder(asking(server)).embed(["hello"])) == 1


Answer = Callable[[Any, Any], None]


def saying(answer: Any) -> Answer:
    return lambda handler, _: handler.say(answer)


def giving(*embeddings: Any) -> Answer:
    return saying({"data": [{"index": at, "embedding": each} for at, each in enumerate(embeddings)]})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            lambda handler, _: handler.say({"error": "out of\n\x1b[31m memory"}, 500),
            "it answers 500 (out of [31m memory). ",
        ),
        (
            lambda handler, _: handler.say({"error": {"message": "no " + "x" * 900, "input": "hello"}}, 400),
            "it answers 400 (no xxxx",
        ),
        (lambda handler, asked: handler.say({"detail": [asked]}, 422), "it answers 422. "),
        (lambda handler, asked: handler.say({"error": {"message": asked}}, 422), "it answers 422. "),
        (lambda handler, _: handler.say([], 429), "it answers 429. "),
        (lambda handler, _: handler.write(b"<html>", 502), "it answers 502. "),
        (lambda handler, _: handler.write(b"", 503), "it answers 503. "),
        (
            lambda handler, _: handler.write(b"", 302, Location="http://127.0.0.1:1/elsewhere"),
            "it answers 302. ",
        ),
        (lambda handler, _: handler.write(b'{"data": [', length=500), "it does not answer (peer closed"),
        (lambda handler, _: handler.write(b"<html>hello</html>"), "its answer is no JSON"),
        (lambda handler, _: handler.write(b"\xff\xfe\x00"), "its answer is no JSON"),
        (lambda handler, _: handler.write(b"[" * 200_000), "its answer is no JSON"),
        (lambda handler, _: handler.write(b" " * 100_000_000), "its answer is longer than 16 MB"),
        (saying([]), "its answer does not hold 2 embeddings"),
        (saying(None), "its answer does not hold 2 embeddings"),
        (saying({"data": {"0": VECTOR}}), "its answer does not hold 2 embeddings"),
        (giving(VECTOR), "its answer does not hold 2 embeddings"),
        (giving(VECTOR, "hello"), "its answer holds something that is no embedding"),
        (giving(VECTOR, []), "its answer holds something that is no embedding"),
        (giving(VECTOR, [1.0, "2"]), "its answer holds something that is no embedding"),
        (giving(VECTOR, [True] * 8), "its answer holds something that is no embedding"),
        (giving(VECTOR, [None] * 8), "its answer holds something that is no embedding"),
        (giving(VECTOR, [float("nan")] * 8), "its answer holds something that is no embedding"),
        (giving(VECTOR, [float("inf")] * 8), "its answer holds something that is no embedding"),
        (giving(VECTOR, [10**400] * 8), "its answer holds something that is no embedding"),
        (giving(VECTOR, [1.0] * 10_000), "its answer holds something that is no embedding"),
        (giving(VECTOR, [1.0] * 9), "its embeddings do not all have one dimension"),
        (saying({"data": [1, 2]}), "its answer holds something that is no embedding"),
        (
            saying({"data": [{"index": 0, "embedding": VECTOR}] * 2}),
            "its answer does not hold an embedding of each text",
        ),
        (
            saying({"data": [{"index": at, "embedding": VECTOR} for at in (0, 7)]}),
            "its answer does not hold an embedding of each text",
        ),
        (
            saying({"data": [{"index": at, "embedding": VECTOR} for at in ([], {})]}),
            "its answer holds something that is no embedding",
        ),
    ],
)
def test_what_a_server_does_wrong_is_one_sentence(server: Server, answer: Answer, said: str) -> None:
    server.answer = answer
    assert said in refusal(asking(server), "hello", "world")


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.answer = lambda handler, _: handler.write(b"", 307, Location=handler.path + "/elsewhere")
    assert "it answers 307" in refusal(asking(server))
    assert [asked["path"] for _, asked in server.asked] == ["/v1/embeddings"]


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = refusal(Embedding("http", f"http://127.0.0.1:{port}/v1", "tiny"))
    assert f"http://127.0.0.1:{port}/v1/embeddings: it does not answer (" in said
    assert "Starting that server" in said


def test_a_name_that_leads_nowhere_is_one_sentence() -> None:
    said = refusal(Embedding("http", "http://nowhere.invalid/v1", "tiny", timeout=5.0))
    assert "http://nowhere.invalid/v1/embeddings: it " in said


@pytest.mark.parametrize("wait", ["hang", "drip"])
def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_is_set(server: Server, wait: str) -> None:
    server.answer = lambda handler, _: getattr(handler, wait)()
    since = Stopwatch()
    assert "it " in refusal(asking(server, timeout=0.3))
    assert since.seconds() < 5


@pytest.mark.parametrize("wait", ["hang", "drip"])
def test_a_night_gives_way_while_a_server_hangs(server: Server, wait: str) -> None:
    server.answer = lambda handler, _: getattr(handler, wait)()
    asked_to_stop: list[Stopwatch] = []

    def go_on() -> None:
        if server.asked and not asked_to_stop:
            asked_to_stop.append(Stopwatch())
        if asked_to_stop:
            raise SomebodyIsBack

    with pytest.raises(SomebodyIsBack):
        load_embedder(asking(server)).embed(["hello"], go_on)
    assert asked_to_stop[0].seconds() < 1


def test_an_answer_in_pieces_is_put_together(server: Server) -> None:
    def answer(handler: Any, _: Any) -> None:
        body = json.dumps({"data": [{"embedding": VECTOR}]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))

    server.answer = answer
    assert load_embedder(asking(server)).embed(["hello"]).shape == (1, 8)
