"""The settings that a user writes (`config.parse`)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import tomli_w
from hypothesis import strategies as st

from iai_daemon.config import Settings, keys, parse, plain
from iai_daemon.errors import BadConfig
from tests.fuzz.mutating import mutated_text, one_of
from tests.fuzz.target import Target, Verdict, accepted, refused

_PATH = Path("/home/config.toml")
_EXAMPLE = (Path(__file__).parents[3] / "config.example.toml").read_text(encoding="utf-8")
# Its settings, too, that it shows as comments.
_ALL = re.sub(r"^# (?=\[|[a-z_]+ = )", "", _EXAMPLE, flags=re.MULTILINE)
CORPUS = (
    '[agents.claude]\ncommand = ["claude", "-p", "--resume", "{session_id}", "{context}"]\nenv = ["HOME"]\nmax_runs_per_day = 3\n',
    '[[consolidation.commands]]\nname = "graph"\nargv = ["/usr/bin/true"]\nevery = "1h"\nshares = true\n',
    '[lifecycle]\ntick = "30s"\nidle_after = "5m"\ninactive_for = "never"\nmax_load = 0.5\nonly_on_ac = true\n',
    '[consolidation]\nmemory_limit = "600MB"\nloss_budget = 0.25\npasses = ["expire", "supersede"]\ninterval = "0s"\n',
    '[calendar]\nbackend = "http"\nurl = "https://calendar.example/api"\napi_key_env = "CALENDAR_KEY"\n[embedding]\nmodel = "none"\n',
    '[memory]\nstore = "postgresql://ada@db.example.org/memory?sslmode=verify-full"\n[log]\nmax_size = "10MB"\nkeep = 3\n',
    _EXAMPLE,
    "",
)  # fmt: skip
_DEEP = (f"\nx = {'[' * 3000}\n", f"\nx = {'{a=' * 3000}\n", f"\n[a{'.a' * 3000}]\n")
_VALUES = st.one_of(
    one_of(["90s", "never", "5m", "-1s", "0s", "1GB", "600MB", "sqlite", "~", "{home}/x", "https://x.example/y", "hash", "", "x\0y"]),
    st.booleans() | st.integers(-2, 10**12) | st.floats() | st.text(max_size=8),
    st.lists(st.text(max_size=6) | st.integers(), max_size=3),
    st.dictionaries(st.text("abc", max_size=3), st.text(max_size=3), max_size=2),
)  # fmt: skip


@st.composite
def _settings(draw: Any) -> str:
    """A table of known settings, and of one that may be none, with values that may be theirs."""
    tables: dict[str, dict[str, Any]] = {}
    for name in draw(
        st.lists(one_of([*keys(), *keys(tables=True), "agents.a", "log.lvl", "x.y"]), max_size=4)
    ):
        section, key = name.split(".")
        tables.setdefault(section, {})[key] = draw(_VALUES)
    return tomli_w.dumps(tables).encode(errors="replace").decode()


def check(subject: Any, text: str) -> Verdict:
    try:
        settings = subject(text, _PATH)
    except BadConfig as bad:
        said = str(bad)
        assert str(_PATH) in said
        assert len(said) < 2000, "nobody reads so long a refusal"
        return refused(re.sub(r"""['"`].*['"`]|\S*\d\S*|[^a-z ]""", "", str(bad.data["problem"])[:200])[:40])
    assert isinstance(settings, Settings)
    again = parse(tomli_w.dumps(plain(settings)), _PATH)
    assert again == settings, "written and read again, they are others"
    changed = plain(settings) != plain(Settings())
    return accepted("settings" if changed else "the defaults")


def _broken(text: str, path: Path) -> Settings:
    """Takes every text for TOML."""
    tomllib.loads(text)
    return parse(text, path)


TARGET = Target(
    name="config",
    law="any text is settings, which read the same when they are written anew, or BadConfig with a reason",
    corpus=CORPUS,
    inputs=mutated_text(
        CORPUS[:-2],
        ['"never"', '"90s"', '"1h30m"', '"600MB"', "= ", "[", "]", "[[", "[agents.", '"""', "true", "lifecycle = 3\n", "tick.x = 1\n", *_DEEP],
        most=3,
    )
    | mutated_text([_EXAMPLE, _ALL], [], most=2)
    | _settings(),
    check=check,
    subject=parse,
    broken=_broken,
)  # fmt: skip
