"""Draws docs/benchmarks.md from benchmarks/results: `python -m benchmarks.page`. Nothing is written into the page by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Better, Figure, Kind, Result
from benchmarks.running import BENCHES, ROOT, results
from benchmarks.words import amount, bar, goal, verdict

PAGE = ROOT / "docs" / "benchmarks.md"
TITLES = {
    "wrapper": "The wrapper",
    "relays": "The wrapper beside other relays",
    "server": "The memory server's first answers",
    "servers": "The memory server beside another one",
    "rest": "At rest",
    "daemon": "The daemon notices",
    "presence": "Looking at heartbeats",
    "commands": "At a prompt",
    "agenda": "Waking agents",
    "schedulers": "The agenda beside another scheduler",
    "night": "A night",
    "users": "What users notice of a night",
    "likeness": "Finding what is alike",
    "corrections": "Finding what is corrected",
    "quality": "How good nights are at words",
    "memory": "A large memory",
    "postgres": "A memory in PostgreSQL",
}
_HEAD = """\
# Benchmarks

Every figure that is promised anywhere in these documents, as it was measured last. This page is drawn from the files in
`benchmarks/results`, and a test holds it to them: `python -m benchmarks.page` draws it anew.

## How to read it

- **Most figures are ratios.** Ours and something else do the same work by turns on the same machine, in every round both, so that
  a slow moment meets both. The ratio is ours in theirs: 1.5× is half as much again, 0.5× is half. Where more is better
  (rates, shares), it says so. A ratio says the same on your machine, nearly; a time does not.
- **Each figure is the median of its rounds**, and the two figures beside it are where the middle half of the rounds lies. Where it
  was measured once, there are none.
- **The bar is how much of the promise is used**: a full bar just keeps it, ▶ breaks it. Where nothing is promised, a full bar is the
  other one's figure.
- Times go from the wish to the result, as somebody waits for it: whole processes with their start, unless it says otherwise.
"""
_REPEAT = """\
## How to repeat it

<!-- not run: it takes a quarter of an hour, and an idle machine -->
```sh
make bench                                  # all of it, and this page
make bench-check                            # has a ratio become worse by more than 20 %?
.venv/bin/python -m benchmarks night users  # some of it; --quick, --rounds N, --records N, --data DIR
```

An idle machine with two cores needs a quarter of an hour for all of it. Nothing is left behind but the results and `.peers`, where other people's
programs are installed for comparison, in the versions that `benchmarks/peers.py` names; what cannot be installed is said below. A machine
that has other work to do at the same time gives other figures: look at the load that stands with the results.

`make bench-check` measures each ratio again, more quickly. What looks worse is measured up to two more times, and the best median
counts. Times and sizes alone are told and never fail, since your machine is another one.
"""
_NOT_MEASURED = """\
## What is not measured

- macOS: nobody has measured there yet. The ratios should hold; wakeups and memory are counted in another way by its kernel.
- Slow disks and full ones, and networks between a daemon and its database. The server is on the same machine here.
- A year of use. Memories are made for these figures: words as frequent as words are, every tenth note a duplicate, and so on.
- Whether search finds what was said, and whether what runs teach holds. Both want data that is not ours to give away:
  `make bench-recall DATA=DIR` and `make bench-insights DATA=DIR` measure them.
- What the others do beyond what is compared. They do other things, too, and are not worse for it.
"""


def draw(found: Sequence[Result]) -> str:
    """The whole page."""
    parts = [
        _HEAD,
        *_machines(found),
        _REPEAT,
        *(part for each in found for part in _bench(each)),
        _NOT_MEASURED,
    ]
    return "\n".join(parts)


def _machines(found: Sequence[Result]) -> Iterator[str]:
    """Which machines these results are of; usually one."""
    yield "## The machine\n"
    for told in dict.fromkeys(_machine(each) for each in found):
        names = [each.bench for each in found if _machine(each) == told]
        yield f"- {told}" + ("" if len(names) == len(found) else f": {', '.join(names)}")
    missed = [(result, each) for result in found for each in result.figures if each.met is False]
    promised = sum(each.met is not None for result in found for each in result.figures)
    yield f"\nOf {promised} promised figures {promised - len(missed)} are reached."
    if missed:
        yield "Not reached:\n"
        for result, each in missed:
            yield f"- {TITLES.get(result.bench, result.bench)}: {each.name}, {amount(each.value, each.unit)} ({goal(each)})"
    if quick := [each.bench for each in found if each.quick]:
        yield f"\nMeasured quickly, with few rounds and without what is large: {', '.join(quick)}."
    yield ""


def _machine(result: Result) -> str:
    told = result.machine
    if not told:
        return "unknown"
    return f"{told['cores']} cores ({told['cpu']}), {told['memory_gb']} GB, {told['system']}, Python {told['python']}"


def _bench(result: Result) -> Iterator[str]:
    yield f"## {TITLES.get(result.bench, result.bench)}\n"
    yield f"{result.about}\n"
    if result.figures:
        yield "| | ours | the other | ratio | middle half | promised | |"
        yield "|---|---|---|---|---|---|---|"
        yield from (_row(each) for each in result.figures)
        yield ""
    if result.absent:
        yield "Not measured:\n"
        yield from (f"- {what}: {why}" for what, why in result.absent.items())
        yield ""
    state = f", {result.commit}" if result.commit else ""
    load = f"; load at its start {result.machine['load']}" if result.machine else ""
    yield f"`{result.bench}`, {result.at[:10]}, version {result.version}{state}, in {result.seconds:.0f} s{load}.\n"


def _row(figure: Figure) -> str:
    low, high = (amount(each, figure.unit) for each in figure.spread)
    middle = f"{low} – {high}" if len(figure.rounds) > 1 else ""
    if figure.kind is Kind.RATIO:
        ours, theirs = (amount(each or 0.0, figure.measured_in) for each in (figure.ours, figure.theirs))
        sides = f"{ours} | {theirs}: {figure.against} | **{amount(figure.value, figure.unit)}**"
    else:
        sides = f"**{amount(figure.value, figure.unit)}** | |"
    more = "more is better" if figure.better is Better.HIGHER else ""
    promised = f"{goal(figure)}, {verdict(figure)}" if figure.met is not None else more
    return f"| {figure.name} | {sides} | {middle} | {promised} | {_bar(figure)} |"


def _bar(figure: Figure) -> str:
    """How much of the promise is used, or of the other one's figure."""
    full = 1.0 if figure.goal is None and figure.unit == "×" else figure.goal
    if not full or figure.value <= 0:
        return ""
    used = figure.value / full
    return bar(1 / used if figure.better is Better.HIGHER else used, 1.0, 12)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--to", type=Path, default=PAGE)
    given = parser.parse_args()
    found = results()
    if missing := [name for name in BENCHES if name not in {each.bench for each in found}]:
        print(f"no results of {', '.join(missing)}", file=sys.stderr)
    given.to.write_text(draw(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
