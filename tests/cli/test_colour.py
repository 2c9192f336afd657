"""Who wants colours, and what they look like, by plain values."""

from __future__ import annotations

import pytest

from iai_daemon.cli.colour import Tone, paint, wants_colour


@pytest.mark.parametrize(
    ("environment", "on_a_terminal", "elsewhere"),
    [
        ({"TERM": "xterm-256color"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": ""}, False, False),
        ({}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": "0"}, False, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, False),
        ({"TERM": "xterm", "CLICOLOR": "0"}, False, False),
        ({"TERM": "xterm", "CLICOLOR": "1"}, True, False),
        ({"TERM": "xterm", "CLICOLOR": ""}, True, False),
        ({"TERM": "dumb", "CLICOLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "yes"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": ""}, False, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"CLICOLOR_FORCE": ""}, False, False),
        ({"CLICOLOR_FORCE": "1", "CLICOLOR": "0", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
    ],
)
def test_the_environment_says_who_wants_colours_and_what_is_no_terminal_gets_them_by_force_only(
    environment: dict[str, str], on_a_terminal: bool, elsewhere: bool
) -> None:
    assert wants_colour(environment, is_terminal=True) is on_a_terminal
    assert wants_colour(environment, is_terminal=False) is elsewhere


@pytest.mark.parametrize(
    ("tone", "painted"),
    [
        (Tone.PLAIN, "text"),
        (Tone.QUIET, "\x1b[2mtext\x1b[0m"),
        (Tone.WAKE, "\x1b[1;33mtext\x1b[0m"),
        (Tone.IDLE, "\x1b[1;36mtext\x1b[0m"),
        (Tone.BEDTIME, "\x1b[1;35mtext\x1b[0m"),
        (Tone.WARNING, "\x1b[1;31mtext\x1b[0m"),
    ],
)
def test_a_text_is_painted_and_what_follows_it_is_plain(tone: Tone, painted: str) -> None:
    assert paint("text", tone) == painted
    assert paint("", tone) == ""
