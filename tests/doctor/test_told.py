"""What the daemon says of itself: each thing that it can say is known here and stands in the documents, and nothing is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from iai_daemon.clock import read
from iai_daemon.doctor.checks import told
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import Patient
from iai_daemon.paths import Home
from tests.project import source
from tests.project.source import ROOT

# Where a word for what does not work may stand: the first argument of one of these, or the value of "what".
SAYING = {"degraded", "note", "_trying"}


def _said_in(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and node.args:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else source.dotted(node.func)
        if name in SAYING:
            yield node.args[0]
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "what":
                yield value


def _word(said: ast.expr) -> str | None:
    """Of `pass embed`, which the code says of any pass, only `pass`; None for what somebody else has said."""
    if isinstance(said, ast.JoinedStr):
        said = said.values[0]
    value = said.value if isinstance(said, ast.Constant) else None
    return value.strip() if isinstance(value, str) else None


def whats() -> set[str]:
    """All that the code can say, read from it."""
    rooms = {
        "agenda",
        "lifecycle",
        "measuring",
        "neighbours",
        "notify",
        "daemon",
        "shift",
        "telling",
        "troubles",
        "surroundings",
        "reloading",
    }
    found = {
        _word(said)
        for module in source.package()
        if module.room in rooms or module.name == "iai_daemon.cli.status"
        for node in ast.walk(module.tree)
        for said in _said_in(node)
    }
    return {each for each in found if each is not None}


def find(home: Home, *entries: tuple[str, str, str]) -> list[Finding]:
    """What the doctor makes of these: what, why and what mends it."""
    listed = [dict(zip(("what", "why", "fix"), entry, strict=True)) for entry in entries]
    patient = Patient(home=home, now=read(), settings=None, status={"degraded": listed})
    return list(told.look(patient))


def test_whatever_the_daemon_can_say_is_known() -> None:
    assert whats() == set(told.NAMES)


def test_whatever_the_daemon_can_say_stands_in_the_documents_with_the_doctors_name() -> None:
    document = (ROOT / "docs" / "reference" / "degradations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", document, re.MULTILINE)
    assert {what.removesuffix(" NAME"): name for what, name in rows} == told.NAMES


@pytest.mark.parametrize("what", told.NAMES)
def test_what_is_known_has_one_name_with_what_mends_it(home: Home, what: str) -> None:
    (found,) = find(home, (what, "it broke", "mend it"))
    assert found.name == told.NAMES[what]
    assert found.status is not Verdict.OK
    assert (found.seen, found.remedy) == ("the daemon says: it broke", "mend it")


def test_what_is_not_known_fails_under_its_own_name(home: Home) -> None:
    (found,) = find(home, ("flux capacitor", "it broke", "mend it"))
    assert (found.name, found.status) == ("flux capacitor", Verdict.FAIL)
    assert found.seen.endswith("it broke")


def test_of_several_under_one_name_none_is_left_out(home: Home) -> None:
    found = find(
        home,
        ("pass embed", "quarantined", "retry embed"),
        ("nights", "the disk is full", "make room"),
        ("pass decay", "deferred", "retry decay"),
        ("nights", "a worker was killed", "make room"),
    )
    assert [(each.name, each.seen, each.remedy) for each in found] == [
        (
            "nights.passes",
            "the daemon says: pass embed: quarantined; pass decay: deferred",
            "retry embed; retry decay",
        ),
        ("nights", "the daemon says: the disk is full; a worker was killed", "make room"),
    ]


def test_a_daemon_that_says_nothing_and_one_that_is_not_there_have_no_finding(home: Home) -> None:
    assert find(home) == []
    assert list(told.look(Patient(home=home, now=read(), settings=None, status=None))) == []
