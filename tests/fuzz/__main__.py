"""`python -m tests.fuzz [TARGET…] [--seconds N] [--seed N]`: what `make fuzz` runs."""

from __future__ import annotations

import argparse
import ast
import random
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import registry
from tests.fuzz.running import Failure, Result, fuzz, try_one
from tests.fuzz.target import Target

_SHOWN = 600


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 where a law is broken, or a run proves nothing; 2 for wrong usage."""
    asked = _asked(arguments)
    targets = registry.load(asked.targets)
    if asked.list:
        for target in targets:
            _say(f"{target.name:<16}{target.law}")
        return 0
    if asked.input:
        return _again(targets[0], asked.input)
    seed = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    _say(f"seed {seed}; {asked.seconds:g} s for each of {len(targets)} targets")
    fine = True
    for target in targets:
        result = fuzz(target, seed=seed, seconds=asked.seconds)
        fine = fine and result.is_fine
        _tell(result, asked.keep)
    return 0 if fine else 1


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Damaged input for everything that reads some."
    )
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help=f"of {', '.join(registry.names())}; all of them without any",
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="for each target (30)")
    parser.add_argument("--seed", type=int, help="of the first batch; a random one without it")
    parser.add_argument("--keep", type=Path, help="the directory for inputs that break a law")
    parser.add_argument("--input", type=Path, help="try this kept input on the one target that is named")
    parser.add_argument("--list", action="store_true", help="the targets and their laws")
    asked = parser.parse_args(arguments)
    unknown = sorted(set(asked.targets) - set(registry.names()))
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}: there are {', '.join(registry.names())}")
    if asked.input and len(asked.targets) != 1:
        parser.error("--input needs the one target that it is for")
    if not asked.seconds > 0:
        parser.error("--seconds must be more than nothing")
    asked.targets = asked.targets or registry.names()
    return asked


def _again(target: Target, path: Path) -> int:
    result = try_one(target, ast.literal_eval(path.read_text(encoding="utf-8")))
    if result.failure is None:
        (verdict,) = result.verdicts
        _say(f"{target.name}: {'accepted' if verdict.accepted else 'refused'}: {verdict.kind}")
        return 0
    _say("".join(traceback.format_exception(result.failure.cause)))
    return 1


def _tell(result: Result, keep: Path | None) -> None:
    name = f"{result.target.name:<16}"
    told = ", ".join(
        f"{word} {result.count(accepted=yes):,} in {len(result.kinds(accepted=yes))} ways"
        for word, yes in (("accepted", True), ("refused", False))
    )
    if result.failure is not None:
        _say(f"{name}FAILED after {result.examples:,} inputs ({told})")
        _tell_failure(result.target, result.failure, keep)
    else:
        _say(f"{name}{result.examples:>9,} inputs: {told}: {result.one_sided or 'fine'}")


def _tell_failure(target: Target, failure: Failure, keep: Path | None) -> None:
    folder = Path(tempfile.mkdtemp(prefix="iai-fuzz-")) if keep is None else keep
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target.name}-{'corpus' if failure.seed is None else failure.seed}.txt"
    path.write_text(repr(failure.given), encoding="utf-8", errors="backslashreplace")
    _say(_cut("".join(traceback.format_exception(failure.cause)[-8:]).rstrip(), 3000))
    _say(f"  the smallest input: {_cut(repr(failure.given), _SHOWN)}")
    _say(f"  kept in: {path}")
    _say(f"  it again: python -m tests.fuzz {target.name} --input {path}")
    if failure.seed is not None:
        _say(f"  the search again: python -m tests.fuzz {target.name} --seed {failure.seed}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
