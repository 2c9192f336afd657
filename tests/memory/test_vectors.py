"""Vectors as numbers and as the store keeps them."""

from __future__ import annotations

import numpy as np
import pytest

from iai_daemon.memory.vectors import are_numbers, fits, folded, from_blobs, to_blobs, unit

RANDOM = np.random.default_rng(7)
ROWS = unit(RANDOM.normal(size=(50, 12)))


def test_float32_comes_back_as_it_was() -> None:
    assert (from_blobs(to_blobs(ROWS, "float32"), 12) == ROWS).all()


def test_float16_takes_half_the_room_and_comes_back_nearly_as_it_was() -> None:
    blobs = to_blobs(ROWS, "float16")
    assert {len(blob) for blob in blobs} == {24}
    assert np.abs(from_blobs(blobs, 12) - ROWS).max() < 0.0005


def test_both_may_stand_beside_one_another() -> None:
    blobs = [*to_blobs(ROWS[:3], "float16"), *to_blobs(ROWS[3:], "float32")]
    back = from_blobs(blobs[::-1], 12)[::-1]
    assert back.dtype == np.float32
    assert np.abs(back[:3] - ROWS[:3]).max() < 0.0005
    assert (back[3:] == ROWS[3:]).all()


@pytest.mark.parametrize(("length", "dimension"), [(0, 0), (3, 1), (8, 3), (6, 0), (16, 3), (2, -1)])
def test_what_has_another_length_does_not_fit(length: int, dimension: int) -> None:
    assert not fits(b"\0" * length, dimension)


def test_what_is_no_number_is_noticed() -> None:
    assert are_numbers(ROWS)
    for value in (np.nan, np.inf, -np.inf):
        rows = ROWS.copy()
        rows[3, 4] = value
        assert not are_numbers(rows)


def test_a_row_of_zeros_stays_one() -> None:
    assert not unit(np.zeros((2, 3))).any()


@pytest.mark.parametrize("dimension", [513, 768, 1536, 4096])
def test_a_folded_vector_is_near_what_the_whole_one_is_near(dimension: int) -> None:
    rows = RANDOM.normal(size=(40, dimension))
    near = rows + 0.3 * RANDOM.normal(size=rows.shape)
    short, short_near = folded(unit(rows), 512), folded(unit(near), 512)
    whole = (unit(rows) * unit(near)).sum(axis=1)
    assert short.shape == (40, 512)
    assert np.allclose(np.linalg.norm(short, axis=1), 1, atol=1e-5)
    assert np.abs((short * short_near).sum(axis=1) - whole).max() < 0.05
    assert (short[1:] * short_near[:-1]).sum(axis=1).max() < 0.25


def test_a_short_vector_is_not_folded() -> None:
    assert folded(ROWS, 512) is ROWS
