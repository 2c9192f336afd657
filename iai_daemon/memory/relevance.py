"""How well a memory answers a question, by its own words and by what was said around it. Pure; the stores hand in the counts.

Own score and score of the surroundings are BM25 (Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and
Beyond, 2009), with the inverse document frequency of Lucene, which is never below 0, and added.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Of the memories that match best so many are looked at closely, with so many of their session on each side.
POOL, AROUND = 50, 2

_SATURATION = 1.2
# How much a long text is held against a memory by itself, and against it with its surroundings.
_OWN_LENGTH, _LENGTH_AROUND = 0.4, 0.5
_WEIGHT_AROUND = 1.3


@dataclass(frozen=True, slots=True)
class Text:
    """What counts of a text: how many words it has, and how often each of the words asked for stands in it."""

    length: int
    counts: Mapping[str, int]


def weights(frequencies: Mapping[str, int], total: int) -> dict[str, float]:
    """How much each word tells, from how many of all `total` memories hold it."""
    return {
        word: math.log(1 + (total - min(total, known) + 0.5) / (min(total, known) + 0.5))
        for word, known in frequencies.items()
    }


def scores(
    texts: Mapping[int, Text], around: Mapping[int, Sequence[int]], telling: Mapping[str, float]
) -> dict[int, float]:
    """The score of each memory in `around`, which names for each those that stand around it, itself among them.

    `texts`: all of these by id; `telling`: what `weights` says of the words asked for.
    """
    average = max(1.0, sum(text.length for text in texts.values()) / max(1, len(texts)))
    found = {}
    for record, window in around.items():
        own = texts[record]
        whole = _together([texts[each] for each in window])
        usual = average * (2 * AROUND + 1)
        found[record] = _bm25(own, telling, average, _OWN_LENGTH) + _WEIGHT_AROUND * _bm25(
            whole, telling, usual, _LENGTH_AROUND
        )
    return found


def _together(texts: Sequence[Text]) -> Text:
    counts: dict[str, int] = {}
    for text in texts:
        for word, count in text.counts.items():
            counts[word] = counts.get(word, 0) + count
    return Text(sum(text.length for text in texts), counts)


def _bm25(text: Text, telling: Mapping[str, float], usual: float, length: float) -> float:
    longer = _SATURATION * (1 - length + length * text.length / usual)
    return sum(
        telling.get(word, 0.0) * count * (_SATURATION + 1) / (count + longer)
        for word, count in text.counts.items()
    )
