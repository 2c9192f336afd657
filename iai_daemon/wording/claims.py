"""How a text is built, as far as corrections need it: whose fact it is, what is done, and what is said of change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from iai_daemon.wording.lexicon import BE, CLEAR_VERBS, MODAL, NOUN_ENDINGS, VERBS, words
from iai_daemon.wording.signs import (
    CORRECTED,
    ENDED,
    FROM,
    INSTEAD,
    MARKED,
    NO_LONGER,
    PAST_FORMS,
    STRONG,
    TO,
    Clause,
    is_of_change,
)
from iai_daemon.wording.tokens import BREAK, CODE, LIGHTER, NAME, NUMBER, STOPPED, WORD, Token, stems

# A claim stands at the beginning of a note: so much is read of a longer one.
MOST_TOKENS = 160
_MOST_SUBJECTS = 3

AT, WITH, MADE = "be at", "be done with", "be made"
GENERAL_DEEDS = frozenset((AT, WITH, MADE))
_SENSES = {
    **dict.fromkeys(
        stems(
            """keep store save live sit locate reside put host find go move migrate place stay record hold switch
            relocate happen occur laufen liegen stehen umgezogen"""
        ),
        AT,
    ),
    **dict.fromkeys(
        stems("use run build make serve handle manage power drive do base back provide process nutzen verwenden benutzen"), WITH
    ),
    **dict.fromkeys(stems("call name rename title"), "be called"),
    **dict.fromkeys(stems("write generate create produce draw"), MADE),
}  # fmt: skip

_CLEAR = stems(*CLEAR_VERBS)
_OPENING = words(
    """we i they it everybody everyone all and then so also just finally wir ich now today yesterday have
    has had please to you correction update actually recently the a an turns turned out"""
)
_PRONOUNS = words("it they this that which who he she these those es sie er dies")
_ARTICLES = words("the a an")
_TALKING = words(
    """i me my mine myself you your yours yourself yeah yep wow thanks thank hey bye haha lol aw awesome totally
    congrats gonna ich du dein mein danke"""
)
_JOINING = words("the a an and or")
_NO_SUBJECT = stems("> < ≥ ≤ more longer anymore yet only gone rather instead")
_LIGHT_NOUNS = stems("file folder directory name case")
# Behind a verb that is not known to be one.
_AFTER_VERB = words("with by at to from into through as via → instead in on under auf mit bei durch")
# Kinds of values that stand before a noun as a part of its name.
_NAMING = frozenset((NAME, CODE, "rate"))
_MEASURING = frozenset((NUMBER, "time", "size", "share", "calendar", "money", "clock", "date", "range"))


class Subject(NamedTuple):
    """What a clause speaks of, its main noun, and whether the clause, or the one that leads to it, tells of a change."""

    terms: frozenset[str]
    head: str | None
    marked: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text claims.

    `heading`: what stands before the first colon or dash, where that is no sentence; `theme`: what its first clause speaks of, with `head`, the main noun; `subjects`: what each speaks of; `modifiers`: what
    stands before each noun; `clauses`: from which term to which each sentence goes, `parts`: those between commas; `deeds`:
    what is done, verbs of one sense by one name; `ended`: the phrases that are said to be over (`replaced`: by something that
    is named); `arrived`: what is said to have come; `spoken`: all terms of the parts that tell of it; `marks`: how it is said
    (signs.py); `sign`: the tokens that say it; `talk`: whether it is what somebody says to somebody, and no note.
    """

    heading: frozenset[str]
    theme: frozenset[str]
    head: str | None
    subjects: tuple[Subject, ...]
    modifiers: dict[str, frozenset[str]]
    clauses: tuple[tuple[int, int], ...]
    parts: tuple[tuple[int, int], ...]
    deeds: frozenset[str]
    ended: tuple[frozenset[str], ...]
    replaced: bool
    arrived: frozenset[str]
    spoken: frozenset[str]
    marks: int
    sign: tuple[int, int]
    talk: bool


def claim(
    found: Sequence[Token], terms: Sequence[str], places: Sequence[int], kinds: Mapping[str, str]
) -> Claim:
    """The claim that tokens make, whose `terms` begin at `places` and are of these `kinds` of values."""
    at = {place: key for place, key in zip(places, terms, strict=True) if place < MOST_TOKENS}
    walk = _Walk(found[:MOST_TOKENS], at, kinds)
    walk.read()
    subjects = tuple(walk.subjects)
    return Claim(
        heading=frozenset(walk.heading),
        theme=subjects[0].terms if subjects else frozenset(),
        head=subjects[0].head if subjects else None,
        subjects=subjects,
        modifiers=_modifiers(walk.found, at, kinds),
        clauses=tuple(walk.clauses),
        parts=tuple(walk.parts),
        deeds=frozenset(walk.deeds),
        ended=tuple(frozenset(phrase) for phrase in walk.ended if phrase),
        replaced=walk.replaced,
        arrived=frozenset(walk.arrived),
        spoken=frozenset(walk.spoken),
        marks=walk.marks,
        sign=walk.sign,
        talk=_is_talk(found),
    )


def _is_talk(found: Sequence[Token]) -> bool:
    """Whether somebody asks, or speaks of himself or to another in more than one sentence, or with feeling."""
    ends = [token.raw for token in found[:-1] if token.kind == BREAK and token.key == "."]
    last = found[-1].raw if found else ""
    if any(token.kind == BREAK and token.key == "?" for token in found):
        return True
    return bool(ends or "!" in last) and any(token.low in _TALKING for token in found)


def _modifiers(
    found: Sequence[Token], at: Mapping[int, str], kinds: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """Every noun with what stands right before it: `the payment API` is an API, the payment one."""
    heads: dict[str, frozenset[str]] = {}
    run: list[str] = []
    last = -1
    for place, key in at.items():
        token = found[place]
        verb = token.key in _CLEAR
        if run and (place != last + 1 or verb):
            _add_run(run, heads)
            run = []
            if verb and place == last + 1:
                continue
        if kinds.get(key, NAME) in _NAMING and not is_of_change(token):
            run.append(key)
            last = place
        else:
            _add_run(run, heads)
            run = []
    _add_run(run, heads)
    return heads


def _add_run(run: Sequence[str], heads: dict[str, frozenset[str]]) -> None:
    if len(run) > 1:
        heads[run[-1]] = heads.get(run[-1], frozenset()) | frozenset(run[:-1])


class _Walk:
    """Clause by clause through the tokens."""

    def __init__(self, found: Sequence[Token], at: Mapping[int, str], kinds: Mapping[str, str]) -> None:
        self.found = found
        self.words = [token.low for token in found]
        self.at = at
        self.kinds = kinds
        self.heading: list[str] = []
        self.subjects: list[Subject] = []
        self.deeds: list[str] = []
        self.clauses: list[tuple[int, int]] = []
        self.parts: list[tuple[int, int]] = []
        self.ended: list[list[str]] = []
        self.replaced = False
        self.arrived: list[str] = []
        self.spoken: list[str] = []
        self.marks = 0
        self.sign = (0, 0)
        self._sign_marks = 0

    def read(self) -> None:
        seen, after, leads = 0, ".", False
        for start, end, sign in self._bounds():
            count = sum(place in self.at for place in range(start, end))
            if count:
                self._count(seen, seen + count, joined=after == ",")
            seen += count
            after = sign
            leads = self._clause(start, end, sign, led=leads)

    def _count(self, start: int, end: int, *, joined: bool) -> None:
        self.parts.append((start, end))
        if joined and self.clauses and self.clauses[-1][1] == start:
            self.clauses[-1] = (self.clauses[-1][0], end)
        else:
            self.clauses.append((start, end))

    def _bounds(self) -> Iterator[tuple[int, int, str]]:
        start = 0
        for place, token in enumerate(self.found):
            if token.kind == BREAK and token.key != "→":
                if place > start:
                    yield start, place, token.key
                start = place + 1
        if start < len(self.found):
            yield start, len(self.found), "."

    def _clause(self, start: int, end: int, sign: str, *, led: bool) -> bool:
        """Read one clause; whether what it says leads to the next one: `we left X: it is in Y`."""
        if start == 0 and sign == ":" and not any(self.found[place].verb for place in range(1, end)):
            self.heading = [self.at[place] for place in range(end) if place in self.at]
        clause = Clause(self.found, self.words, self.at, start, end)
        clause.read()
        marked = bool(clause.marks & MARKED)
        if "still" not in self.words[start:end]:
            subject = self._spoken_of(start, end) if len(self.subjects) < _MOST_SUBJECTS else None
            if subject is not None:
                self.subjects.append(subject._replace(marked=marked or led))
            if marked or led:
                self.spoken += clause.terms(start, end)
        if not self.deeds:
            self._read_deeds(start, end)
        self.ended += clause.ended
        self.arrived += clause.arrived
        self.replaced = self.replaced or clause.replaced
        self.marks |= clause.marks
        if (clause.marks & STRONG and not self._sign_marks & STRONG) or (marked and not self._sign_marks):
            self.sign, self._sign_marks = (start, end), clause.marks
        return bool(clause.marks & (ENDED | INSTEAD | CORRECTED | NO_LONGER)) or (marked and sign == ":")

    def _read_deeds(self, start: int, end: int) -> None:
        """What is done: the verbs of a clause, up to where or with what it is done."""
        for place in range(start, end):
            token = self.found[place]
            if self.deeds and self.words[place] in _AFTER_VERB:
                return
            if self.at.get(place, token.key) != token.key or self.words[place] == "like":
                continue
            if token.key in _SENSES or (token.key in _CLEAR and not self.words[place].endswith(NOUN_ENDINGS)):
                self.deeds.append(_SENSES.get(token.key, token.key))

    def _spoken_of(self, start: int, end: int) -> Subject | None:
        """The subject of a clause; of `moved the docs to …` it is the docs."""
        if self.words[start] in _PRONOUNS:
            return None
        begin = start
        while begin < end and (self.words[begin] in _OPENING or (begin > start and self._helps(begin))):
            begin += 1
        if begin == end:
            return None
        article = begin > start and self.words[begin - 1] in _ARTICLES
        if not article and self._acts(begin, end):
            return self._object(begin, end)
        if self.found[begin].verb and begin > 0 and not article:
            return None
        if not any(self.found[place].verb for place in range(begin + 1, end)):
            end = next((place for place in range(begin + 1, end) if self.words[place] in _AFTER_VERB), end)
        return self._noun(begin, end)

    def _object(self, verb: int, end: int) -> Subject | None:
        """What something is done to, of `finished porting X` the X; where nothing is named, the deed itself."""
        while verb + 2 < end and self.words[verb + 1].endswith("ing") and self.found[verb + 1].verb:
            verb += 1
        stop = next(
            (place for place in range(verb + 2, end) if self.words[place] in TO | FROM | {"with", "instead"}),
            end,
        )
        found = self._noun(verb + 1, stop)
        if found is None and verb in self.at:
            return Subject(frozenset((self.at[verb],)), self.at[verb], marked=False)
        return found

    def _noun(self, begin: int, end: int) -> Subject | None:
        """The terms from `begin` to the first verb; the main noun is the last one before `of`, `for`, `in` …"""
        theme: list[str] = []
        head: str | None = None
        named = True
        for place in range(begin, end):
            token = self.found[place]
            if theme and self.found[place].verb:
                break
            if theme and token.kind == STOPPED and token.key not in _JOINING:
                named = False
            key = self.at.get(place) or (
                token.key if token.kind == LIGHTER and token.key in _LIGHT_NOUNS else None
            )
            if key is None or key in _NO_SUBJECT or (not theme and self.kinds.get(key) in _MEASURING):
                continue
            theme.append(key)
            if named or head is None:
                head = key
        return Subject(frozenset(theme), head, marked=False) if theme else None

    def _helps(self, place: int) -> bool:
        return self.found[place].key in BE or self.found[place].key in MODAL

    def _acts(self, place: int, end: int) -> bool:
        """Whether a clause that begins here begins with what is done: `use …`, `moved …`, `we moved …`."""
        word = self.words[place]
        form = word in VERBS or word.endswith("ed") or word in PAST_FORMS
        return (
            form
            and self.found[place].kind in (WORD, LIGHTER)
            and place + 1 < end
            and (not self.found[place + 1].verb or self.words[place + 1].endswith("ing"))
        )
