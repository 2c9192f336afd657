"""The offline embedder: equal everywhere, and near where words are near."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.memory.embedders.hashing import HashEmbedder

TEXTS = ["The API listens on port 8081.", "straße", "日本語のメモ", "a" * 5000, "x_y", "!?"]


def digest() -> str:
    return hashlib.sha256(HashEmbedder().embed(TEXTS).astype("<f4").tobytes()).hexdigest()[:16]


def test_vectors_are_the_same_to_the_last_bit_on_every_machine() -> None:
    assert digest() == "c0144f4843fc80cb"


def test_vectors_do_not_depend_on_the_process_that_makes_them() -> None:
    program = "from tests.memory.test_hash_embedder import digest; print(digest())"
    for seed in ("1", "2"):
        child = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert child.stdout.strip() == digest()


@given(st.lists(st.text(max_size=40), max_size=8))
def test_every_vector_has_length_one_or_no_words(texts: list[str]) -> None:
    vectors = HashEmbedder().embed(texts)
    assert vectors.shape == (len(texts), 256)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    for text, length in zip(texts, lengths, strict=True):
        assert abs(length - 1) < 1e-5 or (length == 0 and len(text) < 41)


def test_a_text_without_words_has_a_vector_of_zeros() -> None:
    assert not HashEmbedder().embed(["", " \n", "?!_"]).any()


@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_a_vector_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    together = HashEmbedder().embed(texts)
    alone = np.concatenate([HashEmbedder().embed([text]) for text in texts])
    assert (together == alone).all()


def test_near_texts_are_nearer_than_far_ones() -> None:
    said, again, other = HashEmbedder().embed(
        [
            "Run the migrations before the worker starts.",
            "before starting the worker, run migrations",
            "Ravi writes in Emacs.",
        ]
    )
    assert said @ again > 2 * (said @ other)


def test_it_asks_whether_it_may_go_on_between_portions_of_long_texts() -> None:
    asked: list[None] = []
    HashEmbedder().embed(["x y " * 1024] * 64, lambda: asked.append(None))
    assert len(asked) >= 4
