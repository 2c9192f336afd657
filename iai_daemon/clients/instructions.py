"""The lines in CLAUDE.md, AGENTS.md or GEMINI.md that make an agent search its memory and remember. Pure."""

from __future__ import annotations

import re

_BEGIN, _END = "<!-- iai-daemon: memory -->", "<!-- iai-daemon: end -->"
_LINES = f"""{_BEGIN}
## Memory

- Before you begin a task, and whenever you are about to ask or to guess something about this project, its people or its
  environments, search the memory: `search_memory` of the server `iai-memory`.
- When you learn what will still matter in another conversation (a decision and why, how something is built, run or
  deployed, what the user prefers, what went wrong), tell it with `remember`: one fact in one sentence that is
  understandable alone. Where a value may change (a port, a version, an owner), give `subject` and `attribute`.
- When a memory turns out to be wrong, `remember` what is right under the same subject and attribute; `forget` is for what
  should never have been stored. Never store secrets.
{_END}
"""
_BLOCK = re.compile(rf"{re.escape(_BEGIN)}.*?{re.escape(_END)}(?:\r?\n)?", re.DOTALL)


def put(text: str) -> str:
    """The text with the lines at its end, or anew where they stand."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _LINES.replace("\n", newline)
    if _BLOCK.search(text):
        return _BLOCK.sub(lambda _: lines, text, count=1)
    before = "" if not text else newline if text.endswith("\n") else newline * 2
    return text + before + lines


def take(text: str) -> str:
    """The text without them, and without the blank line before them."""
    found = _BLOCK.search(text)
    if found is None:
        return text
    before, after = text[: found.start()], text[found.end() :]
    for newline in ("\r\n", "\n"):
        if not after and before.endswith(newline * 2):
            before = before.removesuffix(newline)
    return before + after
