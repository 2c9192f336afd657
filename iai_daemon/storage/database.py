"""What the stores ask of an engine. Their statements are the same for all of them; where engines differ, they are the engine's."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Parameters = Mapping[str, Any] | Sequence[Any]
# Its columns by name or by place; iterating gives the values, and `dict` makes one of it.
Row = Any
MayWait = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs a night in a store that several hosts may share; `who`: the process, what it does, and since when."""

    host: str
    home: str
    who: str

    def say(self) -> str:
        """`on mill, process 12, night (absent), since …`"""
        return f"on {self.host}, {self.who}"


class Interrupted(Exception):
    """Raised in the middle of a statement or a copy that was told not to go on."""


class Result(Protocol):
    """What a statement gave; `rowcount`: how many rows it has changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One store as one process has it open. Not for several threads at once.

    Parameters are written `:name` or `?`. Statements outside of `writing` and `reading` are transactions of their own. What an
    engine says of a statement that cannot be carried out is its own (`unfit` where a row does not fit the store's rules), and
    becomes StoreBusy or StoreUnusable within `translated`.
    """

    @property
    def place(self) -> str:
        """What errors call the store: a path, or an address without its password."""
        ...

    @property
    def unfit(self) -> tuple[type[Exception], ...]:
        """What is raised where a row breaks a rule of the store: a key that is taken, something that is not there."""
        ...

    def execute(self, sql: str, parameters: Parameters = ()) -> Result: ...

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> int:
        """How many rows all of them have changed."""
        ...

    def stream(self, sql: str, parameters: Parameters = ()) -> Generator[Any]:
        """The rows of a question whose answer may be larger than memory, as of one moment."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """What the engine raises becomes a sentence for the user: StoreBusy, StoreUnusable."""
        ...

    def writing(
        self, may_wait: MayWait | None = None, *, at_once: bool = False
    ) -> AbstractContextManager[None]:
        """One transaction in which nobody else writes; within another one, it belongs to that one.

        `may_wait`: asked again and again while another process keeps this one waiting; False gives up at once. `at_once`:
        nobody is waited for. Raises StoreBusy.
        """
        ...

    def reading(self) -> AbstractContextManager[None]:
        """One transaction that changes nothing: several questions about one moment."""
        ...

    def alone(
        self, holder: Holder, lost: Callable[[str], None], may_wait: MayWait | None = None
    ) -> AbstractContextManager[None]:
        """Of all hosts that share this store, be the one that runs a night: only then does `writing` let it write as a night.

        `lost` is called, from another thread, with the reason when it is so no longer. Where nobody shares it, the home's lock
        suffices. Raises NightBusy.
        """
        ...

    def holder(self) -> Holder | None:
        """Who is `alone` now, here or elsewhere."""
        ...

    def interruptible(self, may_go_on: Callable[[], bool]) -> AbstractContextManager[None]:
        """Within, what is asked for ends with Interrupted when the answer is no, and a change is taken back then. What has begun on a
        server is waited for."""
        ...

    def interrupt(self) -> None:
        """Called from another thread: end what another host's answer is waited for now, if it takes long."""
        ...

    def put_off_references(self) -> None:
        """Until the end of this transaction a row may point to one that comes later."""
        ...

    def count_on_from_what_is_there(self) -> None:
        """Rows were put in with the numbers that they had elsewhere: none of these is given away again, nor of those in the
        journal whose records are gone."""
        ...

    def moved(self) -> bool:
        """Whether it is no longer the store that others find and open."""
        ...

    def close(self) -> None:
        """Let go of it; safe to call twice."""
        ...
