"""Reads a user's crontab, and the command lines of coding agents in it. What would need a shell is named as a problem. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from iai_daemon.errors import UsageError

_SETTING = re.compile(r"""(["']?)(\w+)\1\s*=\s*(.*)""", re.ASCII)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
_REDIRECTION = re.compile(r"&>>|&>|>>|>\||>&|>")
_FIELDS = 5
# What a shell would make of a character that is not quoted.
_MEANINGS = {
    "|": "a pipe",
    "&": "more than one command, or one in the background (&)",
    ";": "more than one command (;)",
    "<": "input from a file (<)",
    "(": "a subshell",
    ")": "a subshell",
    "*": "a file name pattern (*)",
    "?": "a file name pattern (?)",
    "[": "a file name pattern ([)",
    "{": "a list in braces",
}
_MEANINGS_IN_QUOTES = {"$": "a variable or a command in it ($)", "`": "a command in it (`)"}


@dataclass(frozen=True, slots=True)
class Line:
    """One job. `expression` is what `made_cron` takes; `zone` the one set above it; `given` what the command reads;
    `dropped` redirections of output, which are not taken over; `problem` why the job cannot be."""

    number: int
    expression: str | None = None
    zone: str | None = None
    argv: tuple[str, ...] = ()
    given: str | None = None
    dropped: str | None = None
    problem: str | None = None


class _NeedsShell(Exception):
    """The command means something to a shell: `args[0]` says what."""


def read(text: str) -> list[Line]:
    """The jobs of a user's crontab. Other variables than the time zone are passed over: an agent has its own environment."""
    lines = []
    zone = None
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        setting = _SETTING.fullmatch(content)
        if setting is None:
            lines.append(_job(content, Line(number, zone=zone)))
        elif setting[2] in ("CRON_TZ", "TZ"):
            zone = setting[3].strip().strip("\"'").removeprefix(":") or None
    return lines


def _job(content: str, line: Line) -> Line:
    size = 1 if content.startswith("@") else _FIELDS
    parts = content.split(None, size)
    fields, command = " ".join(parts[:size]), "".join(parts[size:])
    if fields == "@reboot":
        return replace(line, problem="it runs when the machine starts (@reboot), and a recall needs a time")
    if not command:
        return replace(
            line, problem="it has no command: a job is five fields, or a name such as @daily, and a command"
        )
    line = replace(line, expression=fields)
    command, given = _split_at_percent(command)
    try:
        argv, dropped = _Words(command).read()
    except _NeedsShell as cause:
        return replace(line, problem=f"its command needs a shell: it has {cause.args[0]}")
    if not argv or _ASSIGNMENT.match(argv[0]):
        problem = "its command sets a variable first" if argv else "it has no command"
        return replace(line, problem=problem)
    return replace(line, argv=tuple(argv), given=given, dropped=" ".join(dropped) or None)


def _split_at_percent(command: str) -> tuple[str, str | None]:
    """The command, and what it is given to read: behind the first `%`, each further one ending a line (crontab(5))."""
    parts = [part.replace("\\%", "%") for part in re.split(r"(?<!\\)%", command)]
    return parts[0], "\n".join(parts[1:]) if len(parts) > 1 else None


class _Words:
    """Splits a command into words as sh does. Raises _NeedsShell where sh would do more than that."""

    def __init__(self, command: str) -> None:
        self._text = command
        self._at = 0

    def read(self) -> tuple[list[str], list[str]]:
        """The words, and the redirections of output that were among them."""
        words: list[str] = []
        dropped: list[str] = []
        while self._skip_blanks():
            began = self._at
            redirection = re.compile(rf"\d*({_REDIRECTION.pattern})").match(self._text, self._at)
            if redirection:
                self._at = redirection.end()
                # The target of >& may be the number of a stream, which is a word as well.
                if not self._skip_blanks() or not self._word():
                    raise _NeedsShell("a redirection without a target")
                dropped.append(self._text[began : self._at])
            else:
                words.append(self._word())
        return words, dropped

    def _skip_blanks(self) -> bool:
        """Whether there is another word; a comment ends them."""
        while self._text[self._at : self._at + 1] in (" ", "\t"):
            self._at += 1
        return self._at < len(self._text) and self._text[self._at] != "#"

    def _word(self) -> str:
        word = ""
        began = self._at
        while self._at < len(self._text) and (char := self._text[self._at]) not in " \t>":
            self._at += 1
            if char == "'":
                word += self._until_quote()
            elif char == '"':
                word += self._in_double_quotes()
            elif char == "\\":
                word += self._next()
            elif char in _MEANINGS or char in _MEANINGS_IN_QUOTES:
                raise _NeedsShell(_MEANINGS.get(char) or _MEANINGS_IN_QUOTES[char])
            elif char == "~" and self._at == began + 1:
                raise _NeedsShell("a home directory (~)")
            else:
                word += char
        return word

    def _until_quote(self) -> str:
        end = self._text.find("'", self._at)
        if end < 0:
            raise _NeedsShell("a quotation mark without its other half")
        quoted, self._at = self._text[self._at : end], end + 1
        return quoted

    def _in_double_quotes(self) -> str:
        quoted = ""
        while (char := self._next()) != '"':
            if char in _MEANINGS_IN_QUOTES:
                raise _NeedsShell(_MEANINGS_IN_QUOTES[char])
            if char == "\\":
                escaped = self._next()
                quoted += escaped if escaped in '$`"\\' else char + escaped
            else:
                quoted += char
        return quoted

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise _NeedsShell("a quotation mark or a backslash without its other half")
        self._at += 1
        return self._text[self._at - 1]


@dataclass(frozen=True, slots=True)
class _Client:
    """How an agent's command line is told: options alone, options before a prompt, before a session, before perhaps one."""

    flags: frozenset[str] = frozenset()
    prompts: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    perhaps_sessions: frozenset[str] = frozenset()
    command: str | None = None
    many_words: bool = False


_CLIENTS: Mapping[str, _Client] = {
    "claude": _Client(
        flags=frozenset(["-p", "--print", "-c", "--continue"]),
        sessions=frozenset(["--session-id"]),
        perhaps_sessions=frozenset(["-r", "--resume"]),
    ),
    "codex": _Client(command="exec"),
    "opencode": _Client(
        flags=frozenset(["-c", "--continue"]),
        sessions=frozenset(["-s", "--session"]),
        command="run",
        many_words=True,
    ),
    "gemini": _Client(prompts=frozenset(["-p", "--prompt"])),
}


def prompt_and_session(argv: Sequence[str]) -> tuple[str | None, str | None]:
    """The prompt and the session id of a command line that starts a coding agent, None for what it does not say.

    Raises UsageError where it starts none that is known, or has an option that is not: nothing is guessed.
    """
    name = argv[0].rpartition("/")[2] if argv else ""
    client = _CLIENTS.get(name)
    if client is None:
        known = ", ".join(_CLIENTS)
        raise UsageError(
            problem=f"The command starts {name or 'nothing'}, and the agents known here are {known}."
        )
    rest = list(argv[1:])
    if client.command is not None:
        if rest[:1] != [client.command]:
            raise UsageError(problem=f"Of {name} only `{name} {client.command} …` can be taken over.")
        del rest[0]
    # `codex exec resume ID …`, or the last session, which has no id here.
    resumes = name == "codex" and rest[:1] == ["resume"]
    last = resumes and "--last" in rest
    if resumes:
        rest = [word for word in rest[1:] if word != "--last"]
    words, prompt, session = _options(name, client, rest)
    if resumes and not last and words:
        session = words.pop(0)
    if (len(words) > 1 and not client.many_words) or (words and prompt is not None):
        raise UsageError(
            problem=f"The command of {name} has more words than a prompt: {' '.join(words)[:80]!r}."
        )
    return " ".join(words) or prompt, session


def _options(name: str, client: _Client, rest: Sequence[str]) -> tuple[list[str], str | None, str | None]:
    """The words that belong to no option, and the prompt and the session that options give."""
    words: list[str] = []
    prompt: str | None = None
    session: str | None = None
    waiting = list(rest)
    while waiting:
        word = waiting.pop(0)
        option, equals, value = word.partition("=")
        if word == "--":
            return words + waiting, prompt, session
        if not word.startswith("-") or word == "-":
            words.append(word)
        elif option in client.prompts | client.sessions | client.perhaps_sessions:
            bare = not equals and (not waiting or waiting[0].startswith("-"))
            if bare and option in client.perhaps_sessions:
                continue
            if bare:
                raise UsageError(problem=f"{option} of {name} needs a value.")
            value = value if equals else waiting.pop(0)
            prompt, session = (value, session) if option in client.prompts else (prompt, value)
        elif word not in client.flags:
            where = "it belongs into the agent's command in config.toml"
            raise UsageError(problem=f"The option {option} of {name} is not taken over: {where}.")
    return words, prompt, session
