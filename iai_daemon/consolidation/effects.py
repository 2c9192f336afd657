"""What a night may do to a memory, by the names under which journal and reports keep it, and in words. Each is what one pass makes.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

EXPIRED = "expired"
SUPERSEDED = "superseded"
MERGED = "merged"
ARCHIVED = "archived"
GIST = "gist"
LEARNT = "learnt"
PROFILED = "profiled"

# What people are told of a night: the counter of its report, and the words after the number. What matters most comes first.
_DONE = {
    "expired_pruned": "past their time",
    "superseded_gc": "replaced by newer facts",
    "duplicates_merged": "joined with others",
    "archived": "archived",
    "trajectory_insights": "learnt from agents' runs",
    "model_insights": "learnt from models' profiles",
    "links_added": "link",
    "gists_written": "gist",
    "nodes_embedded": "given a vector",
}
# What a night adds beside the memories, by things that are counted as such.
BESIDE = ("links_added", "gists_written")
COUNTERS = tuple(_DONE)
# What an undo takes back: a vector is none of it.
UNDOABLE = tuple(name for name in COUNTERS if name != "nodes_embedded")


def counted(report: Mapping[str, Any], names: Collection[str] = COUNTERS) -> list[str]:
    """`3 past their time`, `1 link`: these counters of a report as JSON in words, without those that are 0 or missing."""
    return [_say(name, int(report[name])) for name in COUNTERS if name in names and report.get(name)]


def _say(name: str, number: int) -> str:
    several = "s" if name in BESIDE and number != 1 else ""
    return f"{number:,} {_DONE[name]}{several}"
