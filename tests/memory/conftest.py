"""A server that gives embeddings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.memory.embedding_server import Server, embedding_server


@pytest.fixture
def server() -> Iterator[Server]:
    with embedding_server() as server:
        yield server
