"""The lines that make an agent use its memory: where they are put, and that they go without a trace."""

from __future__ import annotations

import pytest

from iai_daemon.clients.instructions import put, take

LINES = put("")


def test_the_lines_stand_between_two_comments_by_which_they_are_found_again() -> None:
    first, *middle, last, nothing = LINES.split("\n")
    assert (first, last, nothing) == ("<!-- iai-daemon: memory -->", "<!-- iai-daemon: end -->", "")
    assert middle[:2] == ["## Memory", ""]
    assert [line[:2] for line in middle[2:]] == ["- ", "  ", "- ", "  ", "  ", "- ", "  "]


@pytest.mark.parametrize(
    "word", ["`search_memory`", "`iai-memory`", "`remember`", "`subject`", "`attribute`", "`forget`"]
)
def test_the_lines_name_what_the_server_offers(word: str) -> None:
    assert word in LINES


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", LINES),
        ("# Mine\n", f"# Mine\n\n{LINES}"),
        ("# Mine\n\n", f"# Mine\n\n\n{LINES}"),
        ("no end", f"no end\n\n{LINES}"),
    ],
)
def test_the_lines_are_put_at_the_end_below_a_blank_line(before: str, after: str) -> None:
    assert put(before) == after
    assert put(after) == after


@pytest.mark.parametrize(
    ("before", "between"), [("# Mine\r\n", "\r\n"), ("one\r\ntwo", "\r\n\r\n"), ("a\nb\r\n", "\r\n")]
)
def test_where_lines_end_as_on_windows_these_do_so_too(before: str, between: str) -> None:
    assert put(before) == before + between + LINES.replace("\n", "\r\n")


def test_lines_of_another_version_are_renewed_where_they_stand() -> None:
    old = "<!-- iai-daemon: memory -->\nold \\1 words\n<!-- iai-daemon: end -->"
    assert put(f"above\n\n{old}\n\nbelow\n") == f"above\n\n{LINES}\nbelow\n"
    assert put(f"{old}below") == f"{LINES}below"
    assert put(f"{old}\n{old}\n") == f"{LINES}{old}\n"
    assert put(f"a\r\n{old}\r\nb\r\n") == "a\r\n" + LINES.replace("\n", "\r\n") + "b\r\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("nothing of ours\n\n", "nothing of ours\n\n"),
        (LINES, ""),
        (f"a\n\n{LINES}", "a\n"),
        (f"a\n{LINES}", "a\n"),
        (f"a\n\n\n{LINES}", "a\n\n"),
        (f"a\n\n{LINES}b\n", "a\n\nb\n"),
        ("a\r\n\r\n" + LINES.replace("\n", "\r\n"), "a\r\n"),
        ("a\r\n" + LINES.replace("\n", "\r\n") + "b", "a\r\nb"),
        ("<!-- iai-daemon: memory -->\nnever ended", "<!-- iai-daemon: memory -->\nnever ended"),
    ],
)
def test_the_lines_go_with_the_blank_line_before_them(before: str, after: str) -> None:
    assert take(before) == after
