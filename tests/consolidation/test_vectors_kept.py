"""What becomes of vectors once they are there: those of a former model go, the others can be had as a file, and passes that
compare read them of any kind."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iai_daemon.config import Embedding
from iai_daemon.consolidation.likeness.layout import Layout
from iai_daemon.consolidation.likeness.portions import JOINABLE
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.maintain import Maintain
from iai_daemon.consolidation.plan import Pass
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.consolidation.vectors_file import write_vectors
from iai_daemon.memory.nights import Batch, Said, Vector
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.vectors import to_blobs, unit
from iai_daemon.paths import Home
from tests.consolidation.evening import NOW, remember, work_in_a_process
from tests.fakes import FakeClock
from tests.memory.embedding_server import asking, embedding_server

DAY = 86_400.0
MODEL = "hash-256"


def goes_on() -> bool:
    return True


class Evenings:
    """Nights a day apart."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._clock = FakeClock()

    def night(self, *chosen: Pass) -> str:
        """What is told of the last pass."""
        self._clock.advance(DAY)
        report = run_night(
            self._stores.nights, chosen, Order("night", "absent"), Surroundings(clock=self._clock.now)
        )
        assert report.outcome == "completed", report.reason
        return next(each.said or "" for each in report.passes if each.name == chosen[-1].name)


def embedded(stores: Stores, model: str) -> int:
    return stores.nights.counts(model)["embedded"]


def test_vectors_of_a_former_model_go_once_every_memory_has_its_new_one(stores: Stores) -> None:
    evenings = Evenings(stores)
    with embedding_server() as server:
        other = Embed(asking(server))
        for number in range(5):
            remember(stores, f"note {number}")
        evenings.night(Embed(Embedding()))
        evenings.night(other)
        assert "vectors of the former model hash-256 dropped" in evenings.night(Maintain())
        assert (embedded(stores, MODEL), embedded(stores, other.model)) == (0, 5)
        remember(stores, "one more")
        assert "dropped" not in evenings.night(Maintain())
        evenings.night(Embed(Embedding()))
        assert (embedded(stores, MODEL), embedded(stores, other.model)) == (6, 5), "it begins anew"
        remember(stores, "and one more")
        assert "dropped" not in evenings.night(Maintain()), "the last one has no vector yet"
        assert embedded(stores, other.model) == 5
        evenings.night(Embed(Embedding()))
        remember(stores, "the last")
        evenings.night(Embed(Embedding()))
        assert "vectors of the former model http:tiny dropped" in evenings.night(Maintain())


def test_a_new_memory_without_a_vector_keeps_the_former_ones(stores: Stores) -> None:
    evenings = Evenings(stores)
    with embedding_server() as server:
        remember(stores, "one")
        evenings.night(Embed(Embedding()))
        evenings.night(Embed(asking(server)))
        remember(stores, "two")
        evenings.night(Maintain())
        assert embedded(stores, MODEL) == 1


def test_vectors_that_somebody_elses_pass_keeps_stay(stores: Stores) -> None:
    evenings = Evenings(stores)
    record = remember(stores, "one")
    evenings.night(Embed(Embedding()))
    number = stores.nights.begin_night("night", "absent", NOW)
    stores.nights.apply(
        number, 1, "theirs", Batch(vectors=[Vector(record.id, "theirs-2", 2, b"\0" * 8)]), NOW
    )
    stores.nights.end_night(number, "completed", None, {}, NOW)
    with embedding_server() as server:
        evenings.night(Embed(asking(server)))
    evenings.night(Maintain())
    assert (embedded(stores, MODEL), embedded(stores, "theirs-2")) == (0, 1)


def test_a_night_that_is_stopped_while_it_lets_go_of_vectors_is_gone_on_with(stores: Stores) -> None:
    for number in range(3):
        remember(stores, f"note {number}")
    evenings = Evenings(stores)
    with embedding_server() as server:
        evenings.night(Embed(Embedding()))
        evenings.night(Embed(asking(server)))
    for allowed in range(200):
        left = [allowed]

        def may_go_on() -> bool:
            left[0] -= 1  # noqa: B023 -- used within this turn
            return left[0] >= 0  # noqa: B023

        if stores.nights.maintain(NOW, may_go_on) is not None:
            break
        begun_anew = stores.nights.cursor(f"embed:{MODEL}") == 0
        assert begun_anew or embedded(stores, MODEL) == 3, "what is gone would never be made again"
    assert allowed
    assert embedded(stores, MODEL) == 0


def loaded(path: Path) -> dict[str, Any]:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_after_a_night_the_vectors_stand_in_the_file_that_is_set(stores: Stores, home: Home) -> None:
    first, forgotten, last = (remember(stores, f"note {name}") for name in ("one", "two", "three"))
    stores.memory.forget(forgotten.id, NOW)
    home.config.write_text('[embedding]\nexport_path = "{home}/vectors.npz"\nprecision = "float16"\n')
    report = work_in_a_process(home)
    assert report is not None
    assert report["outcome"] == "completed"
    path = home.root / "vectors.npz"
    arrays = loaded(path)
    assert arrays["records"].tolist() == [first.id, last.id]
    assert str(arrays["model"]) == MODEL
    assert (arrays["vectors"].shape, arrays["vectors"].dtype) == ((2, 256), np.dtype("<f4"))
    assert np.allclose(np.linalg.norm(arrays["vectors"], axis=1), 1, atol=1e-3)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in home.root.iterdir() if "vectors" in each.name) == ["vectors.npz"]


def test_a_file_that_cannot_be_written_is_a_warning_and_no_lost_night(stores: Stores, home: Home) -> None:
    remember(stores, "one")
    home.config.write_text('[embedding]\nexport_path = "{home}/nowhere/vectors.npz"\n')
    events: list[Any] = []
    report = work_in_a_process(home, events.append)
    assert report is not None
    assert (report["outcome"], report["nodes_embedded"]) == ("completed", 1)
    (warning,) = [each["message"] for each in events if each["event"] == "warning"]
    assert warning.startswith(f"the vectors cannot be written to {home.root}/nowhere/vectors.npz (")


def test_a_file_that_there_is_no_time_for_leaves_the_one_before(stores: Stores, tmp_path: Path) -> None:
    remember(stores, "one")
    Evenings(stores).night(Embed(Embedding()))
    path = tmp_path / "vectors.npz"
    assert write_vectors(stores.nights, MODEL, path, goes_on)
    before = path.read_bytes()
    remember(stores, "two")
    Evenings(stores).night(Embed(Embedding()))
    for allowed in (0, 1):
        answers = iter([True] * allowed + [False] * 9)
        assert not write_vectors(stores.nights, MODEL, path, lambda: next(answers))  # noqa: B023
        assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if "vectors" in each.name] == ["vectors.npz"]


def test_what_a_killed_worker_left_of_a_file_goes_with_the_next(stores: Stores, tmp_path: Path) -> None:
    left = tmp_path / ".vectors.npz.12345.tmp"
    left.write_bytes(b"half")
    assert write_vectors(stores.nights, MODEL, tmp_path / "vectors.npz", goes_on)
    assert not left.exists()
    assert loaded(tmp_path / "vectors.npz")["vectors"].shape == (0, 0)


def test_only_vectors_of_one_dimension_stand_in_a_file(stores: Stores, tmp_path: Path) -> None:
    records = [remember(stores, f"note {number}") for number in range(3)]
    number = stores.nights.begin_night("night", "absent", NOW)
    blobs = [np.ones(4, "<f2").tobytes(), b"\0" * 7, np.ones(5, "<f4").tobytes()]
    vectors = [
        Vector(record.id, "mixed", size, blob)
        for record, size, blob in zip(records, (4, 4, 5), blobs, strict=True)
    ]
    stores.nights.apply(number, 1, "theirs", Batch(vectors=vectors), NOW)
    assert write_vectors(stores.nights, "mixed", tmp_path / "vectors.npz", goes_on)
    assert loaded(tmp_path / "vectors.npz")["records"].tolist() == [records[0].id]


def said(texts: Sequence[str], blobs: Sequence[bytes | None], dimensions: Sequence[int]) -> list[Said]:
    return [
        Said(at, at, "global", None, None, None, text, blob, dimension)
        for at, (text, blob, dimension) in enumerate(zip(texts, blobs, dimensions, strict=True), 1)
    ]


def near_each(rows: Sequence[Said]) -> list[list[int]]:
    layout = Layout(len(rows), JOINABLE)
    layout.read(rows, lambda: None, is_new=True)
    layout.prepare(lambda: None)
    layout.search(range(len(rows)), lambda: None)
    return [sorted(layout.near(row.record)) for row in rows]


TEXTS = ["run the migrations before the worker starts", "before the worker starts run the migrations now"]


@pytest.mark.parametrize("dimension", [2, 3, 256, 768, 4096])
@pytest.mark.parametrize(
    "precisions", [("float32", "float32"), ("float16", "float16"), ("float16", "float32")]
)
def test_passes_that_compare_read_vectors_of_every_dimension_and_precision(
    dimension: int, precisions: tuple[str, str]
) -> None:
    random = np.random.default_rng(3).normal(size=(1, dimension))
    (one,), (two,) = (to_blobs(unit(random), precision) for precision in precisions)
    assert near_each(said(TEXTS, [one, two], [dimension] * 2)) == [[], [1]]
    (away,) = to_blobs(unit(-random), precisions[0])
    assert near_each(said(TEXTS, [one, away], [dimension] * 2)) == near_each(said(TEXTS, [None] * 2, [0] * 2))


def test_what_does_not_fit_counts_as_no_vector() -> None:
    blob = np.ones(4, "<f4").tobytes()
    expected = near_each(said(TEXTS, [None, None], [0, 0]))
    for other, dimension in (
        (b"\0" * 7, 4),
        (b"", 4),
        (blob, 0),
        (blob, 3),
        (np.ones(5, "<f4").tobytes(), 5),
    ):
        assert near_each(said(TEXTS, [blob, other], [4, dimension])) == expected
