"""How the code is cut and what it may not do: function length, silent excepts, clocks, hidden imports."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator

from tests.project import source
from tests.project.source import Function, Module

OURS = (*source.package(), *source.wrapper())
CLOCKS = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|clock_gettime)(_ns)?|time\.(sleep|localtime|gmtime)|"
    r"asyncio\.sleep|(datetime\.)?datetime\.(now|utcnow|today)|(datetime\.)?date\.today"
)
BROAD = {"", "Exception", "BaseException"}


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_are_short() -> None:
    lengths = {
        f"{module.place(function)} {function.name}": _length(function)
        for module in OURS
        for function in source.functions(module)
    }
    assert not {name: lines for name, lines in lengths.items() if lines > 60}
    assert statistics.quantiles(lengths.values(), n=20)[-1] <= 40


def test_files_are_short() -> None:
    assert not [module.name for module in OURS if len(module.text.splitlines()) > 600]


def test_every_module_says_what_lives_in_it() -> None:
    assert not [module.name for module in OURS if module.text.strip() and not ast.get_docstring(module.tree)]


def _says_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass | ast.Continue | ast.Break):
        return True
    value = statement.value if isinstance(statement, ast.Return | ast.Expr) else ast.Name("")
    return value is None or isinstance(value, ast.Constant)


def _is_broad(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_broad(each) for each in caught.elts)
    return caught is None or source.dotted(caught) in BROAD


def _silent(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.ExceptHandler)
            and _is_broad(node.type)
            and all(map(_says_nothing, node.body))
        ):
            yield module.place(node)
        if (
            isinstance(node, ast.Call)
            and source.dotted(node.func) in ("suppress", "contextlib.suppress")
            and any(_is_broad(each) for each in node.args)
        ):
            yield module.place(node)


def test_no_broad_except_is_silent() -> None:
    assert not [place for module in OURS for place in _silent(module)]


def test_the_guard_knows_a_silent_except_when_it_sees_one() -> None:
    text = "try:\n    f()\nexcept (OSError, Exception):\n    return None\nwith suppress(BaseException):\n    f()\n"
    module = Module("m", source.ROOT / "m.py", text, ast.parse(text))
    assert list(_silent(module)) == ["m.py:3", "m.py:5"]


def test_only_the_clock_reads_the_clock() -> None:
    """The wrapper aside, which imports nothing of ours."""
    readers = []
    for module in source.package():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and CLOCKS.fullmatch(source.dotted(node)):
                readers.append(module.name)
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                readers.append(module.name)
    assert set(readers) == {"iai_daemon.clock"}


# Importing late is what these two are for: their docstrings say so.
_IMPORTS_LATE = {"iai_daemon.__main__", "wrappers.iai_wrapper"}


def _hidden_imports(module: Module) -> Iterator[str]:
    """Imports inside functions with no reason on their line, on the comment above, or on the import above."""
    lines = module.text.splitlines()
    reasoned = {number for number, line in enumerate(lines, 1) if re.search(r"# noqa: PLC0415 -- \S+", line)}
    reasoned |= {number + 1 for number, line in enumerate(lines, 1) if line.strip().startswith("# ")}
    nodes = {node for function in source.functions(module) for node in ast.walk(function)}
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in sorted(found, key=lambda node: node.lineno):
        if reasoned & {node.lineno, node.end_lineno}:
            reasoned.add((node.end_lineno or node.lineno) + 1)
        else:
            yield module.place(node)


def test_an_import_inside_a_function_gives_its_reason() -> None:
    checked = [module for module in OURS if module.name not in _IMPORTS_LATE]
    assert not [place for module in checked for place in _hidden_imports(module)]
