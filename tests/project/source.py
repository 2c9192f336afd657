"""Our own source as syntax trees, for the guards beside this file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = "iai_daemon"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of ours; `name` is how it is imported."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        """The first name below the package: `presence` of iai_daemon.presence.scanner."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 1 else parts[0]

    def place(self, node: ast.stmt | ast.expr | ast.ExceptHandler) -> str:
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"


@cache
def package() -> tuple[Module, ...]:
    return tuple(_load(path) for path in sorted((ROOT / PACKAGE).rglob("*.py")))


@cache
def wrapper() -> tuple[Module, ...]:
    return tuple(_load(path) for path in sorted((ROOT / "wrappers").rglob("*.py")))


def _load(path: Path) -> Module:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text(encoding="utf-8")
    return Module(".".join(parts), path, text, ast.parse(text))


def imports(module: Module) -> Iterator[tuple[str, ast.stmt]]:
    """Every module that this one names in an import, wherever the import stands; `from a import b` as `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.place(node)}: a relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def functions(module: Module) -> Iterator[Function]:
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


def dotted(node: ast.expr) -> str:
    """`time.time` of the expression that says so; empty for what is no dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
