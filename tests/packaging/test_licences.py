"""The page of licences names what is installed with the package, and nothing that may not go along with it."""

from __future__ import annotations

import re

import pytest

from tests.packaging import licences
from tests.project.source import ROOT

PAGE = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\*\*)?([A-Za-z0-9._-]+)(?:\*\*)? \| (\d\S*) \| (.+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("extra", licences.project())
def test_every_direct_dependency_stands_in_the_table_of_its_extra(extra: str) -> None:
    _, _, part = PAGE.partition(f"## With the extra `{extra}`\n" if extra else "## Always\n")
    listed = {
        licences.named(name)
        for name in re.findall(r"^\| \*\*(.+?)\*\* ", part.split("\n## ")[0], re.MULTILINE)
    }
    assert listed == set(licences.project()[extra]), (
        "docs/licences.md is not up to date: `make licences` renews it"
    )


def test_everything_without_an_extra_is_free_of_conditions() -> None:
    _, _, part = PAGE.partition("## Always\n")
    told = re.findall(r"^\| \S+ \| \d\S* \| (.+) \|$", part.split("\n## ")[0], re.MULTILINE)
    assert len(told) > 20
    assert not {each for said in told for each in licences.parts(said)} - licences.FREE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_every_licence_is_free_or_its_conditions_are_told(row: tuple[str, str, str, str]) -> None:
    _, name, _, said = row
    for each in licences.parts(said) - licences.FREE:
        kind = licences.CONDITIONS[each]
        (told,) = re.findall(rf"^- \*\*{kind}\*\*: (.+?)(?=\n- |\n\n)", PAGE, re.MULTILINE | re.DOTALL)
        assert kind == "NVIDIA" or f"`{name}`" in told


def test_an_expression_is_taken_apart() -> None:
    assert licences.parts("Apache-2.0 AND (MIT OR BSD)") == {"Apache-2.0", "MIT", "BSD"}


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"license_expression": "MIT OR Apache-2.0", "license": "x"}, "MIT OR Apache-2.0"),
        ({"license": "BSD-3-Clause"}, "BSD-3-Clause"),
        (
            {
                "license": "Copyright (c) …\nPermission …",
                "classifier": ["License :: OSI Approved :: BSD License"],
            },
            "BSD",
        ),
        ({"license": "NVIDIA Proprietary Software"}, "NVIDIA's own"),
        ({"license": "GPL"}, "GPL"),
        ({"classifier": ["Typing :: Typed"]}, "not said"),
    ],
)
def test_a_licence_is_what_the_package_says_most_exactly(metadata: dict[str, object], said: str) -> None:
    assert licences.licence(metadata) == said


def test_requirements_are_compared_by_their_names() -> None:
    assert [licences.named(each) for each in ("psycopg[binary]>=3.3", "tomli_w", "A.b>=1; x")] == [
        "psycopg",
        "tomli-w",
        "a-b",
    ]
