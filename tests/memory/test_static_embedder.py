"""The vectors that the package wordllama carries: split as its own tokenizer splits, and what is said where it is not there."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Embedding
from iai_daemon.errors import NoEmbedder
from iai_daemon.memory.embedders.static import StaticEmbedder
from iai_daemon.memory.embedding import load_embedder

try:
    importlib.metadata.version("wordllama")
    INSTALLED = True
except importlib.metadata.PackageNotFoundError:
    INSTALLED = False
installed = pytest.mark.skipif(
    not INSTALLED, reason="the package wordllama is not installed: pip install --no-deps wordllama"
)
WORDLLAMA = Embedding("wordllama")


@pytest.fixture(scope="module")
def embedder() -> StaticEmbedder:
    return StaticEmbedder()


# What the tokenizer of the package itself (huggingface's tokenizers) makes of them.
SPLIT = {
    "The API listens on port 8081.": [
        450,
        3450,
        1051,
        575,
        373,
        2011,
        29871,
        29947,
        29900,
        29947,
        29896,
        29889,
    ],
    "straße": [5312, 5831],
    "日本語のメモ": [29871, 30325, 30346, 30968, 30199, 30604, 30761],
    "  two  spaces ": [259, 1023, 29871, 8162, 29871],
    "naïve 🦊 fox": [1055, 30085, 345, 29871, 243, 162, 169, 141, 1701, 29916],
    "x_y\nz\tq": [921, 29918, 29891, 13, 29920, 12, 29939],
    "": [],
}


@installed
@pytest.mark.parametrize("text", SPLIT)
def test_a_text_is_split_as_the_package_splits_it(embedder: StaticEmbedder, text: str) -> None:
    assert embedder.pieces.of(text) == SPLIT[text]


@installed
def test_near_texts_are_nearer_than_far_ones_also_in_other_words(embedder: StaticEmbedder) -> None:
    car, vehicle, cheese = embedder.embed(
        ["She bought a new car.", "She purchased another vehicle.", "The cheese has to ripen for a year."]
    )
    assert car @ vehicle > 0.5 > 2 * (car @ cheese)


@installed
@given(texts=st.lists(st.text(max_size=40), max_size=8))
def test_every_vector_has_length_one_or_no_text(embedder: StaticEmbedder, texts: list[str]) -> None:
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), 256)
    assert vectors.dtype == np.float32
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.allclose(lengths, [1.0 if text else 0.0 for text in texts], atol=1e-3)


@installed
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_a_vector_does_not_depend_on_its_neighbours(embedder: StaticEmbedder, texts: list[str]) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert (embedder.embed(texts) == alone).all()


@installed
@pytest.mark.parametrize("word", ["x" * 4096, "zq" * 2048, "a b" * 1365, "\N{SNOWMAN}" * 4096])
def test_it_asks_often_whether_it_may_go_on(embedder: StaticEmbedder, word: str) -> None:
    watch, longest = [Stopwatch()], [0.0]

    def go_on() -> None:
        longest[0] = max(longest[0], watch[0].seconds())
        watch[0] = Stopwatch()

    embedder.embed([f"{number}{word}" for number in range(64)], go_on)
    go_on()
    assert longest[0] < 0.5


@installed
def test_the_package_itself_is_never_imported() -> None:
    program = (
        "import sys; from iai_daemon.config import Embedding; from iai_daemon.memory.embedding import load_embedder;"
        "load_embedder(Embedding('wordllama')).embed(['hello']); print('wordllama' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "False"


class Package:
    """A package of the same name in a directory of its own, before all others."""

    def __init__(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._info = site / "wordllama-9.dist-info"
        self._info.mkdir(parents=True)
        (self._info / "METADATA").write_text("Metadata-Version: 2.1\nName: wordllama\nVersion: 9\n")
        self._site = site
        self._files: list[str] = []
        monkeypatch.syspath_prepend(str(site))

    def hold(self, name: str, data: bytes) -> None:
        path = self._site / "wordllama" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._files.append(f"wordllama/{name}")
        (self._info / "RECORD").write_text("".join(f"{each},,\n" for each in self._files))


WEIGHTS, TOKENIZER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"


def weights(rows: int, dtype: str = "F16", offset: int = 0) -> bytes:
    described = {"dtype": dtype, "shape": [rows, 256], "data_offsets": [0, rows * 512 + offset]}
    head = json.dumps({"embedding.weight": described}).encode()
    return len(head).to_bytes(8, "little") + head + np.ones((rows, 256), "<f2").tobytes()


def vocabulary(*pieces: str) -> bytes:
    every = [*(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    model = {"vocab": {piece: number for number, piece in enumerate(every)}, "merges": ["a b", "ab c"]}
    return json.dumps({"model": model}).encode()


def test_a_package_in_the_form_that_is_expected_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Package(tmp_path, monkeypatch)
    package.hold(WEIGHTS, weights(260))
    package.hold(TOKENIZER, vocabulary("ab", "abc", "a", "b"))
    embedder = StaticEmbedder()
    assert np.allclose(embedder.embed(["abc", "ü"]), 1 / 16)
    assert embedder.pieces.of("abc") == [0xE2, 0x96, 0x81, 257]


@pytest.mark.parametrize(
    ("held", "pieces"),
    [
        (None, vocabulary()),
        (weights(256), None),
        (b"", vocabulary()),
        (b"\xff" * 100, vocabulary()),
        (weights(256)[:-1], vocabulary()),
        (weights(256, dtype="F32"), vocabulary()),
        (weights(256, offset=2), vocabulary()),
        (weights(255), vocabulary()),
        (weights(256), b"{}"),
        (weights(256), b"[1]"),
        (weights(256), b"\xff"),
        (weights(256), vocabulary()[:-10]),
        (weights(1), json.dumps({"model": {"vocab": {"a": 0}, "merges": []}}).encode()),
        (weights(256), vocabulary().replace(b'"a b"', b"7")),
        (weights(256), vocabulary().replace(b'"<0x00>": 0', b'"<0x00>": 256')),
    ],
)
def test_another_package_of_that_name_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bytes | None, pieces: bytes | None
) -> None:
    package = Package(tmp_path, monkeypatch)
    for name, data in ((WEIGHTS, held), (TOKENIZER, pieces)):
        if data is not None:
            package.hold(name, data)
    with pytest.raises(NoEmbedder) as caught:
        load_embedder(WORDLLAMA)
    assert "is not what was expected of the package wordllama" in str(caught.value)
    assert "`pip install --no-deps --force-reinstall wordllama==0.4.0.post1` mends it." in str(caught.value)


def test_a_package_that_is_missing_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path = [each for each in sys.path if 'site-packages' not in each] + [sys.argv[1]]\n"
        "from iai_daemon.config import Embedding; from iai_daemon.memory.embedding import load_embedder\n"
        "load_embedder(Embedding('wordllama'))"
    )
    (tmp_path / "numpy").symlink_to(Path(np.__file__).parent)
    (tmp_path / "numpy.libs").symlink_to(Path(np.__file__).parent.parent / "numpy.libs")
    child = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False
    )
    last = child.stderr.strip().splitlines()[-1]
    assert last == (
        "iai_daemon.errors.NoEmbedder: The embedding model wordllama cannot be used: "
        "the package wordllama is not installed. `pip install --no-deps wordllama` mends it."
    )
