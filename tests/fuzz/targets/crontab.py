"""A user's crontab and the agents in it (`agenda.asking.crontab`)."""

from __future__ import annotations

import shlex
from typing import Any

from iai_daemon.agenda.asking.crontab import prompt_and_session, read
from iai_daemon.errors import UsageError
from tests.fuzz.mutating import mutated_text
from tests.fuzz.target import Target, Verdict, accepted, refused

CORPUS = (
    "# a comment\nMAILTO=ada\nCRON_TZ=Europe/Berlin\n0 9 * * 1-5 claude -p --resume s-1 'tidy up'\n",
    '@daily codex exec resume s-2 "look at \\"it\\"" >/dev/null 2>&1\n',
    "*/5 * * * * /usr/bin/gemini --prompt=hello\n30 4 1 * * opencode run -s s-3 all of it # now\n",
    "0 0 * * 0 mail -s x ada%line one%line two\\%\n",
    "@reboot x\n0 9 * * * cd /x && claude -p y\n0 9 * * * A=b claude -p\n",
)
_TOKENS = [
    *(" ", "\t", "'", '"', "\\", "|", "&&", ";", ">", ">>", "2>&1", "<", "$", "`", "%", "\\%", "~", "*", "#", "--", "-p", "--resume", "="),
    *("@daily ", "@reboot ", "* * * * * ", "60 25 32 13 8 ", "TZ=", "\r", "claude ", "codex exec ", "A=b "),
]  # fmt: skip


def check(subject: Any, text: str) -> Verdict:
    jobs = subject(text)
    kinds = set()
    lines = text.split("\n")
    for job in jobs:
        assert lines[job.number - 1].strip()
        if job.problem:
            assert job.problem.isascii()
            kinds.add("a problem")
            continue
        assert job.expression
        assert job.argv
        words = " ".join(map(shlex.quote, job.argv))
        (again,) = (
            read(f"* * * * * {words.replace('%', chr(92) + '%')}")
            if "\n" not in words and "\0" not in words
            else (job,)
        )
        assert again.problem or again.argv == job.argv, "quoted and read again, it is another command"
        kinds.add(_agent(job.argv))
    good = kinds - {"a problem"}
    if good:
        return accepted(" and ".join(sorted(good)))
    return refused("a problem" if kinds else "no job")


def _agent(argv: tuple[str, ...]) -> str:
    try:
        prompt, session = prompt_and_session(argv)
    except UsageError:
        return "another program"
    assert prompt is None or isinstance(prompt, str)
    assert session is None or isinstance(session, str)
    return "an agent"


def _broken(text: str) -> Any:
    """Takes every job for one with a command."""
    jobs = read(text)
    for job in jobs:
        if job.expression and job.expression.startswith("@"):
            job.argv[0]
    return jobs


TARGET = Target(
    name="crontab",
    law="any text is jobs, each with a command that reads the same when it is quoted anew, or with a problem",
    corpus=CORPUS,
    inputs=mutated_text(CORPUS, _TOKENS, most=5),
    check=check,
    subject=read,
    broken=_broken,
)
