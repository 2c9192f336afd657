"""From what became of the tests to what became of the promises, and the page that lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill

from tests.faults.promises import Chapter, Promise

PROVEN, FAILED, NOT_HERE = "proven", "failed", "not run here"


@dataclass(frozen=True)
class Report:
    """What became of a test, or of a file that could not be read (`when` is "collect")."""

    test: str
    when: str
    outcome: str
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a promise. `seconds` of its tests one after the other; `skipped`: how often for which reason."""

    name: str
    outcome: str
    tests: int
    seconds: float
    failed: tuple[str, ...]
    skipped: Mapping[str, int]

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.outcome:13} {self.name:20} {self.tests:4} tests {self.seconds:7.1f} s"
        for each in self.failed:
            yield f"    failed: {each}"
        for reason, times in self.skipped.items():
            yield f"    not run here, {times}: {reason}"


def wanted(promises: Iterable[Promise]) -> list[str]:
    """The tests to run, each once."""
    every = list(dict.fromkeys(proof for promise in promises for proof in promise.proofs))
    return [
        proof for proof in every if proof.partition("::")[0] == proof or proof.partition("::")[0] not in every
    ]


def belongs(test: str, proof: str) -> bool:
    """Whether this test is (a part of) this proof."""
    return test == proof or test.startswith((f"{proof}::", f"{proof}["))


def judge(promise: Promise, reports: Sequence[Report]) -> Verdict:
    """A promise of which a part could not be run is proven by the rest; one of whose proofs nothing is heard has failed."""
    own = [each for each in reports if any(belongs(each.test, proof) for proof in promise.proofs)]
    failed = [each.test for each in own if each.outcome == "failed"]
    failed += [proof for proof in promise.proofs if not any(belongs(each.test, proof) for each in own)]
    skipped: dict[str, int] = {}
    for each in own:
        if each.outcome == "skipped":
            skipped[each.reason] = skipped.get(each.reason, 0) + 1
    passed = sum(each.outcome == "passed" for each in own)
    outcome = FAILED if failed else PROVEN if passed else NOT_HERE
    seconds = sum(each.seconds for each in own)
    return Verdict(promise.name, outcome, passed, seconds, tuple(dict.fromkeys(failed)), skipped)


def page(chapters: Sequence[Chapter]) -> str:
    """docs/promises.md"""
    return "\n".join([_BEGINNING, *(_chapter(each) for each in chapters)])


_BEGINNING = """# What is promised, and the proof

Each promise has a name, and a proof that attacks it with real processes, files and servers. `make faults` runs all of them and says
of each whether it is proven, failed, or could not be run on this machine, and why not:

```sh
make faults                                # the short form; `make test` has the quicker part of it
make faults ONLY="one-daemon night-kills"  # some of them
FAULTS=long make faults                    # the long form: hours
```

What is random comes from one number, the seed. It is told at the beginning and beside each failure; `FAULTS_SEED=7 make faults` runs
with that one. The short form has the same seed each time, the long form another one. The same seed gives the same choices: which
moments, which system calls, which bytes. When the kernel lets which process run is its own affair, so a kill after 0.3 s does not find
a process at the very same instruction again; one at a system call does.

Some proofs need Linux, root, `strace`, `unshare` and `nsenter`, or PostgreSQL, and say so where these are missing.

This page is printed by `python -m tests.faults --write` from `tests/faults/promises.py`, where the tests of each proof are named.
"""


def _chapter(chapter: Chapter) -> str:
    return "\n".join([f"## {chapter.title}\n", *(_promise(each) for each in chapter.promises)])


def _promise(promise: Promise) -> str:
    said = [promise.promise, f"*How it is attacked:* {promise.attack}"]
    if promise.longer:
        said.append(f"*In the long form:* {promise.longer}")
    paragraphs = "\n\n".join(map(_wrapped, said))
    return f"""### {promise.name}

{paragraphs}

```sh
make faults ONLY={promise.name}
```
"""


def _wrapped(text: str) -> str:
    return fill(text, 140, break_long_words=False, break_on_hyphens=False)
