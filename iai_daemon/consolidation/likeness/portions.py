"""What a pass that compares works on: a step on the way to it, or records beside those that they may be like. The daemon imports
this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from iai_daemon.consolidation.plan import Portion, YieldPoint
from iai_daemon.memory.record import Record

# Whether a record may join another depends on what has joined it; of a crowd that is not asked.
CROWD = 20

Step = Callable[[YieldPoint], None]


@dataclass(frozen=True, slots=True)
class Reach:
    """What counts as near: what shares about so many of its `words`, whether that is seen by its words or by a cosine of at
    least `direction`; of either at most the `most` best. `same_figures`: only what agrees in all its numbers."""

    words: float
    direction: float
    most: int
    same_figures: bool


# As far as is known what may be joined has all its words in common: this leaves room for what is not known.
JOINABLE = Reach(words=0.6, direction=0.8, most=8, same_figures=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation(Portion):
    """Nothing to be planned yet: a step of the search for what is alike. `step` is the same for the same records; what it
    finds comes with a later portion."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Portion):
    """Of what changed, as `records`, those that are near to others. `near`: for each of them those that may say the same, the
    likeliest first; `joined`: for any of all these what was merged into it, CROWD or more standing for too many."""

    near: Mapping[int, Sequence[Record]]
    joined: Mapping[int, Sequence[Record]]
