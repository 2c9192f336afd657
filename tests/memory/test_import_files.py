"""The files that an import reads: which of a directory, how much of them, and that nothing happens to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iai_daemon.memory.importing import FORMATS, files, sources
from iai_daemon.memory.importing.files import Reader, Refused, Tree
from iai_daemon.memory.importing.said import Source
from tests.fakes import NOON


def found(top: Path, form: str = "basic-memory") -> tuple[list[str], list[Refused]]:
    """The names of what is read, and what is not."""
    both = list(sources(FORMATS[form], top, now=NOON))
    names = [str(Path(each.name).relative_to(top)) for each in both if isinstance(each, Source)]
    return names, [each for each in both if isinstance(each, Refused)]


def write(top: Path, *names: str) -> None:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"- {name}\n")


def test_notes_are_found_in_the_order_of_their_names_and_hidden_directories_are_not(tmp_path: Path) -> None:
    write(tmp_path, "b/two.md", "a.md", "c.txt", ".obsidian/x.md", "b/a/one.md")
    assert found(tmp_path) == (["a.md", "b/two.md", "b/a/one.md"], [])


def test_memories_of_agents_are_found_and_what_is_installed_is_not(tmp_path: Path) -> None:
    write(
        tmp_path,
        "CLAUDE.md",
        "README.md",
        "api/AGENTS.md",
        ".claude/CLAUDE.md",
        ".claude/rules/api/style.md",
        ".claude/plugins/x/CLAUDE.md",
        "node_modules/x/CLAUDE.md",
        ".git/CLAUDE.md",
    )
    assert found(tmp_path, "claude-md") == (
        ["CLAUDE.md", ".claude/CLAUDE.md", ".claude/rules/api/style.md", "api/AGENTS.md"],
        [],
    )


def test_a_directory_with_an_index_is_memory_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, "MEMORY.md", "user_role.md", "logs/2025.md")
    assert found(tmp_path, "claude-md")[0] == ["MEMORY.md", "user_role.md"]


def test_links_neither_lead_in_circles_nor_bring_a_file_twice(tmp_path: Path) -> None:
    write(tmp_path, "CLAUDE.md", "sub/GEMINI.md")
    (tmp_path / "AGENTS.md").symlink_to("CLAUDE.md")
    (tmp_path / "sub" / "CLAUDE.md").symlink_to("CLAUDE.md")
    (tmp_path / "sub" / "AGENTS.md").symlink_to("..")
    names, refused = found(tmp_path, "claude-md")
    assert names == ["AGENTS.md", "sub/GEMINI.md"]
    assert [(Path(each.name).name, each.bad) for each in refused] == [
        ("CLAUDE.md", False),
        ("AGENTS.md", False),
        ("CLAUDE.md", True),
    ]


def test_a_pipe_a_directory_and_what_is_not_there_are_named_and_nobody_waits(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    reader = Reader(largest=10, now=NOON)
    for name, reason in (
        ("pipe.md", "it is no file"),
        ("folder.md", "it is a directory"),
        ("none.md", "No such file"),
    ):
        refused = reader.read(tmp_path / name)
        assert isinstance(refused, Refused)
        assert refused.bad
        assert refused.reason.startswith(reason)


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    assert isinstance(Reader(largest=7, now=NOON).read(tmp_path / "a.md"), Source)
    refused = Reader(largest=6, now=NOON).read(tmp_path / "a.md")
    assert isinstance(refused, Refused)
    assert refused.reason == "a file may have 6 bytes"


@pytest.mark.parametrize(("changed", "known"), [(NOON - 5, NOON - 5), (NOON + 5, NOON), (-5, None)])
def test_a_file_was_changed_when_it_says_so_and_never_later_than_now(
    tmp_path: Path, changed: float, known: float | None
) -> None:
    write(tmp_path, "a.md")
    os.utime(tmp_path / "a.md", (changed, changed))
    source = Reader(largest=10, now=NOON).read(tmp_path / "a.md")
    assert isinstance(source, Source)
    assert source.modified_at == known


def test_a_tree_that_is_too_deep_is_named(tmp_path: Path) -> None:
    write(
        tmp_path,
        "/".join(["d"] * files.DEEPEST) + "/in.md",
        "/".join(["d"] * (files.DEEPEST + 1)) + "/out.md",
    )
    names, refused = found(tmp_path)
    assert [Path(each).name for each in names] == ["in.md"]
    assert [each.reason for each in refused] == ["it is too deep"]


def test_a_tree_that_is_too_large_ends_where_it_says_so(tmp_path: Path) -> None:
    write(tmp_path, *(f"{folder}/{number}.md" for folder in "abc" for number in range(5)))
    tree = Tree(tmp_path, wanted=lambda _: True, enters=lambda _: True, most_files=7)
    both = list(tree.files())
    assert len(both) == 11
    assert isinstance(both[-1], Refused)
    assert both[-1].bad


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_directory_that_may_not_be_listed_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path, "a/one.md", "b/two.md")
    (tmp_path / "a").chmod(0)
    names, refused = found(tmp_path)
    (tmp_path / "a").chmod(0o700)
    assert (names, [each.reason for each in refused]) == (["b/two.md"], ["Permission denied"])


def test_a_name_of_any_bytes_is_a_name(tmp_path: Path) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/\xff.md", os.O_CREAT | os.O_WRONLY))
    (source,) = sources(FORMATS["basic-memory"], tmp_path, now=NOON)
    assert isinstance(source, Source)
    assert source.name.endswith("/\\xff.md")
