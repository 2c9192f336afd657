"""Texts taken apart: words with their stems, identifiers as they are, numbers, and where a clause ends. Nothing here judges."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from iai_daemon.wording.lexicon import (
    BE,
    CLEAR_VERBS,
    HYPHENED_FIRST,
    HYPHENED_LAST,
    IRREGULAR,
    LIGHT,
    MODAL,
    NOUN_ENDINGS,
    SAME,
    STOP,
    VERBS,
)

# What a token is. Words first; the others are values, told apart by their form.
WORD, STOPPED, LIGHTER, BREAK = "word", "stop", "light", "break"
NUMBER, VERSION, CLOCK, DATE, MONEY = "number", "version", "clock", "date", "money"
PATH, URL, EMAIL, VARIABLE, FLAG, CHANNEL, HASH, CODE, NAME = (
    "path", "url", "email", "variable", "flag", "channel", "hash", "identifier", "name",
)  # fmt: skip

# Longer runs without a space are no words: they are kept whole.
_LONGEST_RUN = 200
_JOINT = "\ue000"


class Token(NamedTuple):
    """One word, value or clause end. `key`: equal for what means the same; `raw`: as it was written, `low`: in lower case;
    `capital`: whether it begins with one; `verb`: whether it is one, as far as a word alone can tell."""

    key: str
    kind: str
    raw: str
    low: str
    capital: bool = False
    verb: bool = False


def _token(key: str, kind: str, raw: str) -> Token:
    return Token(key, kind, raw, raw.lower(), raw[:1].isupper())


def tokens(text: str, most: int) -> list[Token]:
    """The tokens of a text, in order, with a BREAK where a clause ends; the first `most` or a few more."""
    if "`" in text:
        text = _CODE_SPAN.sub(_joined, text)
    if "\n" in text:
        text = _NEW_ITEM.sub(" ; ", text)
    found: list[Token] = []
    for run in text.split():
        found += _of_run(run) if len(run) <= _LONGEST_RUN else (_token(run.lower(), CODE, run),)
        if len(found) >= most:
            break
    return found


_CODE_SPAN = re.compile(r"`[^`]{1,200}`")
_NEW_ITEM = re.compile(r"\n[ \t]{0,40}(?:\n|[-*•+] |\d{1,3}[.)] )")


def _joined(span: re.Match[str]) -> str:
    return _JOINT.join(span.group().split())


_OPENING = "([{\"'“”„‘’«<*_~|"
_CLOSING = ")]}\"'“”‘’»>*~|.,;:!?…"
_ARROWS = frozenset(("->", "=>", "→", "⇒", "-->", "➜", "⟶"))
_DASHES = frozenset(("-", "–", "—", "--", "---", "•", "*", "|", "·", "/"))
_SIGNS = {
    "&": "and",
    "+": "and",
    "=": "is",
    "==": "is",
    "<": "below",
    ">": "above",
    "≤": "≤",
    "≥": "≥",
    "<=": "≤",
    ">=": "≥",
}
_ABBREVIATED = frozenset(
    ("e.g.", "i.e.", "etc.", "vs.", "cf.", "approx.", "z.b.", "bzw.", "incl.", "resp.", "ca.", "d.h.")
)


@lru_cache(maxsize=16_384)
def _of_run(run: str) -> tuple[Token, ...]:
    """The tokens of one run of characters without a space."""
    if run in _ARROWS:
        return (_token("→", BREAK, run),)
    if run in _DASHES:
        return (_token(":", BREAK, run),)
    if run in _SIGNS:
        return (_token(_SIGNS[run], STOPPED, run),)
    if run[:1].lower() + run[1:] in _ABBREVIATED:
        return (_token(run.lower(), STOPPED, run),)
    if "`" in run:
        return tuple(_of_code(run))
    core = run.lstrip(_OPENING)
    opened = run[: len(run) - len(core)]
    core = core.rstrip(_CLOSING + "_" if "_" in opened else _CLOSING)
    closed = run[len(opened) + len(core) :]
    if closed.startswith(")") and "(" in core:
        core, closed = core + ")", closed[1:]
    found = list(_of_core(core)) if core else []
    if "(" in opened or "[" in opened:
        found.insert(0, _token(",", BREAK, "("))
    if end := _ending(closed):
        found.append(_token(end, BREAK, closed))
    return tuple(found)


def _ending(closed: str) -> str | None:
    """How strongly the characters behind a word end the clause."""
    for sign, strength in (
        ("?", "?"),
        (".", "."),
        ("!", "."),
        ("…", "."),
        (";", ";"),
        (":", ":"),
        (",", ","),
        (")", ","),
    ):
        if sign in closed:
            return strength
    return None


def _of_code(run: str) -> list[Token]:
    """What stands between backticks is taken literally, word for word."""
    head, _, rest = run.partition("`")
    inner, _, tail = rest.rpartition("`") if "`" in rest else (rest, "", "")
    found = list(_of_run(head)) if head else []
    for part in inner.split(_JOINT):
        core = part.strip(",;")
        if core:
            found += [
                each
                if each.kind not in (WORD, STOPPED, LIGHTER, BREAK)
                else _token(each.raw.lower(), CODE, each.raw)
                for each in _of_core(core)
            ]
    if tail and (end := _ending(tail)):
        found.append(_token(end, BREAK, tail))
    return found


_FORMS = (
    (URL, re.compile(r"[a-z][a-z0-9+]{1,10}://\S+", re.IGNORECASE)),
    (EMAIL, re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")),
    (FLAG, re.compile(r"--?[a-z][\w-]*(?:=\S*)?", re.IGNORECASE)),
    (CHANNEL, re.compile(r"[#@][a-z][\w-]*(?:/[\w.-]+)?", re.IGNORECASE)),
    (CLOCK, re.compile(r"\d{1,2}:\d\d(?::\d\d)?(?:[–-]\d{1,2}:\d\d)?(?:am|pm)?|\d{1,2}(?:am|pm)", re.IGNORECASE)),
    (DATE, re.compile(r"\d{4}-\d\d(?:-\d\d)?(?:T[\d:.]+Z?)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}", re.IGNORECASE)),
    (MONEY, re.compile(r"[$€£¥]\d[\d.,]*[kKmM]?|\d[\d.,]*[$€£¥]")),
    (VERSION, re.compile(r"v\d+(?:\.[\w-]+)*|\d+\.\d+\.\d+[\w.+-]*|\d+\.\d+(?:rc|a|b|beta|alpha)\d*|\d+\.[x*]", re.IGNORECASE)),
    (NUMBER, re.compile(r"[~<>≤≥±+-]?\d[\d.,_'’]*(?:st|nd|rd|th|[a-zµ%‰°]{1,5})?(?:\+|/[a-z]{1,6})?|\d+[–-]\d+[a-z%]{0,3}", re.IGNORECASE)),
    (HASH, re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}", re.IGNORECASE)),
    (PATH, re.compile(r"(?:~|\.{1,2})?/\S*|[\w@.-]+/\S*|\.?[\w-]+(?:\.[\w-]+)*\.[a-z][a-z0-9]{0,5}\*?|\.[a-z][\w.-]+|[a-z]:\\\S*", re.IGNORECASE)),
    (VARIABLE, re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")),
    (CODE, re.compile(r"\w*\([^()]*\)|\w*[^\W_]_\w*|_\w+|[\w-]+(?:[.:]{1,2}[\w-]+)+|[a-z]+[A-Z]\w*|\w*\d[\w.-]*|\w[\w.-]*\d[\w.:-]*|[\w.-]+:[\w.-]+")),
    (NAME, re.compile(r"[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}[a-z]?|[A-Z]{2,}[a-z]\w+")),
)  # fmt: skip
_ASSIGNED = re.compile(r"([A-Za-z_][\w.-]*)=(\S+)")
_RATE = re.compile(r"([a-z]+|\d[\d.,]*)/(s|sec|second|min|minute|h|hour|day|week|month)")
_PLAIN = re.compile(r"[^\W\d_]+")
_HYPHENED = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
_PARTS = re.compile(r"[^\W_]+(?:['’][^\W\d_]{1,3})?")


def _of_core(core: str) -> tuple[Token, ...]:
    """The tokens of a run without the signs around it."""
    lower = core.lower()
    if lower in _CONTRACTED:
        return _contracted(core)
    if (
        _PLAIN.fullmatch(core)
        and (core.islower() or core.istitle() or lower in STOP)
        and not _shouted(core, lower)
    ):
        return (_word(core, lower),)
    if "'" in core or "’" in core:
        return _contracted(core)
    if "→" in core or "->" in core:
        left, _, right = core.replace("->", "→").partition("→")
        return (*_of_run(left), _token("→", BREAK, "→"), *_of_run(right))
    if found := _assigned(core):
        return found
    kind = next((kind for kind, form in _FORMS if form.fullmatch(core)), None)
    known = SAME.get(lower) or (SAME.get(lower.replace("-", "")) if "-" in lower else None)
    if known and kind in (None, CODE, PATH, NAME):
        return (_token(known, WORD, core),)
    if kind is not None:
        return (_token(lower.rstrip("()") or lower, kind, core),)
    return _of_parts(core, lower)


def _assigned(core: str) -> tuple[Token, ...]:
    """`NAME=value` says that the name is the value, `100/min` that it is so many per minute."""
    if (pair := _RATE.fullmatch(core)) is not None:
        return (*_of_core(pair[1]), _token("per", STOPPED, "per"), _word(pair[2], pair[2]))
    if (pair := _ASSIGNED.fullmatch(core)) is not None:
        return (_token(pair[1].lower(), VARIABLE, pair[1]), _token("is", STOPPED, "="), *_of_core(pair[2]))
    return ()


def _of_parts(core: str, lower: str) -> tuple[Token, ...]:
    """A word with hyphens or other signs in it: a name where its parts are no ordinary language."""
    parts = _PARTS.findall(core)
    if len(parts) < 2:
        return (_token(lower, NAME if core[:1].isupper() else WORD, core),)
    if _HYPHENED.fullmatch(core) and not _ordinary(lower.split("-")):
        return (_token(lower, CODE, core),)
    return tuple(each for part in parts for each in _of_core(part))


def _ordinary(parts: list[str]) -> bool:
    """Whether a word with hyphens is one of ordinary language, `long-running`, and no name, `ingress-nginx`."""
    return (
        parts[0] in HYPHENED_FIRST
        or parts[-1] in HYPHENED_LAST
        or parts[-1].endswith(("ed", "ing", "ly", "able", "ible", "less"))
    )


def _shouted(core: str, lower: str) -> bool:
    """`US` is no `us`."""
    return 1 < len(core) < 5 and core.isupper() and lower in STOP


def _word(core: str, lower: str) -> Token:
    if lower in STOP:
        return Token(lower, STOPPED, core, lower, capital=False, verb=lower in BE or lower in MODAL)
    key = stem(lower)
    kind = LIGHTER if key in _LIGHT_STEMS else WORD
    return Token(key, kind, core, lower, core[0].isupper(), _is_verb(key, lower))


def _is_verb(key: str, lower: str) -> bool:
    if key in BE or key in MODAL:
        return True
    if lower.endswith(NOUN_ENDINGS):
        return False
    return key in _CLEAR_STEMS or (lower.endswith("ed") and key in _VERB_STEMS)


_CONTRACTED = {
    "won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not", "cant": "can not", "dont": "do not",
    "doesnt": "does not", "didnt": "did not", "isnt": "is not", "wont": "will not", "arent": "are not", "ain't": "is not",
    "let's": "let us", "y'all": "you",
}  # fmt: skip


def _contracted(core: str) -> tuple[Token, ...]:
    """`don't` is `do not`, `user's` is `user`."""
    lower = core.lower().replace("’", "'")
    if lower in _CONTRACTED:
        return tuple(_word(each, each) for each in _CONTRACTED[lower].split())
    head, _, tail = lower.partition("'")
    if tail == "t" and head.endswith("n") and len(head) > 2:
        verb = core[: len(head) - 1]
        return (*_of_core(verb.title() if verb.isupper() else verb), _word("not", "not"))
    if tail in ("s", "re", "ve", "ll", "d", "m", ""):
        return _of_core(core[: len(head)]) if head else ()
    return tuple(each for part in re.split(r"['’]", core) if part for each in _of_core(part))


_ENDINGS = (
    ("ies", "y"), ("ied", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("zes", "z"), ("ss", "ss"), ("us", "us"),
    ("is", "is"), ("s", ""),
)  # fmt: skip
_VOWELS = frozenset("aeiouyäöü")


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """One form for all forms of a word in lower case; words of one meaning (lexicon.SAME) have one form, too."""
    known = SAME.get(word) or IRREGULAR.get(word)
    if known is not None:
        return SAME.get(known, known)
    base = _singular(word)
    known = SAME.get(base) or IRREGULAR.get(base)
    if known is not None:
        return SAME.get(known, known)
    short = _shortened(base)
    short = IRREGULAR.get(f"{short}e", short)
    return _SAME_STEMS.get(short, short)


def stems(*texts: str) -> frozenset[str]:
    """The stems of all words of these texts."""
    return frozenset(stem(word) for text in texts for word in text.split())


def _singular(word: str) -> str:
    if len(word) > 3:
        for ending, other in _ENDINGS:
            if word.endswith(ending):
                return word[: len(word) - len(ending)] + other
    return word


def _shortened(word: str) -> str:
    """Without the endings that make a noun of a verb, a past of a present."""
    for ending in ("ingly", "edly", "ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) > 2 and not _VOWELS.isdisjoint(rest):
            if rest[-1] == rest[-2] and rest[-1] not in "lsz":
                rest = rest[:-1]
            elif (
                len(rest) == 3 and rest[1] in _VOWELS and rest[0] not in _VOWELS and rest[2] not in "aeiouwxy"
            ):
                rest += "e"
            word = rest
            break
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    for ending in ("ation", "ment", "ion", "at"):
        rest = word.removesuffix("e")[: -len(ending)]
        if word.removesuffix("e").endswith(ending) and len(rest) > 3:
            word = rest
            break
    return word.removesuffix("e") if len(word) > 4 else word


# `production` is production, `product` is not.
_SAME_STEMS = {
    _shortened(_singular(each)): first
    for each, first in SAME.items()
    if each not in ("production", "development")
}
_LIGHT_STEMS = stems(*LIGHT)
_CLEAR_STEMS = stems(*CLEAR_VERBS)
_VERB_STEMS = stems(*VERBS)
