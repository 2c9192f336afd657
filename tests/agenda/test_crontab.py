"""A user's crontab: what can be taken over, what cannot and why, and the agents' own command lines in it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iai_daemon.agenda.asking.crontab import Line, prompt_and_session, read
from iai_daemon.errors import UsageError

CRONTAB = """\
# m h dom mon dow command
MAILTO=me@example.org
PATH = "/usr/bin:/bin"

0 9 * * 1-5 claude -p "Look at the mail" --resume abc
CRON_TZ=Europe/Berlin
\t*/15 9-17 * * mon-fri   codex exec 'Run the tests'  >> /tmp/log 2>&1
@daily\tclaude -r abc "Sum up: 100\\%"
TZ = "America/New_York"
@weekly gemini -p hello%first%second \\% line
"""


def job(command: str) -> Line:
    (line,) = read(f"0 9 * * * {command}")
    return line


def test_jobs_are_read_with_their_line_their_zone_and_their_words() -> None:
    first, second, third, fourth = read(CRONTAB)
    assert first == Line(5, "0 9 * * 1-5", None, ("claude", "-p", "Look at the mail", "--resume", "abc"))
    assert second == Line(
        7,
        "*/15 9-17 * * mon-fri",
        "Europe/Berlin",
        ("codex", "exec", "Run the tests"),
        None,
        ">> /tmp/log 2>&1",
    )
    assert third == Line(8, "@daily", "Europe/Berlin", ("claude", "-r", "abc", "Sum up: 100%"))
    assert fourth == Line(
        10, "@weekly", "America/New_York", ("gemini", "-p", "hello"), "first\nsecond % line"
    )


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "  # nothing", "SHELL=/bin/sh\n", "A='b c'\n"])
def test_a_crontab_without_jobs_has_none(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("a b  c\td", ["a", "b", "c", "d"]),
        ("a 'b c' \"d e\" f\\ g", ["a", "b c", "d e", "f g"]),
        ("a 'it'\\''s' \"say \\\"hi\\\"\" ''", ["a", "it's", 'say "hi"', ""]),
        ("a \"back\\slash \\\\ \\$HOME\" 'a $b `c`'", ["a", "back\\slash \\ $HOME", "a $b `c`"]),
        ('a --x="1 2"3 \'a|b\' "c;d&e" \\|', ["a", "--x=1 23", "a|b", "c;d&e", "|"]),
        ("a b#c # and no more | than this", ["a", "b#c"]),
        ("a b~ x=~ '~'", ["a", "b~", "x=~", "~"]),
    ],
)
def test_words_are_those_of_the_shell(command: str, words: list[str]) -> None:
    assert list(job(command).argv) == words


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs", "Cc", "Z"])), min_size=1
    )
)
def test_what_was_quoted_comes_back_as_it_was(words: list[str]) -> None:
    words = ["echo", *words]
    line = job(shlex.join(words).replace("%", "\\%"))
    assert (line.problem, list(line.argv)) == (None, words)


@given(st.text("ab \\\"'\\#~>&1 ", max_size=14))
def test_a_command_that_is_taken_has_the_words_that_a_real_shell_makes_of_it(
    tmp_path: Path, command: str
) -> None:
    line = job(f"echo {command}")
    if line.problem is None and line.dropped is None:
        script = f"printf '%s\\n' {command}"
        argv = ["/bin/sh", "-c", script, "sh"]
        shown = subprocess.run(argv, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
        assert "".join(f"{word}\n" for word in line.argv[1:] or [""]) == shown


@pytest.mark.parametrize(
    ("redirection", "dropped"),
    [
        ("> /dev/null", "> /dev/null"),
        (">/dev/null 2>&1", ">/dev/null 2>&1"),
        ("&> /dev/null", "&> /dev/null"),
        (">>'/tmp/a b' 2>>/tmp/c", ">>'/tmp/a b' 2>>/tmp/c"),
        (">| x", ">| x"),
        ("2>/dev/null # quietly", "2>/dev/null"),
    ],
)
def test_where_the_output_went_is_dropped_and_noted(redirection: str, dropped: str) -> None:
    line = job(f'claude -p "> no" {redirection}')
    assert line.argv == ("claude", "-p", "> no")
    assert line.dropped == dropped
    assert line.problem is None


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("date | claude -p x", "a pipe"),
        ("cd /src && claude -p x", "&"),
        ("claude -p x &", "&"),
        ("claude -p x; true", "more than one command"),
        ('claude -p "$(date)"', "a variable or a command"),
        ('claude -p "$PROMPT"', "a variable or a command"),
        ("claude -p `date`", "a command in it"),
        ("claude -p x < file", "input from a file"),
        ("(claude -p x)", "a subshell"),
        ("claude -p *.md", "pattern"),
        ("claude -p {a,b}", "braces"),
        ("~/bin/claude -p x", "home directory"),
        ("LANG=C claude -p x", "sets a variable"),
        ("claude -p 'x", "other half"),
        ('claude -p "x', "other half"),
        ("claude -p x\\", "other half"),
        ("claude -p x >", "without a target"),
        ("claude -p x > | y", "pipe"),
        ("> /dev/null", "no command"),
        ("", "no command"),
    ],
)
def test_what_needs_a_shell_is_a_problem_in_words(command: str, why: str) -> None:
    line = job(command)
    assert line.problem is not None
    assert why in line.problem
    assert line.argv == ()


def test_a_job_at_the_start_of_the_machine_has_no_time() -> None:
    (line,) = read("@reboot claude -p x")
    assert line.problem == "it runs when the machine starts (@reboot), and a recall needs a time"
    assert line.expression is None


@given(st.text(max_size=80))
def test_any_text_is_read_line_by_line(text: str) -> None:
    assert all(line.problem or line.argv for line in read(text))


@pytest.mark.parametrize(
    ("command", "prompt", "session"),
    [
        ('claude -p "Sum up" --resume ID', "Sum up", "ID"),
        ('claude --resume ID -p "Sum up"', "Sum up", "ID"),
        ('/usr/local/bin/claude -r ID "Sum up"', "Sum up", "ID"),
        ('claude --resume=ID --print "Sum up"', "Sum up", "ID"),
        ('claude -p "Sum up" --session-id ID', "Sum up", "ID"),
        ('claude --continue -p "Sum up"', "Sum up", None),
        ('claude -c -p -- "-- Sum up"', "-- Sum up", None),
        ("claude --resume -p hello", "hello", None),
        ("claude -p", None, None),
        ('codex exec "Sum up"', "Sum up", None),
        ('codex exec resume ID "Sum up"', "Sum up", "ID"),
        ('codex exec resume --last "Sum up"', "Sum up", None),
        ('opencode run "Sum up" --session ID', "Sum up", "ID"),
        ("opencode run -s ID Sum up", "Sum up", "ID"),
        ('gemini -p "Sum up"', "Sum up", None),
        ('gemini --prompt="Sum = up"', "Sum = up", None),
    ],
)
def test_the_agents_own_command_lines_tell_prompt_and_session(
    command: str, prompt: str | None, session: str | None
) -> None:
    assert prompt_and_session(shlex.split(command)) == (prompt, session)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("root claude -p x", "starts root"),
        ("", "starts nothing"),
        ("claude -p x --model opus", "--model"),
        ("claude -p x --resume=ID --foo=1", "--foo"),
        ("claude -p x y", "more words"),
        ("claude -p x --session-id", "needs a value"),
        ("claude -p --session-id -x", "needs a value"),
        ("codex 'fix it'", "codex exec"),
        ("codex exec --full-auto x", "--full-auto"),
        ("codex exec --last x", "--last"),
        ("gemini -p x y", "more words"),
        ("opencode serve", "opencode run"),
    ],
)
def test_what_is_not_known_is_not_guessed(command: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        prompt_and_session(shlex.split(command))
