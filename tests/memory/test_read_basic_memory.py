"""What each line of a note of Basic Memory becomes, field by field; test_import_basic_memory.py asks of whole notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_daemon.memory.importing import basic_memory
from iai_daemon.memory.importing.said import Bad, Passage
from tests.memory.import_sources import PLACE, hear

HEAD = """\
---
title: The build
type: ops
tags: [ci, "#slow"]
permalink: notes/build
modified: 2026-03-01T10:00:00Z
created: 2026-01-01T10:00:00Z
---
"""


def said(text: str, head: str = HEAD, name: str | None = "build.md") -> list[Passage]:
    return hear("basic-memory", head + text, name).passages


def one(line: str) -> Passage:
    (found,) = said(line + "\n")
    return found


def test_an_observation_is_a_memory_with_all_that_its_note_says() -> None:
    assert one("- [decision] The build runs on Buildkite #infra (since May)") == Passage(
        line=9,
        content="The build runs on Buildkite (since May)",
        group="notes/build\n",
        kind="decision",
        subject="The build",
        tags=("ci", "slow", "infra"),
        created_at="2026-03-01T10:00:00Z",
    )


def test_a_relation_is_a_memory_of_both_in_the_group_of_the_other() -> None:
    assert one("- depends_on [[The cache]] (at night)") == Passage(
        line=9,
        content="The build depends_on The cache (at night)",
        group="notes/build\nThe cache",
        kind="relation",
        subject="The build",
        tags=("ci", "slow"),
        created_at="2026-03-01T10:00:00Z",
    )


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ("- depends_on [[The cache]]", "The build depends_on The cache"),
        ('- "is slower than" [[The cache]]', "The build is slower than The cache"),
        ("- 'is slower than' [[The cache]]", "The build is slower than The cache"),
        ("- [[ The cache ]]", "The build links_to The cache"),
        ("- uses [[Nix]] (on macs)", "The build uses Nix (on macs)"),
        ("- uses [[Nix]]   ", "The build uses Nix"),
    ],
)
def test_relations_are_said_in_words(line: str, content: str) -> None:
    found = one(line)
    assert (found.content, found.kind) == (content, "relation")


@pytest.mark.parametrize(
    "line",
    [
        "- uses [[Nix]] on macs",
        "- uses [[Nix]] (on macs) and more",
        "- uses [[Nix]] (on macs",
        "- uses [[Nix]] (a) (b)",
        "- we use [[Nix]]",
        "- depends on [[Nix]]",
        "- uses [Nix]",
    ],
)
def test_what_goes_on_behind_a_link_is_no_relation(line: str) -> None:
    assert one(line).kind == "ops"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("- [tech stack] Ruby", "tech stack"),
        ("- [ tech ] Ruby", "tech"),
        ("- [x] Ruby", "ops"),
        ("- [X] Ruby", "ops"),
        ("- [ ] Ruby", "ops"),
        ("- [/] Ruby", "ops"),
        ("- [00:01:02] Ruby", "ops"),
        ("- [1:02 - 1:10] Ruby", "ops"),
        ("- [y] Ruby", "y"),
        ("- [tech](Ruby)", "ops"),
        ("- [tech]Ruby", "ops"),
        ("- [tech]", "ops"),
    ],
)
def test_a_box_or_a_time_is_no_category(line: str, kind: str) -> None:
    assert one(line).kind == kind


@pytest.mark.parametrize(
    ("line", "content", "tags"),
    [
        ("- [a] Ruby runs the build #web #prod", "Ruby runs the build", ("web", "prod")),
        ("- [a] Ruby #web runs the build", "Ruby #web runs the build", ("web",)),
        ("- [a] The build #web (x (y) z)", "The build #web (x (y) z)", ("web",)),
        ("- [a] The build #web (a) (b)", "The build #web (a) (b)", ("web",)),
        ("- [a] The build #web (a)", "The build (a)", ("web",)),
        ("- [a] The build a#b", "The build a#b", ()),
        ("- [a] The build # b", "The build # b", ()),
    ],
)
def test_tags_at_the_end_are_taken_off(line: str, content: str, tags: tuple[str, ...]) -> None:
    found = one(line)
    assert (found.content, found.tags) == (content, ("ci", "slow", *tags))


def test_what_is_neither_is_a_memory_of_the_kind_of_its_note() -> None:
    found = one("It takes long.")
    assert (found.content, found.kind, found.group) == ("The build: It takes long.", "ops", "notes/build\n")
    assert one("It takes long #slow").content == "The build: It takes long #slow"
    (bare,) = said("It takes long.\n", head="---\ntitle: The build\n---\n")
    assert (bare.kind, bare.group, bare.tags, bare.created_at) == ("note", "The build\n", (), None)


def test_an_item_below_another_or_a_heading_says_so() -> None:
    found = said("# The build\n\n## Deploys\n\n- on Friday:\n  - never\n\n> - quoted [[Nix]]\n")
    contents = [each.content for each in found]
    assert "The build: Deploys: on Friday: never" in contents
    assert not [each for each in found if each.kind == "relation"]
    (whole,) = said("# The build\n\nIt is slow.\n")
    assert whole.content == "The build: It is slow."


def test_the_name_is_that_of_the_head_or_of_the_file_or_of_the_heading() -> None:
    text = "# Above\n\nIt is slow.\n"
    (named,) = said(text, head="")
    assert named.subject == "build"
    assert named.group == "build\n"
    (read,) = said(text, head="", name=None)
    assert read.subject == "Above"


def test_when_it_was_changed_is_what_the_head_says_and_in_a_text_without_a_file_when_it_was_made() -> None:
    made = "---\ntitle: x\ncreated: 2026-01-01T10:00:00Z\n---\n"
    both = made.replace("created", "modified: 2026-02-02T10:00:00Z\ncreated")
    assert [each.created_at for each in said("It is slow.\n", made)] == [None]
    assert [each.created_at for each in said("It is slow.\n", made, None)] == ["2026-01-01T10:00:00Z"]
    assert [each.created_at for each in said("It is slow.\n", both, None)] == ["2026-02-02T10:00:00Z"]


def test_a_title_is_cut_and_code_is_kept() -> None:
    (found,) = said("- [a] Run it:\n  ```sh\n  make\n  ```\n", head=f"---\ntitle: {'t' * 900}\n---\n")
    assert found.subject is not None
    assert set(found.subject) == {"t"}
    assert len(found.subject) < 900
    assert found.content.endswith(": Run it:\n```sh\nmake\n```")


def test_only_notes_are_read_and_no_hidden_folder_is_entered() -> None:
    assert [basic_memory.wanted(Path(name), PLACE) for name in ("a.md", "A.MD", "a.txt", "md")] == [
        True,
        True,
        False,
        False,
    ]
    assert [basic_memory.enters(Path(name)) for name in ("notes", ".obsidian", "a.b")] == [True, False, True]


def test_what_is_no_text_is_told() -> None:
    (bad,) = hear("basic-memory", b"\xff\xfe\x00", "build.md").bad
    assert isinstance(bad, Bad)
