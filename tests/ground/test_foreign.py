"""What others wrote is shown without what would steer a terminal, and no longer than it may be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.foreign import one_line, printable

# Whatever a terminal, a line or a file might stumble over.
ODD = st.text(alphabet=st.characters(exclude_categories=()))


def test_of_what_cannot_be_printed_one_sees_that_it_was_there() -> None:
    assert printable("a\x1b[31mb\u202ec\n\td") == "a\ufffd[31mb\ufffdc\n\td"
    assert printable("a\x1bb\nc", "?", keep="") == "a?b?c"
    assert printable("a\x1bb\tc\nd", "", keep="\n") == "abc\nd"


def test_a_text_becomes_one_line() -> None:
    assert one_line("  two\r\n\twords  ") == "two\ufffd words"
    assert one_line("two\x1bwords \x00 ", instead=" ") == "two words"
    assert one_line("") == ""


def test_what_is_too_long_ends_where_it_is_cut() -> None:
    assert one_line("a" * 60) == "a" * 60
    assert one_line("a" * 61) == "a" * 59 + "…"
    assert one_line("one two", 5) == "one…"
    assert one_line("one" + " " * 17, 5) == "one"
    assert one_line("one" + " " * 18, 5) == "one…"


@given(ODD, st.integers(1, 50))
def test_any_text_becomes_one_bounded_line_that_can_be_printed(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()
    assert line == line.strip()
