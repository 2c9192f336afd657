"""The configuration of somebody else's program, changed at one place (`clients.json_text`, `clients.toml_text`)."""

from __future__ import annotations

import tomllib
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

from iai_daemon.clients import json_text, jsonc, toml_text
from iai_daemon.clients.jsonc import NotRead
from tests.clients.test_texts import JSON, TOML
from tests.fuzz.mutating import mutated_text, one_of
from tests.fuzz.target import Target, Verdict, accepted, refused

_SERVER = {"command": "iai-wrapper", "args": ["--", "iai-daemon", "mcp"]}
_PATHS = (("mcpServers", "iai-memory"), ("mcp_servers", "iai-memory"), ("a",), ("servers", "o", "command"))
CORPUS = (
    *(("json", text, _PATHS[0]) for text in JSON if text.strip()),
    *(("toml", text, _PATHS[1]) for text in TOML if text.strip()),
    (
        "toml",
        '[mcp_servers.a]\ncommand = "x"\nenv = { A = "b" }\n[mcp_servers.a.tools."x.y"]\nq = 1979-05-27\n',
        _PATHS[1],
    ),
)


def _meaning(form: str, text: str) -> Any:
    return jsonc.parse(text or "{}") if form == "json" else tomllib.loads(text)


def _changed(value: Any, path: tuple[str, ...], to: Any) -> Any:
    """What the text should mean after the change."""
    head, *rest = path
    inner = _changed(value.get(head, {}), tuple(rest), to) if rest else to
    return {**value, head: inner}


def check(subject: Any, given: tuple[str, str, tuple[str, ...]]) -> Verdict:
    form, text, path = given
    texts: ModuleType = subject[form]
    try:
        after = texts.put(text, path, _SERVER)
    except NotRead as cause:
        return refused(f"{form} is not read" if str(cause) else "without a reason")
    before = _meaning(form, text if text.strip() else "")
    assert _sorted(_meaning(form, after)) == _sorted(_changed(before, path, _SERVER)), (
        "it means something else afterwards"
    )
    try:
        assert _sorted(_meaning(form, texts.put(after, path, _SERVER))) == _sorted(_meaning(form, after))
        gone = texts.take(after, path)
    except NotRead:
        # TOML that tomlkit would have to write anew may be refused, and stays as it is.
        return accepted(f"{form}, and not taken out")
    left = _meaning(form, gone)
    for key in path[:-1]:
        left = left.get(key, {})
    assert path[-1] not in left
    return accepted(form)


def _sorted(value: Any) -> str:
    """The order of members does not count, and what is no number is like itself."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted(f"{key!r}:{_sorted(each)}" for key, each in value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_sorted, value)) + "]"
    return repr(value)


class _Broken:
    """Takes every text for one without comments."""

    take = staticmethod(json_text.take)

    @staticmethod
    def put(text: str, path: tuple[str, ...], value: object) -> str:
        after = json_text.put(text, path, value)
        return after if "//" not in text else after.replace("//", "")


_TOKENS = [
    *("//", "/* x */", "/*", "*/", '"mcpServers": {', '"a": 1', "{}", "},", ",\n", "\r\n", "\t"),
    *(
        "[mcp_servers]",
        "[mcp_servers.a]",
        "[[a]]",
        'a.b = "c"',
        "'''",
        '"""',
        "{ a = 1 }",
        "mcp_servers = 1\n",
        "# x\n",
        "\\u0000",
    ),
]

TARGET = Target(
    name="clients_texts",
    law="one member is set and taken out and all else means the same, or the text is refused and nothing was changed",
    corpus=CORPUS,
    inputs=st.tuples(
        st.just("json"), mutated_text([text for form, text, _ in CORPUS if form == "json"], _TOKENS, most=3), one_of(_PATHS)
    )
    | st.tuples(st.just("toml"), mutated_text([text for form, text, _ in CORPUS if form == "toml"], _TOKENS, most=3), one_of(_PATHS)),
    check=check,
    subject={"json": json_text, "toml": toml_text},
    broken={"json": _Broken, "toml": toml_text},
)  # fmt: skip
