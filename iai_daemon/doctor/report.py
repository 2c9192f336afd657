"""What the doctor says: one object for programs, lines for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from iai_daemon.doctor.finding import Finding, Verdict


def healthy(found: Sequence[Finding]) -> bool:
    """Whether nothing fails; warnings are none."""
    return all(each.status is not Verdict.FAIL for each in found)


def describe(found: Sequence[Finding]) -> list[dict[str, str | None]]:
    """The `checks` of `doctor --json`."""
    return [
        {"name": each.name, "status": each.status.value, "seen": each.seen, "remedy": each.remedy}
        for each in found
    ]


def lines(found: Sequence[Finding]) -> Iterator[tuple[Verdict | None, str]]:
    """What a person reads, each line with the verdict it belongs to; what has to be mended says how."""
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        yield each.status, f"{each.status:5} {each.name:{width}}  {each.seen}"
        if each.remedy:
            yield None, f"{'':6}{'':{width}}  -> {each.remedy}"
    yield None, summary(found)


def summary(found: Sequence[Finding]) -> str:
    """How many of each, in one line."""
    counts = Counter(each.status for each in found)
    made = "1 check" if len(found) == 1 else f"{len(found)} checks"
    if not counts[Verdict.FAIL] + counts[Verdict.WARN]:
        return f"{made}, nothing is wrong"
    said = [f"{counts[Verdict.FAIL]} failed"] if counts[Verdict.FAIL] else []
    said += [f"{counts[Verdict.WARN]} to be looked at"] if counts[Verdict.WARN] else []
    return f"{made}: {', '.join(said)}"
