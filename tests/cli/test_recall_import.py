"""`iai-daemon recall import crontab`: what a crontab starts today becomes recalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iai_daemon.paths import Home
from tests.cli import calling
from tests.cli.inside import call, call_json, refused, said
from tests.cli.planning import NOTE, with_agents

CLAUDE = """
[agents.claude]
command = ["/usr/bin/env", "claude", "-p", "--resume", "{session_id}", "{context}"]
"""
GOOD = '0 9 * * 1-5 /usr/local/bin/claude -p "Is the build green?" --resume 1f0c\n'


@pytest.fixture(autouse=True)
def _agents(home: Home) -> None:
    with_agents(home, CLAUDE, NOTE)


def take_over(home: Home, text: str, *words: str, status: int = 0) -> dict[str, Any]:
    return call_json(home, "recall", "import", "crontab", "-", *words, stdin=text, status=status)


def test_a_line_that_starts_an_agent_becomes_a_recall(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_text(f"# mine\nCRON_TZ=America/New_York\n\n{GOOD}")
    told = calling.call_json(home, "recall", "import", "crontab", str(file))
    (added,) = told["added"]
    assert (added["line"], added["recall"], added["agent"], added["session_id"]) == (4, 1, "claude", "1f0c")
    (kept,) = call_json(home, "recall", "list")["recalls"]
    assert kept["additional_context_message"] == "Is the build green?"
    assert kept["trigger"] == {"kind": "cron", "expression": "0 9 * * 1-5", "tz": "America/New_York"}
    assert kept["internal_comment"] == "line 4 of a crontab"
    assert " 09:00 E" in kept["local"]


def test_to_import_it_twice_changes_nothing(home: Home) -> None:
    text = GOOD + "@daily /bin/echo 'Tidy up.'\n"
    assert [each["recall"] for each in take_over(home, text)["added"]] == [1, 2]
    again = take_over(home, text)
    assert again["added"] == []
    assert [each["recall"] for each in again["already"]] == [1, 2]
    moved = take_over(home, f"# a comment more\n{text}")
    assert (moved["added"], len(moved["already"])) == ([], 2)
    assert len(call_json(home, "recall", "list", "--all")["recalls"]) == 2


def test_a_dry_run_tells_the_same_and_keeps_nothing(home: Home) -> None:
    told = take_over(home, GOOD, "--dry-run")
    assert (told["dry_run"], told["added"][0]["recall"]) == (True, None)
    assert not home.memory.exists()
    words = ("recall", "import", "crontab", "-")
    assert said(home, *words, "--dry-run", stdin=GOOD).startswith(
        "line 1: a recall wakes claude in the session 1f0c, cron 0 9 * * 1-5 ("
    )
    take_over(home, GOOD)
    assert len(take_over(home, GOOD, "--dry-run")["already"]) == 1


def test_where_no_session_is_named_the_line_is_one_unless_the_agent_needs_an_older_one(home: Home) -> None:
    text = "0 7 * * * /bin/echo 'Tidy up.'\n0 8 * * * claude -p 'Look.'\n"
    told = take_over(home, text, "--session-prefix", "night", status=1)
    assert [each["session_id"] for each in told["added"]] == ["night-1"]
    (left,) = told["refused"]
    assert left["line"] == 2
    assert "names no session, and the agent claude goes on with one" in left["reason"]
    assert "--resume ID" in left["reason"]


REFUSED = [
    ("0 3 * * * /usr/bin/backup.sh /home", "it starts no agent: no [agents.NAME] in"),
    ("0 9 * * * cd /srv && claude -p x --resume a", "its command needs a shell"),
    ('0 9 * * * claude -p "$(cat todo)" --resume a', "its command needs a shell"),
    ("@reboot claude -p x --resume a", "@reboot"),
    ("0 9 * * * claude --resume a", "its command has no prompt that a recall could say"),
    ("0 9 * * * claude -p x --resume a --model opus", "The option --model of claude is not taken over"),
    ("61 9 * * * claude -p x --resume a", "61 9 * * *"),
    ("0 9 * * * claude -p x --resume=-rf", "named by its id"),
]


@pytest.mark.parametrize(("line", "reason"), REFUSED)
def test_a_line_that_is_not_taken_over_is_named_with_its_reason_and_the_others_are_kept(
    home: Home, line: str, reason: str
) -> None:
    told = take_over(home, f"{line}\n{GOOD}", status=1)
    (left,) = told["refused"]
    assert left["line"] == 1
    assert reason in left["reason"]
    assert [each["line"] for each in told["added"]] == [2]


def test_two_lines_of_one_session_are_told_apart(home: Home) -> None:
    text = GOOD + "0 18 * * * claude -p 'Is it still?' --resume 1f0c\n"
    for words in (("--dry-run",), ()):
        told = take_over(home, text, *words, status=1)
        assert [each["line"] for each in told["added"]] == [1]
        assert "The session 1f0c has a pending recall already" in told["refused"][0]["reason"]


def test_an_agent_of_that_name_goes_before_one_with_that_program(home: Home) -> None:
    with_agents(home, CLAUDE, '[agents.other]\ncommand = ["/opt/claude", "{session_id}", "{message}"]\n')
    assert take_over(home, GOOD)["added"][0]["agent"] == "claude"
    two = "".join(
        f'[agents.{name}]\ncommand = ["/opt/claude", "-r", "{{session_id}}"]\n' for name in ("a", "b")
    )
    with_agents(home, two)
    (left,) = take_over(home, GOOD.replace("1f0c", "2"), status=1)["refused"]
    assert "several agents have the program claude, which one is meant is not clear: a, b" in left["reason"]


def test_a_command_of_ones_own_is_read_as_the_agent_s_command_is_written(home: Home) -> None:
    with_agents(home, '[agents.mine]\ncommand = ["/opt/ask", "--in", "{session_id}", "--say", "{message}"]\n')
    (added,) = take_over(home, "*/30 * * * * /opt/ask --in s7 --say 'Look again.'\n")["added"]
    assert (added["session_id"], added["additional_context_message"]) == ("s7", "Look again.")
    assert take_over(home, "*/30 * * * * /opt/ask --at s8 --say 'Look again.'\n", status=1)["refused"]


def test_what_a_line_reads_is_its_message_and_where_it_wrote_is_said(home: Home) -> None:
    text = "0 9 * * * claude -p --resume a >> /tmp/log 2>&1 %Is the build%green?\n"
    (added,) = take_over(home, text)["added"]
    assert added["additional_context_message"] == "Is the build\ngreen?"
    assert added["dropped"] == ">> /tmp/log 2>&1"


def test_what_is_no_crontab_is_refused(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "crontab"
    file.write_bytes(b"\xff\xfe")
    assert "it is not UTF-8 text" in refused(home, "recall", "import", "crontab", str(file), status=2)
    assert call(home, "recall", "import", "crontab", str(tmp_path / "none")).returncode == 2
    done = call(home, "recall", "import", "crontab", "-", stdin="")
    assert (done.returncode, done.stdout) == (0, "no line in it starts anything\n")
