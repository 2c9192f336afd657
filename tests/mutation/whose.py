"""Which modules are mutated, and which files of tests have to find it out: those that import them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.project import source

WRAPPER = ("iai_heartbeat", "iai_outcomes")
_TESTS = source.ROOT / "tests"
# They start processes, servers or browsers for nearly every test.
_SLOW = (
    "journeys",
    "faults",
    "service",
    "real_clients",
    "examples",
    "project",
    "coverage",
    "mutation",
    "demo",
)
# Where a room's tests are not in the folder of its name alone.
_FOLDERS = {"memory": ("memory", "stores"), "storage": ("storage", "stores"), "agenda": ("agenda", "stores")}
# So many files are enough, and more than so many take long to collect.
_ENOUGH, _AT_MOST = 3, 8
_MARKED = ("NIGHTS", "ALONE", "THOROUGH")
_PURE = ("PURE",)


def modules() -> tuple[str, ...]:
    """By the names that they are imported by: what is pure, and the two parts of the wrapper that think."""
    pure = _written(_TESTS / "project" / "test_house.py", _PURE)
    return (*(f"{source.PACKAGE}.{name}" for name in pure), *WRAPPER)


def file_of(module: str) -> Path:
    if module in WRAPPER:
        return source.ROOT / "wrappers" / f"{module}.py"
    return source.ROOT.joinpath(*module.split(".")).with_suffix(".py")


@cache
def _imported() -> dict[Path, frozenset[str]]:
    """Of every file of ours, tests too, what it imports: `a.b` of `from a import b` as well as `a`."""
    files = [*(source.ROOT / source.PACKAGE).rglob("*.py"), *_TESTS.rglob("*.py")]
    return {path: frozenset(_names(ast.parse(path.read_text(encoding="utf-8")))) for path in files}


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _name_of(path: Path) -> str:
    return ".".join(path.relative_to(source.ROOT).with_suffix("").parts).removesuffix(".__init__")


def tests_of(module: str) -> list[Path]:
    """The files of tests that import it, themselves or through helpers, those of its room and name first, then those that use little else; of few also those that import
    the modules that use it, and so on. They stand in the order in which they are asked."""
    chosen: list[Path] = []
    asked, known = {module}, {module}
    while asked and len(chosen) < _ENOUGH:
        found = {path for path in _imported() if _imported()[path] & asked}
        helpers = {_name_of(path) for path in found if _TESTS in path.parents}
        through = {path for path in _imported() if _imported()[path] & helpers}
        tests = [path for path in found | through if _is_quick(path) and path not in chosen]
        tests.sort(key=lambda path: (not path.stem.endswith(module.rpartition(".")[2]), _breadth(path), path))
        chosen += [path for path in tests if _is_of_room(path, module)] or tests
        asked = {_name_of(path) for path in found - set(tests)} - known
        known |= asked
    return chosen[:_AT_MOST]


def _breadth(path: Path) -> int:
    """Of how many modules of ours a file makes use: what is about one of them comes before what needs many."""
    return sum(name.startswith(source.PACKAGE) for name in _imported()[path])


def _is_of_room(path: Path, module: str) -> bool:
    room = "wrapper" if module in WRAPPER else module.split(".")[1]
    folders = _FOLDERS.get(room, (room,) if (_TESTS / room).is_dir() else ("ground",))
    return path.relative_to(_TESTS).parts[0] in folders


@cache
def _written(path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """What a file of tests lists under these names. To import it would take long, or import modules that are to be mutated."""
    found: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(name := node.targets[0], ast.Name)
            and name.id in names
        ):
            found += ast.literal_eval(node.value)
    return tuple(found)


def _is_quick(path: Path) -> bool:
    if _TESTS not in path.parents or not path.name.startswith("test_"):
        return False
    inside = str(path.relative_to(_TESTS))
    return not inside.startswith((*_SLOW, *_written(_TESTS / "parts.py", _MARKED)))
