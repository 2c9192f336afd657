"""Vectors from any server that speaks the embeddings call of OpenAI's HTTP interface: Ollama, LM Studio, vLLM, llama.cpp and
others. https://platform.openai.com/docs/api-reference/embeddings"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from typing import Any, TypeGuard

import httpx2
import numpy as np

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Embedding
from iai_daemon.errors import NoEmbedder
from iai_daemon.foreign import printable
from iai_daemon.kinds import is_loopback
from iai_daemon.memory.embedders.embedder import GoOn
from iai_daemon.memory.embedders.waiting import wait_for
from iai_daemon.memory.vectors import Vectors, unit
from iai_daemon.units import format_duration

_TEXTS_AT_ONCE = 32
# A longer text is judged by its beginning. Some models take no more than some hundred words, and their servers refuse a request
# that holds more instead of cutting it.
_MOST_CHARACTERS, _LESS_CHARACTERS = 8192, (2048, 512)
_PERHAPS_TOO_LONG = (400, 413, 422, 500)
# What 32 vectors of so many numbers take as text, and some.
_MOST_BYTES = 16_000_000
_MOST_NUMBERS = 8192
# Beyond it a number's square, summed up, is none any more.
_GREATEST = 1e30
_SAID = 200
_ANOTHER = "Starting that server, or another `embedding.url` or `embedding.remote_model`,"


class RemoteEmbedder:
    """Asks `url`/embeddings for vectors of `remote_model`, in as many requests as it takes, each within `timeout`. Raises
    NoEmbedder."""

    def __init__(self, embedding: Embedding) -> None:
        self.name = f"http:{embedding.remote_model}"
        self._model = embedding.remote_model
        self._url = embedding.url.rstrip("/") + "/embeddings"
        self._timeout = embedding.timeout
        self._key = self._read_key(embedding.api_key_env)

    def _read_key(self, variable: str) -> str | None:
        """Never from the settings, which people show to one another."""
        if not variable:
            return None
        key = os.environ.get(variable, "")
        if not key or not key.isascii() or not key.isprintable():
            raise NoEmbedder(
                model=self.name,
                problem=f"the key is to be in the environment variable {variable}, which {'holds none' if key else 'is not set'}",
                remedy="Setting it where the daemon is started (a service has an environment of its own, not that of your shell)",
            )
        return key

    def embed(self, texts: Sequence[str], go_on: GoOn = lambda: None) -> Vectors:
        """One row per text, of length 1. `go_on` is called while the server thinks; when it raises, the request is left to
        itself."""
        parts: list[list[list[float]]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = texts[start : start + _TEXTS_AT_ONCE]
            parts.append(self._embeddings(self._cut_to_fit(some, go_on), len(some)))
        rows = [row for part in parts for row in part]
        if len({len(row) for row in rows}) > 1:
            raise self._refusal("its embeddings do not all have one dimension")
        return unit(np.array(rows, np.float64)) if rows else np.zeros((0, 1), np.float32)

    def _cut_to_fit(self, texts: Sequence[str], go_on: GoOn) -> Any:
        """The answer to as much of these texts as the server takes."""
        longest = max(map(len, texts))
        *more, least = [_MOST_CHARACTERS, *(less for less in _LESS_CHARACTERS if less < longest)]
        for most in more:
            try:
                return self._answer([text[:most] for text in texts], go_on)
            except NoEmbedder as cause:
                if cause.data.get("status") not in _PERHAPS_TOO_LONG:
                    raise
        return self._answer([text[:least] for text in texts], go_on)

    def _answer(self, texts: Sequence[str], go_on: GoOn) -> Any:
        """Within the timeout as a whole, however slowly it comes, and given up with it."""
        since, given_up = Stopwatch(), threading.Event()

        def ask_on() -> None:
            go_on()
            if since.seconds() > self._timeout:
                raise self._refusal(f"it has not answered within {format_duration(self._timeout)}")

        try:
            return wait_for(lambda: self._ask(texts, given_up), ask_on)
        finally:
            given_up.set()

    def _ask(self, texts: Sequence[str], given_up: threading.Event) -> Any:
        asked = {"model": self._model, "input": list(texts)}
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        # A redirect, or a proxy that was meant for other things, would carry the texts to somewhere that nobody has named.
        trust = not is_loopback(self._url)
        try:
            with (
                httpx2.Client(timeout=self._timeout, follow_redirects=False, trust_env=trust) as client,
                client.stream("POST", self._url, content=json.dumps(asked), headers=headers) as answer,
            ):
                body = self._read(answer, given_up)
                if answer.status_code != httpx2.codes.OK:
                    raise self._refusal(
                        f"it answers {answer.status_code}{self._say(body)}", answer.status_code
                    )
                return json.loads(body)
        except httpx2.HTTPError as cause:
            said = _on_one_line(str(cause)) or type(cause).__name__
            raise self._refusal(f"it does not answer ({said})") from cause
        except (ValueError, RecursionError) as cause:
            raise self._refusal("its answer is no JSON") from cause

    def _read(self, answer: httpx2.Response, given_up: threading.Event) -> bytes:
        body = bytearray()
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise self._refusal(f"its answer is longer than {_MOST_BYTES // 1_000_000} MB")
            if given_up.is_set():
                break
        return bytes(body)

    def _say(self, body: bytes) -> str:
        """What a server says about a mistake, without the key. Only what is meant to be said: others repeat what they were asked, which
        belongs into no log."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return ""
        error = answer.get("error") if isinstance(answer, dict) else None
        said = error.get("message") if isinstance(error, dict) else error
        if not isinstance(said, str) or not said.strip():
            return ""
        return f" ({_on_one_line(said.replace(self._key, '…') if self._key else said)})"

    def _embeddings(self, answer: Any, count: int) -> list[list[float]]:
        """The vectors of an answer, in the order of the texts."""
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or len(data) != count:
            raise self._refusal(f"its answer does not hold {count} embeddings")
        rows: dict[int, list[float]] = {}
        for place, each in enumerate(data):
            held = each if isinstance(each, dict) else {}
            index, vector = held.get("index", place), held.get("embedding")
            if type(index) is not int or not _is_vector(vector):
                raise self._refusal("its answer holds something that is no embedding")
            rows[index] = vector
        if rows.keys() != set(range(count)):
            raise self._refusal("its answer does not hold an embedding of each text")
        return [rows[index] for index in range(count)]

    def _refusal(self, problem: str, status: int | None = None) -> NoEmbedder:
        return NoEmbedder(model=self.name, problem=f"{self._url}: {problem}", remedy=_ANOTHER, status=status)


def _on_one_line(text: str) -> str:
    """Its beginning, so that no terminal stumbles over it."""
    return " ".join(printable(text[: 2 * _SAID], " ", keep="").split())[:_SAID]


def _is_vector(value: object) -> TypeGuard[list[float]]:
    return (
        isinstance(value, list)
        and 0 < len(value) <= _MOST_NUMBERS
        and all(type(number) in (int, float) and -_GREATEST < number < _GREATEST for number in value)
    )
