"""How good nights are at two questions of words: do two memories say the same, and does one correct the other?

Asked are our own labelled sentences in `tests/wording/data`, of which some were never looked at while the rules were made (`held`,
`late`). `--data DIR` judges by other texts, too. These figures come out the same each time.
"""

from __future__ import annotations

import csv
import itertools
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.figures import Better, Figure, Kind
from benchmarks.measuring import Effort
from iai_daemon.consolidation.likeness.verdict import Verdict, verdict
from iai_daemon.consolidation.passes.supersede import Supersede
from iai_daemon.consolidation.runner import Order, Surroundings, run_night
from iai_daemon.memory.drafts import from_object
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.memory.store import Query
from iai_daemon.paths import Home
from iai_daemon.units import format_stamp

_OWN = Path(__file__).parents[2] / "tests" / "wording" / "data"
_BEGAN = 1_700_000_000
# True: they say the same; False: they must not be joined; None: either may be.
Pair = tuple[str, str, bool | None]


def measure(effort: Effort) -> Iterator[Figure]:
    sources = {
        path.stem.partition("_")[0]: notes_of(path) for path in sorted(_OWN.glob("*_duplicates.jsonl"))
    }
    halves = dict.fromkeys(("held", "late", "tune"), _OWN)
    if effort.data:
        sources |= {
            "notes": notes_of(effort.data / "notes" / "duplicates.jsonl"),
            "SICK": sick(effort.data / "sick" / "SICK_train.txt"),
        }
    for name, pairs in sources.items():
        yield from _duplicates(name, pairs)
    for half, folder in halves.items():
        yield from _corrections(half, folder / f"{half}_supersession.jsonl", folder / f"{half}_coexist.jsonl")
    if effort.data:
        folder = effort.data / "notes"
        yield from _corrections("notes", folder / "supersession.jsonl", folder / "coexist.jsonl")


def _share(name: str, part: int, whole: int, goal: float | None, better: Better) -> Figure:
    """A share is a ratio of two counts."""
    value = part / max(1, whole)
    return Figure(
        name=name, value=value, unit="", kind=Kind.RATIO, better=better, goal=goal, rounds=(value,),
        against="all of them", ours=float(part), theirs=float(whole),
    )  # fmt: skip


# Duplicates.


def _duplicates(name: str, pairs: Iterable[Pair]) -> Iterator[Figure]:
    counts = {True: [0, 0], False: [0, 0]}
    for one, other, same in pairs:
        if same is not None:
            counts[same][0] += 1
            counts[same][1] += verdict(one, other) is Verdict.SAME
    (true, joined), (others, wrong) = counts[True], counts[False]
    yield _share(f"{name}: joined, and rightly", joined, joined + wrong, 0.95, Better.HIGHER)
    yield _share(f"{name}: joined of what must not be", wrong, others, 0.02, Better.LOWER)
    yield _share(f"{name}: joined of what says the same", joined, true, 0.4, Better.HIGHER)


def sick(path: Path) -> Iterable[Pair]:
    """True: the one entails the other and people rate them ≥ 4.5 of 5 alike; must not join: contradictions, and below 3.5."""
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            alike, judged = float(row["relatedness_score"]), row["entailment_judgment"]
            same = True if judged == "ENTAILMENT" and alike >= 4.5 else None
            apart = judged == "CONTRADICTION" or alike < 3.5
            yield row["sentence_A"], row["sentence_B"], False if apart else same


def notes_of(path: Path) -> Iterable[Pair]:
    for fields in _rows(path):
        yield fields["a"], fields["b"], bool(fields["same"])


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Corrections.


def _corrections(name: str, chains: Path, apart: Path) -> Iterator[Figure]:
    """After a night over all of them in one scope."""
    facts, beside = _rows(chains), _rows(apart)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        drafts = list(_drafts(facts, beside))
        now = (_BEGAN + 60 * len(drafts)) * 1000
        with closing(open_stores(home)) as stores:
            stores.memory.import_many(drafts, now)
            around = Surroundings(memory=stores.memory)
            run_night(stores.nights, [Supersede()], Order("night", "absent", max_rounds=3), around)
            outdated = right = 0
            for row in facts:
                hits = stores.memory.search(Query(row["query"]), now)
                first = (hits[0].record.external_id or "") if hits else ""
                right += first == f"chain:{row['id']}:{row['current']}"
                outdated += first.startswith(f"chain:{row['id']}:") and not first.endswith(
                    f":{row['current']}"
                )
            exported = [
                each for each in stores.memory.export() if (each.external_id or "").startswith("apart")
            ]
    kept = sum(each.current for each in exported)
    yield _share(
        f"{name}: answers that begin with what is outdated", outdated, len(facts), 0.05, Better.LOWER
    )
    yield _share(f"{name}: answers that begin with what holds", right, len(facts), None, Better.HIGHER)
    yield _share(f"{name}: kept of what holds side by side", kept, len(exported), 1.0, Better.HIGHER)


def _drafts(chains: Sequence[dict[str, Any]], apart: Sequence[dict[str, Any]]) -> Iterator[Draft]:
    at = itertools.count(_BEGAN, 60)
    for kind, rows in (("chain", chains), ("apart", apart)):
        for row in rows:
            for step, fact in enumerate(row["facts"]):
                fields = fact if isinstance(fact, dict) else {"content": fact}
                name = f"{kind}:{row['id']}:{step}"
                yield from_object({**fields, "id": name, "created_at": format_stamp(next(at))})
