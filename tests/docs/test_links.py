"""Every link of the documents within the project leads somewhere, to the heading that it names, and every page is in the index."""

from __future__ import annotations

import pytest

from tests.docs.pages import Page, page, pages, resolved
from tests.project.source import ROOT

_BESIDE = (
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "wrappers/CONTRACT.md",
    "examples/temporary-notes/README.md",
)


def _all() -> list[Page]:
    return [*pages(), *(page(name) for name in _BESIDE if (ROOT / name).is_file())]


@pytest.mark.parametrize("one", _all(), ids=lambda one: one.name)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(one: Page) -> None:
    for target in one.links:
        path, anchor = resolved(one.name, target)
        assert path.exists(), f"{one.name}: {target}"
        assert path.is_relative_to(ROOT), f"{one.name}: {target} leads out of the project"
        if anchor:
            assert anchor in page(str(path.relative_to(ROOT))).anchors, f"{one.name}: {target}"


def test_the_index_names_every_page() -> None:
    index = page("docs/README.md")
    named = {resolved(index.name, target)[0] for target in index.links}
    there = {ROOT / each.name for each in pages() if each.name.startswith("docs/")}
    assert there - named == {ROOT / index.name}
