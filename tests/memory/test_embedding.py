"""Which embedder the settings name, and under which name its vectors are kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

from iai_daemon.config import Embedding
from iai_daemon.memory.embedding import load_embedder, stored_as
from tests.memory.test_static_embedder import installed

URL = "http://localhost:1/v1"
MODELS = [
    Embedding(),
    pytest.param(Embedding("wordllama"), marks=installed),
    Embedding("http", URL, "tiny"),
    Embedding("http", URL, "name/with:signs"),
    Embedding("sentence-transformers:org/model"),
]


@pytest.mark.parametrize("embedding", MODELS, ids=str)
def test_vectors_are_kept_under_the_name_of_their_embedder(embedding: Embedding) -> None:
    assert load_embedder(embedding).name == stored_as(embedding)


def test_every_model_has_a_name_of_its_own() -> None:
    names = [stored_as(each) for each in (Embedding(), Embedding("wordllama"), Embedding("http", URL, "a"))]
    assert len(set(names)) == 3
    assert stored_as(Embedding("none")) is None
    assert stored_as(Embedding("http", URL, "a", precision="float16")) == "http:a"


@pytest.mark.parametrize("model", ["hash", "wordllama", "http", "sentence-transformers:x"])
def test_who_asks_for_the_name_alone_loads_neither_numpy_nor_a_client(model: str) -> None:
    program = (
        "import sys; from iai_daemon.config import Embedding; from iai_daemon.memory.embedding import stored_as;"
        f"stored_as(Embedding({model!r}, {URL!r}, 'tiny'));"
        "print(*sorted({'numpy', 'httpx2', 'sentence_transformers'} & set(sys.modules)))"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.split() == []
