"""What is most like a record, on every engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from iai_daemon.errors import NoSuchRecord, NoVector
from iai_daemon.memory.nights import EMBEDDING, Batch, Vector
from iai_daemon.memory.record import Record
from iai_daemon.memory.stores import Stores
from iai_daemon.memory.vectors import to_blobs
from tests.stores.test_likeness import NOW, add

MODEL = "compass"


def keep(
    stores: Stores,
    vectors: Sequence[tuple[Record, Sequence[float]]],
    model: str = MODEL,
    precision: str = "float32",
) -> None:
    """As the pass `embed` does."""
    rows = np.array([numbers for _, numbers in vectors], np.float32)
    kept = [
        Vector(record.id, model, len(numbers), blob)
        for (record, numbers), blob in zip(vectors, to_blobs(rows, precision), strict=True)
    ]
    night = stores.nights.begin_night("night", "absent", NOW)
    batch = Batch(vectors=kept, notes={EMBEDDING: model})
    assert stores.nights.apply(night, 1, "embed", batch, NOW).embedded == len(kept)


def similar(stores: Stores, record: Record, limit: int = 10) -> list[tuple[str, float]]:
    found = stores.memory.similar(record.id, limit)
    return [(each.record.content, round(each.similarity, 4)) for each in found]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_the_nearest_come_first_with_their_cosine_and_what_is_nothing_like_it_not_at_all(
    opened: Stores, precision: str
) -> None:
    names = ("north", "north-east", "east", "south", "far north", "nowhere")
    north, northeast, east, south, far, nowhere = (add(opened, name) for name in names)
    places = [
        (north, (0, 1)),
        (northeast, (1, 1)),
        (east, (1, 0)),
        (south, (0, -1)),
        (far, (0, 9)),
        (nowhere, (0, 0)),
    ]
    keep(opened, places, precision=precision)
    assert similar(opened, north) == [("far north", 1.0), ("north-east", 0.7071)]
    assert similar(opened, north, 1) == [("far north", 1.0)]
    assert similar(opened, east) == [("north-east", 0.7071)]
    assert similar(opened, nowhere) == []


def test_only_what_is_current_is_like_anything(opened: Stores) -> None:
    one, gone, other = add(opened, "one"), add(opened, "gone"), add(opened, "other")
    keep(opened, [(one, (1, 0)), (gone, (1, 0)), (other, (1, 1))])
    opened.memory.forget(gone.id, NOW)
    assert similar(opened, one) == [("other", 0.7071)]
    assert similar(opened, gone) == [("one", 1.0), ("other", 0.7071)]


def test_only_vectors_of_the_model_that_is_set_are_compared(opened: Stores) -> None:
    one, other, former = add(opened, "one"), add(opened, "other"), add(opened, "former")
    keep(opened, [(one, (1, 0)), (former, (1, 0))], model="former")
    keep(opened, [(one, (1, 0, 0)), (other, (1, 1, 0))])
    assert similar(opened, one) == [("other", 0.7071)]
    with pytest.raises(NoVector, match=str(former.id)):
        opened.memory.similar(former.id, 10)


def test_a_newer_vector_takes_the_place_of_the_older_one(opened: Stores) -> None:
    one, other = add(opened, "one"), add(opened, "other")
    keep(opened, [(one, (1, 0)), (other, (0, 1))])
    assert similar(opened, one) == []
    keep(opened, [(other, (1, 0))])
    assert similar(opened, one) == [("other", 1.0)]


def test_what_has_no_vector_and_what_is_not_there_are_said(opened: Stores) -> None:
    record = add(opened)
    with pytest.raises(NoVector, match="iai-daemon consolidate"):
        opened.memory.similar(record.id, 10)
    for missing in (99, 0, -1, 1 << 70):
        with pytest.raises(NoSuchRecord):
            opened.memory.similar(missing, 10)
