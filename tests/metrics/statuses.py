"""Statuses and figures as values, well and hostile."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from iai_daemon.memory.figures import Figures
from iai_daemon.metrics.families import EFFECTS, KINDS, OUTCOMES, STATES, STATUSES, VERDICTS, WHYS

FIGURES = Figures(
    memories=dict.fromkeys(STATUSES, 3),
    nights={("night", "completed"): 4, ("nap", "yielded"): 2, ("siesta", "completed"): 1},
    changes={"superseded": 7, "tidied": 2, "swept": 3},
    held={"review": 5},
    night_began=1_795_262_400_000,
    night_ended=1_795_262_461_500,
)


def status(**fields: Any) -> dict[str, Any]:
    """The object of `status --json`, as far as metrics ask."""
    usual: dict[str, Any] = {
        "pid": 42,
        "version": "1.2.3",
        "state": "IDLE",
        "presence": {"fresh": 2, "active": 1, "stale": 3, "orphan": 0, "invalid": 0},
        "consolidation": {"running": True},
        "agenda": {"next_at": "2026-11-21T12:00:00.000Z", "running": [{}, {}], "missed_last_day": 1},
        "store": {"engine": "sqlite", "memories": 18},
        "tick": {"at": "2026-11-21T12:00:30.500Z", "failures": 6},
        "degraded": [{"what": "store"}],
    }
    return {**usual, **fields}


# A text that means something to the format, or is far too long, or is no text for a line at all.
_TEXT = st.one_of(
    st.text(),
    st.sampled_from(['"', "\\", "\n", '\\n"} 1\n# EOF\n', "\r", "\x00\x1b[2J", "\udc80", "\u2028"]),
    st.sampled_from(["a", '"', "\\", "\n", "{},=# "]).map(lambda text: text * 10_000),
)
_ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(min_value=10**400, max_value=10**401),
        st.floats(),
        _TEXT,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXT, inner, max_size=3)),
    max_leaves=8,
)


def _maybe(*names: str) -> st.SearchStrategy[Any]:
    return st.one_of(st.fixed_dictionaries({}, optional=dict.fromkeys(names, _ANYTHING)), _ANYTHING)


def statuses() -> st.SearchStrategy[dict[str, Any]]:
    """Whatever somebody's daemon might answer."""
    parts = {
        "pid": _ANYTHING,
        "version": _ANYTHING,
        "state": st.one_of(st.sampled_from(STATES), _ANYTHING),
        "presence": _maybe(*VERDICTS, "active"),
        "consolidation": _maybe("running"),
        "agenda": _maybe("next_at", "running", "missed_last_day"),
        "store": _maybe("engine"),
        "tick": _maybe("at", "failures"),
        "degraded": _ANYTHING,
    }
    return st.fixed_dictionaries({}, optional=parts)


_COUNT = st.integers(0, 2**63)


def figures() -> st.SearchStrategy[Figures]:
    """Whatever plug-ins might have called their kinds, effects and outcomes."""
    return st.builds(
        Figures,
        memories=st.dictionaries(st.sampled_from(STATUSES), _COUNT),
        nights=st.dictionaries(
            st.tuples(st.sampled_from(KINDS) | _TEXT, st.sampled_from(OUTCOMES) | _TEXT), _COUNT, max_size=9
        ),
        changes=st.dictionaries(st.sampled_from(EFFECTS) | _TEXT, _COUNT, max_size=20),
        held=st.dictionaries(st.sampled_from(WHYS) | _TEXT, _COUNT, max_size=9),
        night_began=st.none() | _COUNT,
        night_ended=st.none() | _COUNT,
    )
