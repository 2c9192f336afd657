"""Vectors in numbers and as the store keeps them: little-endian float32 or float16, told apart by how long they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

_KINDS = {"float32": "<f4", "float16": "<f2"}
_OF_SIZE = {4: "<f4", 2: "<f2"}
_MIXING = np.uint64(0x9E3779B97F4A7C15)


def unit(rows: npt.NDArray[np.floating]) -> Vectors:
    """Each row with length 1, or as it is when it has none."""
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def to_blobs(rows: Vectors, precision: str) -> list[bytes]:
    """One blob a row; `precision` is "float32" or "float16"."""
    return [row.tobytes() for row in rows.astype(_KINDS[precision])]


def folded(rows: Vectors, most: int) -> Vectors:
    """At most so many numbers a row, its length kept, whose products are about those of the whole rows: each column is added to one
    of them, or taken off (Charikar, Chen and Farach-Colton, 2002)."""
    if rows.shape[1] <= most:
        return rows
    columns = np.arange(rows.shape[1], dtype=np.uint64)
    signs = np.where(columns * _MIXING >> np.uint64(63), np.float32(-1), np.float32(1))
    short = np.zeros((len(rows), most), np.float32)
    for start in range(0, rows.shape[1], most):
        part = slice(start, min(start + most, rows.shape[1]))
        short[:, : part.stop - start] += rows[:, part] * signs[part]
    return unit(short)


def are_numbers(rows: Vectors) -> bool:
    """Whether none of them is infinite or none at all."""
    return bool(np.isfinite(rows).all())


def fits(blob: bytes, dimension: int) -> bool:
    """Whether it holds so many numbers of one of the two kinds."""
    return dimension > 0 and len(blob) in (2 * dimension, 4 * dimension)


def from_blobs(blobs: Sequence[bytes], dimension: int) -> Vectors:
    """One row a blob; each of them fits."""
    rows = np.zeros((len(blobs), dimension), np.float32)
    for size, kind in _OF_SIZE.items():
        places = [place for place, blob in enumerate(blobs) if len(blob) == size * dimension]
        rows[places] = np.frombuffer(b"".join(blobs[place] for place in places), kind).reshape(-1, dimension)
    return rows
