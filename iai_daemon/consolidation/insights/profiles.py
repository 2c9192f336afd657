"""A JSON array of models' outcome profiles, read totally: each becomes one readable sentence, or is left out for a reason. Pure."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iai_daemon.consolidation.plan import YieldPoint
from iai_daemon.foreign import printable

# In bytes, of the file; in characters, of a name or a text; and so many fields of a profile are told.
LARGEST, LONGEST, MOST_FIELDS = 10_000_000, 200, 50
_SPACE = " \t\r\n"


@dataclass(slots=True)
class Profiles:
    """What a file says: the sentence of each model, in the order of the file; how often what was `left_out`, by why."""

    sentences: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def read(content: bytes, yield_point: YieldPoint) -> Profiles:
    """Every profile that can be read. Of a file that is no JSON array nothing is."""
    found = Profiles()
    if len(content) > LARGEST:
        found.left_out["the whole file: larger than 10 MB"] = 1
        return found
    try:
        for number, each in enumerate(_elements(content.decode("utf-8-sig"))):
            if number % 100 == 0:
                yield_point()
            _take(each, found)
    except (ValueError, RecursionError):
        # Half a file is no file: its writer has been interrupted, or it is something else.
        return Profiles(left_out=Counter({"the whole file: not a JSON array": 1}))
    return found


def _elements(text: str) -> Iterator[object]:
    """Those of a JSON array, one by one, so that somebody who comes back does not wait for all. Raises ValueError."""
    decoder, at = json.JSONDecoder(), _behind_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError("not an array")
    at = _behind_space(text, at + 1)
    if text[at : at + 1] == "]":
        at += 1
    else:
        while True:
            value, at = decoder.raw_decode(text, at)
            yield value
            at = _behind_space(text, at)
            mark, at = text[at : at + 1], at + 1
            if mark == "]":
                break
            if mark != ",":
                raise ValueError("neither another element nor the end")
            at = _behind_space(text, at)
    if text[at:].strip(_SPACE):
        raise ValueError("something behind the array")


def _behind_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _take(profile: object, found: Profiles) -> None:
    if not isinstance(profile, dict):
        found.left_out["not an object"] += 1
        return
    model = profile.get("model_id")
    name = _in_one_line(model) if isinstance(model, str) else ""
    if not name:
        found.left_out["without a model_id"] += 1
        return
    if name in found.sentences:
        found.left_out["followed by another profile of the same model"] += 1
    told = [f"{key} {value}" for key, value in sorted(_fields(profile, found))]
    if len(told) > MOST_FIELDS:
        found.left_out[f"fields beyond {MOST_FIELDS}"] += len(told) - MOST_FIELDS
    found.sentences[name] = f"{name}: {', '.join(told[:MOST_FIELDS]) or 'nothing is said of it'}."


def _fields(profile: Mapping[str, object], found: Profiles, under: str = "") -> Iterator[tuple[str, str]]:
    """Names as they are given; an object within becomes `outer.inner`, once."""
    for key, value in profile.items():
        name = under + _in_one_line(key)
        if value is None or (key == "model_id" and not under):
            continue
        if isinstance(value, dict) and not under:
            yield from _fields(value, found, f"{name}.")
        elif isinstance(value, str | bool | int | float):
            told = _plain(value)
            if told:
                yield name, told
            else:
                found.left_out["fields without a finite value"] += 1
        else:
            found.left_out["fields that are lists or lie too deep"] += 1


def _plain(value: str | float | bool) -> str:
    """As it is given; empty for what is no number (nan, inf) or too large for one."""
    if isinstance(value, str):
        return _in_one_line(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    try:
        return json.dumps(value) if math.isfinite(value) else ""
    except OverflowError:
        return ""


def _in_one_line(text: str) -> str:
    return " ".join(printable(text[:LONGEST], " ", keep="").split())
