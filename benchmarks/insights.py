"""Whether what runs teach holds on tasks that were not learnt from: `python benchmarks/insights.py --data DIR`.

DIR/tau-bench/airline-runs.json: runs of a tool-using agent, several of each task. Learnt on half of the tasks, looked at on the
other half, many times over.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from iai_daemon.consolidation.insights.calls import Call, parse
from iai_daemon.consolidation.insights.findings import Tested, judge
from iai_daemon.consolidation.insights.runs import counted


def lines(path: Path) -> list[bytes]:
    """The runs in the schema of wrappers/CONTRACT.md."""
    made = []
    for run in json.loads(path.read_text(encoding="utf-8")):
        name = f"{run['task_id']}-{run['trial']}"
        whole = {"schema": 1, "run": name, "task": str(run["task_id"]), "reward": run["reward"]}
        results = [message for message in run["traj"] if message["role"] == "tool"]
        for seq, message in enumerate(results):
            outcome = "error" if str(message["content"]).startswith("Error") else "ok"
            made.append({**whole, "seq": seq, "tool": message["name"], "outcome": outcome})
        made.append(whole)
    return [json.dumps(each).encode() for each in made]


def looked_at(calls: Sequence[Call]) -> list[Tested]:
    return judge(counted(calls, lambda: None), lambda: None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder with tau-bench/ in it")
    parser.add_argument("--splits", type=int, default=50, help="how many times (default 50)")
    options = parser.parse_args()
    path = options.data / "tau-bench/airline-runs.json" if options.data else None
    if path is None or not path.is_file():
        sys.exit("Give the folder that holds tau-bench/airline-runs.json: make bench-insights DATA=…")
    read = [parse(line, "runs") for line in lines(path)]
    calls = [call for call in read if isinstance(call, Call)]
    tasks = sorted({call.task or "" for call in calls})
    print(f"{len(read)} lines, {len(read) - len(calls)} unreadable, {len(tasks)} tasks\n")
    for each in looked_at(calls):
        if each.told:
            print(f"  {each.sentence}")
    print()
    luck = random.Random(26)  # noqa: S311 -- the same halves each time
    told, held, others = Counter[str](), Counter[str](), list[bool]()
    for _ in range(options.splits):
        learnt_on = set(luck.sample(tasks, len(tasks) // 2))
        learnt = [each for each in looked_at([call for call in calls if call.task in learnt_on]) if each.told]
        there = {each.key: each for each in looked_at([c for c in calls if c.task not in learnt_on])}
        others += [each.more for each in there.values() if each.other is None]
        for each in learnt:
            again, kind = there.get(each.key), "of one tool" if each.other is None else "comparisons"
            if again is None:
                told[f"{kind}, too few calls to tell"] += 1
                continue
            told[kind] += 1
            held[kind] += again.more == each.more
    for kind, count in sorted(told.items()):
        share = f"{held[kind]} of {count} hold ({held[kind] / count:.0%})" if kind in held else f"{count}"
        print(f"{kind:44} {share:>24}   goal ≥ 80 %" if kind in held else f"{kind:44} {share:>24}")
    print(f"{'of all that is looked at, above the usual':44} {sum(others) / max(1, len(others)):>24.0%}")


if __name__ == "__main__":
    main()
