"""The passes, one file each, and which of them a night runs. Used by the worker, and by the daemon to learn whether
there is work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from iai_daemon.config import Settings
from iai_daemon.consolidation.passes.associate import Associate
from iai_daemon.consolidation.passes.commands import RunCommand
from iai_daemon.consolidation.passes.decay import Decay
from iai_daemon.consolidation.passes.deduplicate import Deduplicate
from iai_daemon.consolidation.passes.embed import Embed
from iai_daemon.consolidation.passes.expire import Expire
from iai_daemon.consolidation.passes.maintain import Maintain
from iai_daemon.consolidation.passes.outcomes import Outcomes
from iai_daemon.consolidation.passes.plug_ins import Promised, load
from iai_daemon.consolidation.passes.summarize import Asked, Summarize
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.passes.trajectories import Trajectories
from iai_daemon.consolidation.plan import Pass, ReadsOutside
from iai_daemon.memory.embedding import stored_as
from iai_daemon.memory.nights import NightStore, Outlook, Wanted
from iai_daemon.paths import Home

# In the order in which a round runs them.
KNOWN: Mapping[str, Callable[[Settings, Home], Pass | None]] = {
    "expire": lambda *_: Expire(),
    "supersede": lambda *_: Supersede(),
    "trajectories": lambda settings, home: Trajectories(settings.trajectories_dirs(home)),
    "outcomes": lambda settings, home: Outcomes(settings.outcomes_path(home)),
    "embed": lambda settings, _: Embed(settings.embedding) if model(settings) else None,
    "deduplicate": lambda settings, _: Deduplicate(model(settings)),
    "associate": lambda *_: Associate(),
    "summarize": lambda settings, home: Summarize(Asked.of(settings, home)),
    "decay": lambda *_: Decay(),
    "maintain": lambda *_: Maintain(),
}


def chosen(
    settings: Settings, home: Home, *, alone: bool, names: Sequence[str] | None = None
) -> tuple[Pass, ...]:
    """The passes of a night, in order: the configured ones, or those of them that are named; all of them when the store is
    left `alone`, else those that share it. Other people's come after ours, and `maintain` after all."""
    wanted = [name for name in settings.consolidation.passes if names is None or name in names]
    made = [make(settings, home) for name, make in KNOWN.items() if name in wanted]
    made += [load(name, settings, home) for name in wanted if name not in KNOWN]
    made += _commands(settings, home, names)
    allowed = [each for each in made if each is not None and (alone or each.shares)]
    return tuple(sorted(allowed, key=lambda each: each.name == "maintain"))


def expected(settings: Settings, home: Home, *, alone: bool) -> tuple[Sequence[Pass], Sequence[Pass]]:
    """The passes of a night as somebody takes them who loads no plug-in: those that are known, and those that are guessed."""
    named = settings.consolidation.passes
    ours = [make(settings, home) for name, make in KNOWN.items() if name in named]
    known = [*ours, *_commands(settings, home, None)]
    guessed = [Promised(name) for name in named if name not in KNOWN]
    return [each for each in known if each is not None and (alone or each.shares)], guessed


def _commands(settings: Settings, home: Home, names: Sequence[str] | None) -> list[RunCommand]:
    """Programs cannot propose: where nights only do that, they run when a person names them, and not else."""
    night = settings.consolidation
    if names is None:
        due = () if night.review else night.commands
        return [RunCommand(each, home, night.yield_within) for each in due]
    named = [each for each in night.commands if each.pass_name in names]
    return [RunCommand(each, home, night.yield_within, insists=True) for each in named]


def model(settings: Settings) -> str | None:
    """Under which name the configured model's vectors are kept; None: no model."""
    return stored_as(settings.embedding)


def outlook(
    store: NightStore, passes: Sequence[Pass], now: int, *, model: str | None = None, taken_back: bool = False
) -> Outlook:
    """Whether these passes would find anything at `now` (milliseconds since the epoch): one query, no write."""
    cursors = {each.name: each.cursor for each in passes}
    inputs = {each.name: each.input(store, now) for each in passes if isinstance(each, ReadsOutside)}
    return store.outlook(Wanted(cursors, taken_back, model, inputs), now)
