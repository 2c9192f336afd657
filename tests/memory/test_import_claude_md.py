"""Markdown memories of agents: what becomes a memory, and with how much of what it stands below."""

from __future__ import annotations

from pathlib import Path

import pytest

from iai_daemon.memory.importing import claude_md
from tests.memory.import_sources import Heard, hear

SHOP = """\
# Shop API

<!-- Ask Ingrid before
- changing this list -->
The API of the web shop. See @README.md for an overview.

- @docs/git.md

## Code style

- Use tabs
- Never use `any` in the TypeScript files
  of the public API.
- Testing:
  - run `make test` before each commit
  - Databases
    1. start PostgreSQL with `make db`

To deploy to staging:

```sh
# the region is eu-west-1
make ship
```

Contacts
--------
| who | for what |
|---|---|
| Ingrid | deploys |

> Prices are in cents.
"""


def read(text: str, name: str | None = "CLAUDE.md") -> Heard:
    return hear("claude-md", text, name)


def test_each_item_and_each_paragraph_is_a_memory_that_can_be_understood_alone() -> None:
    assert read(SHOP).contents == [
        "The API of the web shop. See @README.md for an overview.",
        "Code style: Use tabs",
        "Never use `any` in the TypeScript files of the public API.",
        "Code style: Testing: run `make test` before each commit",
        "Code style: Testing: Databases: start PostgreSQL with `make db`",
        "To deploy to staging:\n```sh\n# the region is eu-west-1\nmake ship\n```",
        "Contacts:\n| who | for what |\n|---|---|\n| Ingrid | deploys |",
        "Contacts: Prices are in cents.",
    ]


def test_it_knows_its_line_its_heading_and_that_it_is_an_instruction() -> None:
    heard = read(SHOP)
    assert [(each.line, each.subject) for each in heard.passages][:3] == [
        (5, "Shop API"),
        (11, "Code style"),
        (12, "Code style"),
    ]
    assert {each.kind for each in heard.passages} == {"instruction"}
    assert heard.bad == []


def test_an_import_of_another_file_is_named_and_not_followed() -> None:
    assert [(each.line, each.reason.split()[0]) for each in read(SHOP).skipped] == [
        (5, "@README.md"),
        (7, "@docs/git.md"),
    ]


@pytest.mark.parametrize(
    "text", ["Mail ada@example.com now.", "Run `@tool/x.md` first.", "Ask @ada about it."]
)
def test_not_every_at_sign_is_an_import(text: str) -> None:
    assert (read(text).contents, read(text).skipped) == ([text], [])


def test_a_fence_stays_whole_with_what_introduces_it() -> None:
    text = "- Build:\n  ~~~\n  - not an item\n\n  # not a heading\n  ~~~\n- Then test\n\n```\nalone"
    assert read(text).contents == [
        "Build:\n~~~\n- not an item\n\n# not a heading\n~~~",
        "Then test",
        "```\nalone",
    ]
    assert read("Run:\n\n    # the tests\n    make test\n\nThen push.").contents == [
        "Run:\n# the tests\nmake test",
        "Then push.",
    ]
    assert read("# Setup\n```\nuv sync\n```").contents == ["Setup:\n```\nuv sync\n```"]


def test_a_heading_is_put_before_what_is_short_and_says_nothing_of_it() -> None:
    assert read("## Indentation\n- 4 spaces").contents == ["Indentation: 4 spaces"]
    assert read("## Indentation\n- Indentation is 4 spaces").contents == ["Indentation is 4 spaces"]
    assert read("## Notes\n- 4 spaces").contents == ["4 spaces"]
    long = "Ask Ingrid before you change anything below the folder of the migrations."
    assert read(f"## Database\n- {long}").contents == [long]


def test_what_introduces_a_list_stands_before_each_of_its_items_and_nowhere_else() -> None:
    text = "When you release:\n\n- tag it\n- tell Ingrid\n\nElse wait.\n\n- unrelated"
    assert read(text).contents == [
        "When you release: tag it",
        "When you release: tell Ingrid",
        "Else wait.",
        "unrelated",
    ]


def test_a_head_is_no_memory_and_the_paths_of_a_rule_are_its_tags() -> None:
    heard = read('---\npaths:\n  - "src/api/**/*.ts"\n  - lib/*.ts\n---\n- Validate every input.')
    assert heard.contents == ["Validate every input."]
    assert heard.passages[0].tags == ("src/api/**/*.ts", "lib/*.ts")


@pytest.mark.parametrize("head", ["type: feedback", "metadata:\n  type: feedback"], ids=["flat", "nested"])
def test_a_memory_file_of_claude_code_is_one_memory(head: str) -> None:
    text = (
        f"---\nname: real-databases\ndescription: Tests use a real database\n{head}\n---\n"
        "Integration tests use PostgreSQL, no mocks.\n\n**Why:** a mock hid a broken migration.\n"
    )
    (passage,) = read(text, "feedback_tests.md").passages
    assert passage.content == (
        "Tests use a real database: Integration tests use PostgreSQL, no mocks.\n\n"
        "**Why:** a mock hid a broken migration."
    )
    assert (passage.kind, passage.subject) == ("feedback", "real-databases")
    assert passage.own_id is not None
    assert read(text, None).passages[0].own_id is None


def test_the_lines_of_an_index_are_left_to_the_files_that_they_name() -> None:
    text = "# Memory\n- [Real databases](feedback_tests.md) — no mocks\n- The build needs Node 22.\n"
    heard = read(text, "memory/MEMORY.md")
    assert heard.contents == ["The build needs Node 22."]
    assert heard.passages[0].kind == "note"
    assert [each.line for each in heard.skipped] == [2]
    assert read("- [Guide](https://example.com/a.md) explains it").skipped == []


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("CLAUDE.md", True),
        ("api/AGENTS.md", True),
        ("GEMINI.md", True),
        ("CLAUDE.local.md", True),
        (".claude/rules/api.md", True),
        (".claude/projects/-home-ada-src-shop/memory/user.md", True),
        (".claude/commands/fix.md", False),
        ("README.md", False),
        ("docs/memory/design.md", False),
        ("AGENTS.txt", False),
    ],
)
def test_of_a_directory_only_what_agents_read_as_memory_is_read(path: str, is_one: bool) -> None:
    assert claude_md.wanted(Path("/nowhere/top") / path, Path("/nowhere/top")) is is_one


def test_bytes_that_are_no_text_are_named() -> None:
    assert hear("claude-md", b"- a\n\0").bad[0].line == 2
    heard = hear("claude-md", "\ufeff- with a mark before it\r\n- and Windows' ends of lines\r\n".encode())
    assert heard.contents == ["with a mark before it", "and Windows' ends of lines"]
