"""Models that sentence-transformers loads, seen with a small package of that name: the real one is gigabytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = """
import time
import numpy as np

class SentenceTransformer:
    def __init__(self, name):
        if name == "missing":
            raise OSError("missing is not a local folder\\nand is not a valid model identifier")
        if name == "slow":
            time.sleep(60)
        self.name = name

    def encode(self, texts, show_progress_bar):
        if self.name == "broken":
            raise RuntimeError("CUDA out of memory")
        if self.name == "lazy":
            return np.ones(3)
        return np.array([[len(text), 1.0, 2.0] for text in texts], dtype=np.float64)
"""

PROGRAM = """
import sys
from iai_daemon.clock import Stopwatch
from iai_daemon.config import Embedding
from iai_daemon.errors import NoEmbedder
from iai_daemon.memory.embedding import load_embedder

class SomebodyIsBack(Exception):
    pass

watch = Stopwatch()
def go_on():
    if watch.seconds() > 0.2 and sys.argv[1].endswith("slow"):
        raise SomebodyIsBack

try:
    embedder = load_embedder(Embedding(sys.argv[1]))
    print("sentence_transformers" in sys.modules)
    rows = embedder.embed(["x" * number for number in range(20)], go_on)
    print(rows.shape, rows.dtype, [round(float(row @ row), 3) for row in rows] == [1.0] * 20, bool(rows[9, 0] > rows[1, 0]))
except (NoEmbedder, SomebodyIsBack) as cause:
    print(type(cause).__name__, cause)
print("sentence_transformers" in sys.modules)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sentence_transformers.py").write_text(PACKAGE)
    return tmp_path


def says(model: str, site: Path) -> list[str]:
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM, model],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    return child.stdout.splitlines()


def test_the_model_that_is_named_makes_vectors_of_length_one(site: Path) -> None:
    loaded, rows, _ = says("sentence-transformers:tiny", site)
    assert loaded == "False", "it is loaded with the first text"
    assert rows == "(20, 3) float32 True True"


def test_it_is_not_imported_unless_it_is_chosen(site: Path) -> None:
    assert says("hash", site) == ["False", "(20, 256) float32 False False", "False"]


def test_a_night_gives_way_while_a_model_loads(site: Path) -> None:
    assert says("sentence-transformers:slow", site)[1:] == ["SomebodyIsBack ", "True"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "missing",
            "the model cannot be loaded (missing is not a local folder). Another `embedding.model` mends it.",
        ),
        ("broken", "it fails (CUDA out of memory). Another `embedding.model` mends it."),
        ("lazy", "it does not give one vector for each text. Another `embedding.model` mends it."),
    ],
)
def test_what_goes_wrong_is_one_sentence(site: Path, name: str, said: str) -> None:
    model = f"sentence-transformers:{name}"
    assert f"NoEmbedder The embedding model {model} cannot be used: {said}" in says(model, site)


def test_a_package_that_is_missing_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "sentence_transformers.py").write_text("import torch_of_that_kind")
    said = says("sentence-transformers:tiny", tmp_path)
    assert "the package torch_of_that_kind is not installed." in said[1]
    assert '`pip install "iai-daemon[embeddings]"` mends it.' in said[1]


def test_a_package_that_is_broken_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "sentence_transformers.py").write_text('raise OSError("libcuda.so: cannot open")')
    said = says("sentence-transformers:tiny", tmp_path)
    assert (
        "its package cannot be loaded (libcuda.so: cannot open). Installing it anew, or a greater " in said[1]
    )
