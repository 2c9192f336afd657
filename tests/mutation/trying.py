"""For pytest, within a process of its own: collects the tests of one module once, then forks for every mutant of it.

The fork puts the mutant's code into the functions that are there already, so that nothing has to be imported again, and runs the
tests that ever called the function, the quick ones first, until one fails. What runs as the module is imported cannot be tried so:
that is for `fresh`, which forks before anything of ours is imported.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import os
import pickle
import select
import signal
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, NoReturn

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, Place

KILLED, SURVIVED, TIMEOUT = "killed", "survived", "timeout"
# In seconds of the processor: longer than this no test may take that is to run for every mutant, nor may one start processes; so
# much of them, the quick ones first, one mutant is worth; so long they are looked through before, those that are about it first.
_LONGEST = 0.5
_TOGETHER = 8.0
_REHEARSAL = 30.0
# A mutant may take twenty times what its tests take without it, and so many seconds.
_PATIENCE = 10.0
# A fork would start one of its own.
_SERVERS = {"postgres_server"}
_ENGINE = "postgresql"
_OPTIONS = (
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


@dataclass(slots=True)
class Known:
    """Of one module: the tests that passed with the seconds that each takes, by which tests a function is called, and which functions
    are called while modules are imported."""

    seconds: dict[str, float] = field(default_factory=dict)
    calls: dict[Place, set[str]] = field(default_factory=dict)
    at_import: set[Place] = field(default_factory=set)

    def tests(self, place: Place | None) -> list[str]:
        chosen = self.seconds if place is None else self.calls.get(place, set()) & self.seconds.keys()
        tests = sorted(chosen, key=lambda test: (self.seconds[test], test))
        together = accumulate(self.seconds[test] for test in tests)
        return [test for test, seconds in zip(tests, together, strict=True) if seconds <= _TOGETHER]


def forked(work: Callable[[], object], patience: float | None = None) -> tuple[str, object]:
    """Do it in a fork: `("", what it returned)`, or how it ended otherwise."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(work, writing)
    os.close(writing)
    received = b""
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], patience)[0]:
            chunk = pipe.read(65536)
            if not chunk:
                break
            received += chunk
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMEOUT, None
    os.waitpid(child, 0)
    return ("", pickle.loads(received)) if received else (KILLED, None)  # noqa: S301 -- of our own child


def _work(work: Callable[[], object], writing: int) -> NoReturn:
    """A session of its own: what a mutant does to its process group is not ours."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        answer = pickle.dumps(work())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(answer)
    finally:
        # Whatever a mutant raised: no answer is one, too.
        os._exit(0)


def _needs_a_server(item: pytest.Item) -> bool:
    """Of a suite that runs on every engine, one half."""
    call = getattr(item, "callspec", None)
    return bool(_SERVERS & set(getattr(item, "fixturenames", ()))) or (
        call is not None and _ENGINE in call.params.values()
    )


class Trying:
    """The plugin: instead of running the tests, tries the mutants with them. `found` goes back by the fork's pipe."""

    def __init__(self, file: Path, mutants: Sequence[Mutant]) -> None:
        self._file = str(file)
        self._mutants = mutants
        self.known = Known()
        self.found: dict[int, str] = {}
        self._called: set[Place] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        session.items = [item for item in session.items if not _needs_a_server(item)]
        items = {item.nodeid: item for item in session.items}
        how, known = forked(lambda: _rehearse(self._file, session.items))
        if how or not isinstance(known, Known):
            raise pytest.UsageError("the tests cannot be run in a fork")
        self.known = known
        known.at_import |= self._called
        for number, mutant in enumerate(self._mutants):
            tests = known.tests(mutant.place)
            if mutant.place is not None and tests:
                chosen = [items[test] for test in tests]
                patience = 20 * sum(known.seconds[test] for test in tests) + _PATIENCE
                self.found[number] = self._try(mutant, chosen, patience)
            elif mutant.place is not None and mutant.place not in known.at_import:
                self.found[number] = SURVIVED
        return True

    def pytest_collection(self) -> None:
        sys.setprofile(_noting(self._file, self._called))

    def pytest_collection_finish(self) -> None:
        sys.setprofile(None)

    def _try(self, mutant: Mutant, items: Sequence[pytest.Item], patience: float) -> str:
        def work() -> str:
            _put_in(self._file, mutant)
            passed = all(_passes(item, after) for item, after in pairwise([*items, None]) if item)
            return SURVIVED if passed else KILLED

        how, answer = forked(work, patience)
        return how or str(answer)


def _passes(item: pytest.Item, after: pytest.Item | None) -> bool:
    return not any(report.failed for report in runtestprotocol(item, nextitem=after, log=False))


def _rehearse(file: str, items: Sequence[pytest.Item]) -> Known:
    """Run them as they are, until that has taken long enough."""
    known = Known()
    first = _used()
    for item, after in pairwise([*items, None]):
        if item is None or sum(_used()) - sum(first) > _REHEARSAL:
            break
        before = _used()
        called, passed = _called(file, item, after)
        own, of_children = (now - then for now, then in zip(_used(), before, strict=True))
        if passed and not of_children and own <= _LONGEST:
            known.seconds[item.nodeid] = own
            for place in called:
                known.calls.setdefault(place, set()).add(item.nodeid)
    return known


def _called(file: str, item: pytest.Item, after: pytest.Item | None) -> tuple[set[Place], bool]:
    """Which functions of the file a test calls, and whether it passes."""
    called: set[Place] = set()
    sys.setprofile(_noting(file, called))
    try:
        reports = runtestprotocol(item, nextitem=after, log=False)
    finally:
        sys.setprofile(None)
    return called, all(report.passed for report in reports)


def _noting(file: str, called: set[Place]) -> Callable[[types.FrameType, str, object], None]:
    def note(frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == file:
            called.add((frame.f_code.co_qualname, frame.f_code.co_firstlineno))

    return note


def _used() -> tuple[float, float]:
    """Seconds of the processor, our own and our children's: how long a test takes on a busy machine says nothing about it."""
    used = os.times()
    return used.user + used.system, used.children_user + used.children_system


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _put_in(file: str, mutant: Mutant) -> None:
    """Every function of that place gets the mutant's code; what was cached of it is forgotten."""
    whole = compile(mutant.text, file, "exec", dont_inherit=True)
    code = next(each for each in _codes(whole) if (each.co_qualname, each.co_firstlineno) == mutant.place)
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType) and each.__code__.co_filename == file:
            if (each.__code__.co_qualname, each.__code__.co_firstlineno) == mutant.place:
                each.__code__ = code
        elif type(each).__name__ == "_lru_cache_wrapper":
            each.cache_clear()


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a mutant's text."""

    def __init__(self, mutant: Mutant, file: str) -> None:
        self._mutant, self._file = mutant, file

    def find_spec(self, name: str, *_: object) -> Any:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_file_location(name, self._file, loader=self)  # type: ignore[arg-type]

    def create_module(self, _: object) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        exec(compile(self._mutant.text, self._file, "exec", dont_inherit=True), vars(module))  # noqa: S102 -- what it is for


class _Chosen:
    def __init__(self, tests: set[str]) -> None:
        self._tests = tests

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self._tests]


def fresh(mutant: Mutant, file: Path, tests: Sequence[str]) -> str:
    """Import the mutant and all that uses it anew, and run these tests."""

    def work() -> str:
        sys.meta_path.insert(0, _Mutated(mutant, str(file)))
        files = sorted({test.split("::")[0] for test in tests})
        end = pytest.main([*_OPTIONS, *files], plugins=[_Chosen(set(tests))])
        return SURVIVED if end == pytest.ExitCode.OK else KILLED

    how, answer = forked(work, 120.0)
    return how or str(answer)


def collected(
    file: Path, mutants: Sequence[Mutant], tests: Sequence[Path]
) -> tuple[Known, dict[int, str]] | None:
    """What became of the mutants inside functions; None: the tests cannot be collected."""

    def work() -> tuple[Known, dict[int, str]]:
        plugin = Trying(file, mutants)
        pytest.main([*_OPTIONS, *map(str, tests)], plugins=[plugin])
        return plugin.known, plugin.found

    how, answer = forked(work)
    return None if how else answer  # type: ignore[return-value]
