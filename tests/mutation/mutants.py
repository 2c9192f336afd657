"""What could be wrong with a module: its text with one small change each, as mutmut makes them.

Its operators are taken, its way of running them is not: it would leave out properties, and constants of a module.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

# A function by its qualified name and its first line, decorators included: as its code object has them.
Place = tuple[str, int]
# Outside functions only these tell something: a word in a list is data, and a name that is None breaks everything.
_OF_MODULES = (cst.BaseNumber, cst.Name, cst.BooleanOperation, cst.ComparisonTarget)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. `place`: the function that it is in; None: what runs as the module is imported."""

    module: str
    line: int
    place: Place | None
    text: str
    diff: str

    @property
    def change(self) -> str:
        """The lines that went and came, as the list of equivalents names them; where they stand does not matter."""
        lines = self.diff.splitlines()
        return "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines if line[:1] in ("-", "+"))


class _Visitor(MutationVisitor):
    """mutmut leaves decorated functions alone, since it could not put its own in their place."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef) and node.decorators:
            return False
        return super()._skip_node_and_children(node)


def mutants_of(module: str, text: str) -> list[Mutant]:
    """All of them, in the order of the text."""
    wrapper = MetadataWrapper(cst.parse_module(text))
    visitor = _Visitor(mutation_operators, IgnoredCode(set(), set(), set()))
    tree = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    found = []
    for mutation in visitor.mutations:
        start = positions[mutation.original_node].start
        line, by_default = start.line, _is_default(text, start.line, start.column)
        place = None if by_default else _place(text, line)
        if place is None and not by_default and not _tells(mutation):
            continue
        changed = tree.deep_replace(mutation.original_node, mutation.mutated_node).code
        if _parses(changed):
            found.append(Mutant(module, line, place, changed, _diff(text, changed)))
    return found


def _tells(mutation: Mutation) -> bool:
    return isinstance(mutation.original_node, _OF_MODULES)


def _parses(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


@cache
def _functions(text: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(_stretches(ast.parse(text).body, ""))


def _stretches(body: list[ast.stmt], inside: str) -> Iterator[tuple[int, int, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            yield first, node.end_lineno or node.lineno, f"{inside}{node.name}"
        elif isinstance(node, ast.ClassDef):
            yield from _stretches(node.body, f"{inside}{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from _stretches([*node.body, *node.orelse], inside)


@cache
def _defaults(text: str) -> tuple[ast.expr, ...]:
    every = (
        node.args
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return tuple(each for args in every for each in (*args.defaults, *args.kw_defaults) if each is not None)


def _is_default(text: str, line: int, column: int) -> bool:
    """Whether what stands there is a parameter's default: it is made as its module is imported."""
    return any(
        (each.lineno, each.col_offset) <= (line, column) < (each.end_lineno, each.end_col_offset)
        for each in _defaults(text)
    )


def _place(text: str, line: int) -> Place | None:
    for first, last, name in _functions(text):
        if first <= line <= last:
            return name, first
    return None
