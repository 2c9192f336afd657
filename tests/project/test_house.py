"""Who may import whom, as ARCHITECTURE.md tells it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest

from tests.project import source
from tests.project.source import Module

GROUND = {
    "units",
    "kinds",
    "progress",
    "tables",
    "config",
    "paths",
    "clock",
    "errors",
    "log",
    "atomic",
    "flock",
    "lean",
    "aside",
    "lines",
    "foreign",
}
# One room: the loop, and what it hands over to the files beside it.
LOOP = {
    "claim",
    "daemon",
    "handlers",
    "measuring",
    "outlets",
    "reloading",
    "shift",
    "signals",
    "surroundings",
    "telling",
    "troubles",
}
ROOMS: dict[str, set[str]] = {
    "presence": set(),
    "storage": set(),
    "control": set(),
    "service": set(),
    "clients": set(),
    "lifecycle": {"presence"},
    "dreaming": {"lifecycle"},
    "memory": {"storage", "wording"},
    "wording": set(),
    "programs": set(),
    "agenda": {"storage", "programs"},
    "consolidation": {"memory", "wording", "programs"},
    "neighbours": {"storage", "presence", "lifecycle"},
    "mcp_server": {"memory", "agenda", "consolidation", "control", "presence", "storage"},
    "passes": {"memory", "consolidation"},
    "metrics": set(),
    "notify": {"programs", "consolidation"},
    "report": {"storage", "presence", "memory", "consolidation", "lifecycle", "agenda", "control"},
}
ALL = set(ROOMS) | {"doctor", "demo"}
OF_LOOP = {
    "presence",
    "lifecycle",
    "neighbours",
    "memory",
    "agenda",
    "consolidation",
    "control",
    "service",
    "metrics",
    "notify",
} | LOOP
ROOMS |= dict.fromkeys(LOOP, OF_LOOP)
ROOMS["doctor"] = ALL - {"report"}
ROOMS["demo"] = ALL
ROOMS["cli"] = ALL | LOOP
ROOMS["__main__"] = {"cli"}

PURE = (
    "units",
    "foreign",
    "presence.heartbeat",
    "presence.classify",
    "presence.ageing",
    "presence.orphans",
    "lifecycle.states",
    "lifecycle.decide",
    "lifecycle.idle",
    "lifecycle.outlook",
    "lifecycle.spans",
    "lifecycle.hypnogram",
    "lifecycle.attendance",
    "neighbours.account",
    "storage.postgres.dialect",
    "memory.record",
    "memory.ranking",
    "memory.nights.changes",
    "memory.nights.diary",
    "memory.nights.store",
    "memory.growth",
    "memory.figures",
    "memory.contradictions",
    "memory.tasks",
    "memory.archive",
    "memory.strength",
    "memory.trust",
    "memory.secrets",
    "memory.drafts",
    "memory.purge",
    "memory.importing.said",
    "memory.importing.markdown",
    "memory.importing.front_matter",
    "memory.importing.jsons",
    "memory.importing.mcp_memory",
    "memory.importing.mem0",
    "memory.importing.matching",
    "memory.importing.basic_memory",
    "agenda.recall",
    "agenda.policy",
    "agenda.schedule.local_time",
    "agenda.asking.crontab",
    "agenda.schedule.rrule",
    "agenda.slot",
    "agenda.store.slots",
    "agenda.slots.courier.answers",
    "agenda.slots.courier.events",
    "agenda.slots.courier.orders",
    "agenda.asking.describe",
    "wording.lexicon",
    "wording.kinds",
    "wording.tokens",
    "wording.values",
    "wording.signs",
    "wording.claims",
    "wording.features",
    "wording.similarity",
    "wording.agreement",
    "wording.exchange",
    "wording.subjects",
    "wording.corrections",
    "consolidation.effects",
    "consolidation.plan",
    "consolidation.setbacks",
    "consolidation.insights.calls",
    "consolidation.insights.findings",
    "consolidation.insights.profiles",
    "consolidation.insights.runs",
    "consolidation.insights.statistics",
    "consolidation.insights.telling",
    "consolidation.likeness.claims",
    "consolidation.likeness.joining",
    "consolidation.likeness.portions",
    "consolidation.likeness.verdict",
    "consolidation.likeness.relating",
    "consolidation.likeness.gist",
    "consolidation.pace",
    "consolidation.death",
    "consolidation.report",
    "consolidation.diff",
    "consolidation.note",
    "metrics.families",
    "metrics.text",
    "notify.news",
    "notify.desktop",
    "control.messages",
    "cli.colour",
    "cli.layout",
    "cli.moments",
    "cli.people",
    "cli.rate",
    "cli.standing",
    "clients.entries",
    "clients.instructions",
    "clients.json_text",
    "clients.jsonc",
    "clients.through",
    "doctor.finding",
    "doctor.report",
    "report.drawing.columns",
    "report.drawing.growth",
    "report.drawing.hypnogram",
    "report.drawing.scale",
    "report.drawing.svg",
    "report.serving.access",
)
OURS = (*source.package(), *source.wrapper())
IMPURE = {"os", "time", "asyncio", "sqlite3", "subprocess", "threading", "socket", "random"}


def _ours(module: Module) -> set[str]:
    """The rooms of ours that a module imports from."""
    return {name.split(".")[1] for name, _ in source.imports(module) if name.startswith(f"{source.PACKAGE}.")}


@pytest.mark.parametrize("module", source.package(), ids=lambda module: module.name)
def test_a_room_imports_only_from_the_rooms_that_it_may(module: Module) -> None:
    if module.room in GROUND:
        allowed = GROUND
    elif module.name == source.PACKAGE:
        allowed = set()
    else:
        assert module.room in ROOMS, f"{module.room} is not in the import table: say what it may import"
        allowed = GROUND | ROOMS[module.room] | {module.room, "__version__"}
    assert _ours(module) <= allowed


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_exists_and_touches_neither_the_machine_nor_a_library(name: str) -> None:
    module = next((each for each in source.package() if each.name == f"{source.PACKAGE}.{name}"), None)
    assert module, f"{name} is named as pure and does not exist"
    roots = {imported.split(".")[0] for imported, _ in source.imports(module)} - {source.PACKAGE}
    assert roots <= sys.stdlib_module_names, "a third party"
    assert not roots & IMPURE


def _graph() -> dict[str, set[str]]:
    """Which of our modules each of them imports, wherever the import stands. Whoever imports from a package that he is not part of
    imports the package, too."""
    modules = {module.name.removeprefix("wrappers."): module for module in OURS}
    graph: dict[str, set[str]] = {}
    for name, module in modules.items():
        graph[name] = set()
        for imported, _ in source.imports(module):
            # `from a import b` names a module of `a` or something within it.
            found = imported if imported in modules else imported.rpartition(".")[0]
            around = {each for each in _around(found) if each in modules and each not in _around(name)}
            graph[name] |= around & set(modules) - {name}
    return graph


def _around(module: str) -> set[str]:
    """`a.b.c`, `a.b` and `a` of `a.b.c`."""
    parts = module.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def _circles(graph: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Each set of modules that all import one another, told by a shortest way round."""
    told: set[str] = set()
    for start in sorted(graph):
        way = _way_back(graph, start)
        if way and start not in told:
            told |= set(way)
            yield " > ".join(way)


def _way_back(graph: Mapping[str, Collection[str]], start: str) -> list[str]:
    """From a module over those that it imports back to itself; empty where no way leads there."""
    ways, reached = [[start]], set[str]()
    while ways:
        longer = []
        for way in ways:
            for following in sorted(graph.get(way[-1], ())):
                if following == start:
                    return [*way, start]
                if following not in reached:
                    reached.add(following)
                    longer.append([*way, following])
        ways = longer
    return []


def test_imports_go_round_in_no_circle() -> None:
    """Counted are those within functions and those for types alone, too: what a module has to know of is what it names."""
    circles = list(_circles(_graph()))
    assert not circles, "\n".join(circles)


def test_the_guard_knows_a_circle_when_it_sees_one() -> None:
    graph = {"a": ["b", "e"], "b": ["c"], "c": ["d", "b"], "d": ["a"], "e": [], "f": ["g"], "g": ["f"]}
    assert list(_circles(graph)) == ["a > b > c > d > a", "f > g > f"]
    assert _graph()["iai_daemon.consolidation.passes"] > {"iai_daemon.consolidation.passes.expire"}
    assert "iai_daemon.consolidation" in _graph()["iai_daemon.shift"], "a package is imported with its module"


def test_the_wrapper_stands_alone() -> None:
    assert source.wrapper(), "wrappers/ holds no module"
    siblings = {module.path.stem for module in source.wrapper()}
    for module in source.wrapper():
        roots = {imported.split(".")[0] for imported, _ in source.imports(module)}
        assert roots <= sys.stdlib_module_names | siblings, (
            "the wrapper imports the standard library and itself only"
        )


def test_nothing_of_ours_imports_the_wrapper() -> None:
    parts = {module.path.stem for module in source.wrapper()}
    for module in source.package():
        assert not parts & {imported.split(".")[0] for imported, _ in source.imports(module)}


def test_the_wrapper_of_the_project_is_the_one_that_is_installed() -> None:
    """In the wheel and in a checkout `iai_wrapper` is a top-level module; the CLI finds its path with find_spec."""
    from importlib.util import find_spec  # noqa: PLC0415 -- of interest here only

    found = find_spec("iai_wrapper")
    assert found is not None
    assert found.origin is not None
    assert source.ROOT in Path(found.origin).parents or "site-packages" in found.origin
