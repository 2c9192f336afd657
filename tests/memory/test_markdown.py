"""Markdown cut into blocks, by plain values: what each of them says, what it stands below, and what belongs to it."""

from __future__ import annotations

import pytest

from iai_daemon.memory.importing.markdown import CODE, ITEM, TABLE, TEXT, Block, bare, blocks


def read(text: str, first: int = 0) -> list[Block]:
    return blocks(text.split("\n"), first)


def texts(text: str) -> list[str]:
    return [block.text for block in read(text)]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(block.kind, block.text) for block in read(text)]


def block(kind: str, line: int, *parts: str, headings: tuple[str, ...] = (), **more: object) -> Block:
    return Block(kind, line, headings, list(parts), **more)  # type: ignore[arg-type]


def test_of_nothing_there_is_nothing() -> None:
    assert read("") == read("\n \n\t") == blocks([], 0) == []


def test_lines_below_each_other_are_one_paragraph_and_a_blank_line_ends_it() -> None:
    assert read("one\n  two\nthree\n\nfour") == [
        block(TEXT, 1, "one", "two", "three"),
        block(TEXT, 5, "four"),
    ]
    assert texts("one\n  two\nthree\n\nfour") == ["one two three", "four"]


def test_what_stands_before_the_first_line_that_is_asked_for_is_not_read() -> None:
    assert read("---\nhead\n---\none", 3) == [block(TEXT, 4, "one")]


def test_the_ends_of_lines_of_windows_are_none_of_the_text() -> None:
    assert read("one\r\nX two X\r\n\r\n- three\r") == [
        block(TEXT, 1, "one", "X two X"),
        block(ITEM, 4, "three"),
    ]


# --- headings and rules


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("# A\nx", ("A",)),
        ("###### A\nx", ("A",)),
        ("# A #\nx", ("A",)),
        ("# A\n## B\nx", ("A", "B")),
        ("# A\n### B\n## C\nx", ("A", "C")),
        ("# A\n## B\n# C\nx", ("C",)),
        ("## A\n# B\nx", ("B",)),
        ("#\nx", ()),
        ("# A\n## \n### C\nx", ("A", "C")),
        ("# **A**: `b`\nx", ("A**: `b",)),
        ("# *_`A`_*:\nx", ("A",)),
        ("#\tA\nx", ("A",)),
        ("  # A\nx", ("A",)),
        (f"# {'a' * 301}\nx", ("a" * 300,)),
        ("A\n===\nx", ("A",)),
        ("A\n=\nx", ("A",)),
        ("# A\nB\n---\nx", ("A", "B")),
        ("# A\nB\nc\n---\nx", ("A", "B c")),
        ("A\n===\nB\n---\nC\n===\nx", ("C",)),
    ],
)
def test_a_paragraph_knows_the_headings_that_it_stands_below(text: str, headings: tuple[str, ...]) -> None:
    (found,) = read(text)
    assert (found.headings, found.text) == (headings, "x")


@pytest.mark.parametrize("line", ["#a", "####### a", "#1 is first", "-- a", "=== a"])
def test_what_only_begins_like_a_heading_is_text(line: str) -> None:
    assert read(f"{line}\nx") == [block(TEXT, 1, line, "x")]


@pytest.mark.parametrize("rule", ["---", "***", "___", "- - -", " * * * ", "-\t-\t-", "----------"])
def test_a_rule_ends_what_stands_before_it(rule: str) -> None:
    assert kinds(f"- a\n{rule}\nb") == [(ITEM, "a"), (TEXT, "b")]
    assert read(f"- a\n\n{rule}\n    code")[1].kind == CODE


@pytest.mark.parametrize("line", ["--", "**", "-*-", "+++", "--- a", "==="])
def test_what_only_looks_like_a_rule_is_text(line: str) -> None:
    assert [found.text for found in read(f"\n{line}")] == [line]


def test_an_underlined_line_is_a_heading_only_where_it_is_a_paragraph() -> None:
    assert kinds("> a\n---\nb") == [(TEXT, "a"), (TEXT, "b")]
    assert kinds("- a\n---\nb") == [(ITEM, "a"), (TEXT, "b")]
    assert kinds("| a |\n---\nb") == [(TABLE, "| a |"), (TEXT, "b")]
    assert kinds("a\n\n---\nb") == [(TEXT, "a"), (TEXT, "b")]
    assert read("| a |\n---\nb")[1].headings == ()


# --- items


@pytest.mark.parametrize("sign", ["-", "*", "+", "1.", "1)", "123456789."])
def test_each_sign_makes_an_item(sign: str) -> None:
    assert read(f"{sign} a\n{sign}\tb") == [block(ITEM, 1, "a"), block(ITEM, 2, "b")]


@pytest.mark.parametrize("line", ["-a", "1.a", "1 a", "1234567890. a", "-", "a - b"])
def test_what_has_no_sign_of_its_own_is_text(line: str) -> None:
    assert kinds(line) == [(TEXT, line)]


def test_an_item_goes_on_below_it_and_where_it_is_indented_farther_than_its_sign() -> None:
    assert texts("- a\nb\n\n  c\n\nd") == ["a b c", "d"]
    assert texts("  - a\n\n  b") == ["a", "b"]
    assert texts("  - a\n\n   b\nc") == ["a b c"]
    assert texts("- a\n\n\tb") == ["a b"]


def test_items_within_items_know_what_they_stand_below() -> None:
    assert read("# H\n- a\n  - b\n    - c\n  - d\n- e") == [
        block(ITEM, 2, "a", headings=("H",), leads=True),
        block(ITEM, 3, "b", headings=("H",), indent=2, below=("a",), leads=True),
        block(ITEM, 4, "c", headings=("H",), indent=4, below=("a", "b")),
        block(ITEM, 5, "d", headings=("H",), indent=2, below=("a",)),
        block(ITEM, 6, "e", headings=("H",)),
    ]


def test_a_tab_is_as_wide_as_four_blanks() -> None:
    assert [(found.indent, found.below) for found in read("- a\n\t- b\n    - c\n \t- d")] == [
        (0, ()),
        (4, ("a",)),
        (4, ("a",)),
        (5, ("a", "c")),
    ]


def test_of_the_items_around_one_the_three_innermost_are_kept() -> None:
    assert read("- a\n - b\n  - c\n   - d\n    - e")[4].below == ("b", "c", "d")


def test_what_stands_around_is_kept_in_short() -> None:
    long = "x" * 200
    (_, item) = read(f"- {long}\n  {long}\n  {long}\n  - a")
    assert item.below == ((f"{long} {long}")[:300],)
    assert read(f"- {'y' * 301}\n  - a")[1].below == ("y" * 300,)
    assert read("- one\n  two\n  - a")[1].below == ("one two",)


def test_a_sentence_that_ends_so_introduces_the_list_that_comes_next() -> None:
    leader, *items = read("When you release:\n\n- tag it\n  - twice\n- tell Ingrid\n\nElse.\n\n- no")
    assert leader == block(TEXT, 1, "When you release:", leads=True)
    assert [(found.text, found.below) for found in items] == [
        ("tag it", ("When you release:",)),
        ("twice", ("When you release:", "tag it")),
        ("tell Ingrid", ("When you release:",)),
        ("Else.", ()),
        ("no", ()),
    ]


@pytest.mark.parametrize("between", ["# H", "---", "```\nx\n```", "    x", "| a |", "> a", "b"])
def test_what_stands_between_takes_the_introduction_away(between: str) -> None:
    found = read(f"So:\n\n{between}\n\n- a")
    assert (found[-1].text, found[-1].below, found[0].leads) == ("a", (), False)


def test_a_heading_and_a_paragraph_end_the_list() -> None:
    assert [found.below for found in read("- a\n# H\n  - b")] == [(), ()]
    assert [found.below for found in read("- a\n\nb\n  - c")] == [(), (), ()]


@pytest.mark.parametrize(
    ("text", "introduces"),
    [
        ("- a b c\n  - d", True),
        ("- a b c e\n  - d", False),
        ("- a b c e:\n  - d", True),
        ("- a", False),
        ("- a\n  ```\n  x\n  ```\n  - d", False),
        ("a:\n- d", True),
        ("a:\n\nd", False),
    ],
)
def test_a_title_says_nothing_but_what_is_below_it(text: str, introduces: bool) -> None:
    assert read(text)[0].introduces is introduces


# --- fences and code


def test_a_fence_that_nothing_introduces_stands_alone() -> None:
    assert read("# H\n```py\n# x\n\n- y\n```\nz") == [
        block(CODE, 2, headings=("H",), codes=["```py\n# x\n\n- y\n```"]),
        block(TEXT, 7, "z", headings=("H",)),
    ]


def test_a_fence_belongs_to_what_stands_before_it() -> None:
    (found,) = read("Run:\n\n```\nx\n```\n~~~\ny\n~~~")
    assert (found.text, found.codes) == ("Run:\n```\nx\n```\n~~~\ny\n~~~", ["```\nx\n```", "~~~\ny\n~~~"])
    assert texts("a\n```\nx \t\r\n```") == ["a\n```\nx \t\n```"]
    assert texts("a\n```\nx\n```\nb") == ["a\n```\nx\n```", "b"]


def test_a_fence_that_nobody_ends_goes_on_to_the_end() -> None:
    assert texts("a\n```\nx\n\n- y") == ["a\n```\nx\n\n- y"]


@pytest.mark.parametrize(
    ("begin", "end", "ends"),
    [
        ("```", "```", True),
        ("```", "````", True),
        ("```", "  ```  ", True),
        ("````", "```", False),
        ("```", "~~~", False),
        ("~~~", "~~~", True),
        ("~~~ a ` b", "~~~", True),
        ("```", "``` x", False),
        ("```", "``", False),
    ],
)
def test_a_fence_ends_with_its_own_sign_at_least_as_often(begin: str, end: str, ends: bool) -> None:
    assert len(read(f"{begin}\nx\n{end}\ny")) == (2 if ends else 1)


@pytest.mark.parametrize("line", ["``` a `", "``", "~~", "a ```"])
def test_what_is_no_fence_is_text(line: str) -> None:
    assert kinds(line) == [(TEXT, line)]


def test_within_a_fence_its_own_indentation_is_left_out() -> None:
    assert texts("- a\n  ```\n  x\n    y\n z\n  ```") == ["a\n```\nx\n  y\nz\n```"]


def test_among_items_a_fence_belongs_to_the_one_that_it_is_indented_in() -> None:
    assert texts("- a\n  - b\n\n  ```\n  x\n  ```") == ["a\n```\nx\n```", "b"]
    assert texts("- a\n  - b\n\n    ```\n    x\n    ```") == ["a", "b\n```\nx\n```"]
    assert kinds("- a\n\n```\nx\n```") == [(ITEM, "a"), (CODE, "```\nx\n```")]


def test_a_fence_below_a_quotation_stands_alone() -> None:
    assert kinds("> a\n\n```\nx\n```") == [(TEXT, "a"), (CODE, "```\nx\n```")]


def test_what_is_indented_by_four_is_code_that_belongs_to_what_stands_before_it() -> None:
    assert texts("Run:\n\n    # x\n      y\n\tz\n\nb") == ["Run:\n# x\n  y\nz", "b"]
    assert kinds("    x\n    y") == [(CODE, "x\ny")]
    assert kinds("> a\n\n    x") == [(TEXT, "a"), (CODE, "x")]
    assert read("# H\n    x") == [block(CODE, 2, headings=("H",), codes=["x"])]


def test_what_is_indented_is_no_code_within_a_paragraph_or_a_list_or_by_three() -> None:
    assert texts("a\n    b") == ["a b"]
    assert texts("- a\n\n    b") == ["a b"]
    assert kinds("   a") == [(TEXT, "a")]
    assert kinds("    - a") == [(ITEM, "a")]


# --- tables, quotations and comments


def test_a_table_stays_as_it_stands() -> None:
    assert read("a\n| b | c |\n |---|\n\n| d |") == [
        block(TEXT, 1, "a"),
        block(TABLE, 2, "| b | c |", "|---|"),
        block(TABLE, 5, "| d |"),
    ]
    assert texts("| b | c |\n|---|") == ["| b | c |\n|---|"]


def test_a_quotation_is_somebody_elses_words() -> None:
    assert read("a\n> b\n> > c\nd") == [
        block(TEXT, 1, "a"),
        block(TEXT, 2, "b", "c", quoted=True),
        block(TEXT, 4, "d"),
    ]
    assert [found.below for found in read("> b:\n- c")] == [(), ("b:",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a <!-- b --> c", ["a  c"]),
        ("<!-- b -->", []),
        ("a <!-- b\n--> c", ["a c"]),
        ("a <!-- b", ["a"]),
        ("a <!-- b\n- c\n\nd --> e", ["a", "e"]),
        ("a <!-- b --> c <!-- d --> e", ["a  c  e"]),
        ("<!-- a --><!-- b -->c", ["c"]),
        ("a `<!-- b -->` c", ["a `<!-- b -->` c"]),
        ("<!-- ` -->a", ["a"]),
        ("a --> b", ["a --> b"]),
        ("<!---->a", ["a"]),
        ("```\n<!-- a -->\n```", ["```\n<!-- a -->\n```"]),
    ],
)
def test_a_comment_says_nothing(text: str, said: list[str]) -> None:
    assert texts(text) == said


@pytest.mark.parametrize(
    ("several", "words"),
    [
        ([], ""),
        (["Testing"], "Testing"),
        (["Testing:", "unit tests."], "Testing: unit tests"),
        (["**Testing**", "_unit_ ", "a : b"], "Testing: unit: a : b"),
    ],
)
def test_what_stands_around_a_text_is_put_before_it(several: list[str], words: str) -> None:
    assert bare(several) == words
