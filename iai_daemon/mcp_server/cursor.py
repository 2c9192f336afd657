"""How far an answer went: a short text that the agent hands back for what follows, and that only this module reads. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from iai_daemon.errors import UsageError


def cursor(about: Sequence[object], numbers: Sequence[int]) -> str:
    """The cursor of a question (what must be asked again with it) that leads to these numbers."""
    told = ".".join(map(str, numbers))
    return f"{_check(about, told)}-{told}"


def numbers_of(cursor: str, about: Sequence[object]) -> tuple[int, ...]:
    """What the cursor of this question was made of. Raises UsageError for a cursor of another question, and a changed one."""
    check, _, told = cursor.strip().partition("-")
    if check != _check(about, told):
        raise UsageError(
            problem="The cursor does not belong to this question: repeat it unchanged with the other arguments as they were, "
            "or leave it out to begin anew."
        )
    return tuple(map(int, told.split(".")))


def steps(numbers: Sequence[int]) -> list[int]:
    """Many ascending numbers as what each adds, which is shorter to write."""
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]


def summed(steps: Sequence[int]) -> list[int]:
    """What `steps` was made of."""
    total = 0
    return [total := total + step for step in steps]


def _check(about: Sequence[object], told: str) -> str:
    return f"{crc32(repr((*about, told)).encode(errors='surrogatepass')):08x}"
