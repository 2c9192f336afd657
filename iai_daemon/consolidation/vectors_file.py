"""The vectors of the memory as a file for other programs, in the format that numpy's `load` reads
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Written after a night, when it is set."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from iai_daemon import atomic
from iai_daemon.memory.nights import NightStore
from iai_daemon.memory.vectors import Vectors, fits, from_blobs

_ROWS_AT_ONCE = 1000
_BYTES_AT_ONCE = 1_000_000


def write_vectors(store: NightStore, model: str, path: Path, may_go_on: Callable[[], bool]) -> bool:
    """A file of mode 0600 with three arrays: `records` (ids), `vectors` (float32, one row each) and `model` (its name), of the
    memories that are current. False when `may_go_on` answered no on the way: what was there stays. Raises OSError."""
    # The head of an array tells how long it is, and users may write meanwhile: the rows are counted while they are put aside.
    with tempfile.TemporaryFile(dir=path.parent) as aside:
        records: list[int] = []
        dimension = 0
        for ids, rows in _portions(store, model):
            if not may_go_on():
                return False
            records += ids
            dimension = rows.shape[1]
            aside.write(rows.tobytes())
        aside.seek(0)
        _clear_away(path)
        try:
            with atomic.writing(path) as file, zipfile.ZipFile(file, "w") as archive:
                _add(archive, "records", np.array(records, np.int64))
                _add(archive, "model", np.array(model))
                _add_rows(archive, aside, (len(records), dimension), may_go_on)
        except _Stopped:
            return False
    return True


class _Stopped(Exception):
    """Raised where no time is left: the file that is being written goes."""


def _clear_away(path: Path) -> None:
    """What an earlier worker had begun when it was killed."""
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        left.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, name: str, array: npt.NDArray[Any]) -> None:
    with archive.open(f"{name}.npy", "w") as entry:
        np.lib.format.write_array(entry, array, allow_pickle=False)


def _add_rows(
    archive: zipfile.ZipFile, rows: IO[bytes], shape: tuple[int, int], may_go_on: Callable[[], bool]
) -> None:
    with archive.open("vectors.npy", "w", force_zip64=True) as entry:
        head = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(entry, head)
        while chunk := rows.read(_BYTES_AT_ONCE):
            if not may_go_on():
                raise _Stopped
            entry.write(chunk)


def _portions(store: NightStore, model: str) -> Iterator[tuple[list[int], Vectors]]:
    """Ids and vectors, by id; only those of the dimension that the first of them has."""
    after, dimension = 0, 0
    while found := store.vectors(model, after, _ROWS_AT_ONCE):
        after = found[-1].record
        whole = [each for each in found if fits(each.data, each.dimension)]
        dimension = dimension or next((each.dimension for each in whole), 0)
        fitting = [each for each in whole if each.dimension == dimension]
        yield [each.record for each in fitting], from_blobs([each.data for each in fitting], dimension)
