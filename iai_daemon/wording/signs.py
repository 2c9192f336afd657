"""What a clause says of change: that something has ended, what has come instead, that it is so now. One reader for each way of
saying it; claims.py hands the clauses in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from iai_daemon.wording.kinds import KINDS
from iai_daemon.wording.lexicon import BE, NOUN_ENDINGS, VERBS, words
from iai_daemon.wording.tokens import LIGHTER, STOPPED, WORD, Token, stems

NOW, CHANGED, ENDED, INSTEAD, CORRECTED, NO_LONGER, ALSO, PAST, TENTATIVE = (1 << bit for bit in range(9))
MARKED = NOW | CHANGED | ENDED | INSTEAD | CORRECTED | NO_LONGER
STRONG = CHANGED | ENDED | INSTEAD | NO_LONGER

_HAPPENED = words("was were been got has have had wurde wurden worden now")
_PASSIVE = words("is are was were be")
_HABITUAL = words("is are be gets get not to")
_DENIALS = words("no not nobody none never nothing cannot")

_END = stems(
    """drop remove retire deprecate abandon cancel cancelled kill delete uninstall decommission discontinue sunset
    ditch quit stop cease end archive ban revoke shut tear rip phase disable close scrap eliminate
    withdraw prohibit forbid leave purge step abgeschaltet abgeschafft entfernt eingestellt"""
)
_ENDED_IN_PAST = words(
    "left shut cut tore torn sunset quit abgeschaltet abgeschafft entfernt eingestellt stop"
)
# `we closed X` ends it; `people closed the tab` tells a story.
_ONLY_BY_US = stems("close end tear rip kill phase withdraw shut delete disable")
_LEAVE = stems("leave retire quit resign step")
# What somebody leaves who is not there any more.
_PLACES_OF_WORK = stems("company firm team project office organisation organization department us")
_DOWN = words("down back aside")
# Being so is being over, whatever the tense.
_OVER = words(
    """gone dead history obsolete outdated deprecated retired discontinued unmaintained decommissioned
    banned out superseded abandoned frozen read-only eol taboo no-go expired disabled 404 410
    uninstalled forbidden cancelled canceled distracting annoying empty unused stale weg veraltet"""
)
# How people say of what they find that they do not want it.
_UNWANTED = words(
    """noisy annoying distracting confusing useless tedious irritating cluttered unreadable overkill tiring boring"""
)
_SO = BE | {"finds", "too", "returns", "gives"}
_SETTLED = words("archived closed deleted removed stopped")
_COMPLAIN = stems("complain hate")
_ANNOY = stems("annoy bother irritate tire confuse bore")

_REPLACE = stems("replace swap exchange supersede substitute")
_MOVE = stems(
    """move switch migrate change convert transfer go upgrade bump raise increase lower reduce decrease
    rename relocate hand take give downgrade rewrite cut roll revert extend widen double halve split
    extract turn relicense shift scale adopt set put transition standardise standardize bring cap
    become fall rise grow shrink rebuild retrain redirect pull port trim shorten lengthen prolong
    expand tighten loosen relax adjust pass install introduce umziehen umgezogen umgestellt
    gewechselt migriert geändert ersetzt verschoben erhöht gesenkt"""
)
_MOVED_IN_PAST = words(
    """went gone took taken cut split rewrote rewritten rose risen gave given became put set swapped grew
    grown shrank fell fallen rebuilt handed passed umgezogen umgestellt gewechselt migriert geändert
    ersetzt verschoben erhöht gesenkt"""
)
PAST_FORMS = _ENDED_IN_PAST | _MOVED_IN_PAST
_MOVE_NOUNS = words("upgrade move switch port rewrite migration transition conversion cutover porting")
_SETTLED_ON = words("decided settled agreed standardised standardized opted")
_LANDED = words("merged landed shipped deployed released")
_DONE = words("finished finish completed complete done merged through live landed finally over went is")
_IMPERATIVES = words("set put split")
# `every ported file` tells of files, not of porting.
_DETERMINERS = words("the a an every each all any this that these those our its your their no newly")
_HANDED = words("handed passed renamed")

TO = words("to into onto nach → auf")
FROM = words("from off von")
_WITH = words("with by for durch")
_PHRASE_ENDS = words(
    "to into with by for in on from so because and but since after when as at if durch auf we it until"
)
_REASONS = words("so because but since after when as if for to in")
_BUT_NOT_ENDS = _REASONS - {"for", "to", "in"}

_NOW = words(
    """now nowadays henceforth today yesterday recently lately currently meanwhile finally again back since
    starting effective jetzt nun inzwischen mittlerweile künftig neuerdings seit ab"""
)
_ONWARDS = words("on onwards onward forward")
_PERIODS = words("days day week sprint month night year quarter morning weekend forward")
_CORRECTING = words("correction actually mistake erratum korrektur oops scratch")
_ADDING = words("also additionally moreover auch zusätzlich besides plus")
_FORMERLY = words("previously formerly originally initially historically früher damals ursprünglich")
_TENTATIVE = words(
    """consider considering planning planned maybe might perhaps thinking propose proposed proposal
    evaluate evaluating discuss discussing wish hope hoping soon someday idea eventually intend
    intends vielleicht überlegen geplant planen"""
)
_INTENTIONS = frozenset(
    (
        ("plan", "to"), ("plans", "to"), ("plan", "is"), ("want", "to"), ("going", "to"), ("next", "week"), ("next", "month"),
        ("next", "quarter"), ("next", "year"), ("should", "we"), ("could", "we"), ("try", "out"),
    )
)  # fmt: skip
_HINTS = _FORMERLY | _ADDING | _TENTATIVE | {first for first, _ in _INTENTIONS}
_IN_PLACE_OF = frozenset((("instead", "of"), ("rather", "than"), ("place", "of"), ("lieu", "of")))
_IN_FAVOUR_OF = frozenset((("favour", "of"), ("favor", "of")))
_PREFERRING = words("rather like likes favours prefer prefers prefered chose")

# These words tell of the change itself, not of what changed.
OF_CHANGE = (
    stems(
        """longer more anymore instead rather gone out again back new live since today yesterday yet mehr nicht
        start begin away week month weekend night monday tuesday wednesday thursday friday saturday
        sunday recommend decide finish ago read-only until unless behind toward next only whatever
        anyway even later earlier soon user ask tell say favour favor lieu january february march
        april june july august september october november december"""
    )
    | (_END - stems("close end forbid shut"))
    | _REPLACE
    | (_MOVE - stems("port cap cut set split extract install put pull introduce"))
)


def is_of_change(token: Token) -> bool:
    """Whether a word tells of the change itself: `migrated` does, `migrations` may be what is spoken of."""
    return token.key in OF_CHANGE and token.low != "double" and not token.low.endswith(NOUN_ENDINGS)


class Clause:
    """The tokens from `start` to `end` of a text, and what they say of change: the phrases that are said to be over (`replaced`:
    by something that is named, too), the terms that are said to have come, and the marks."""

    __slots__ = ("arrived", "at", "end", "ended", "found", "marks", "replaced", "start", "words")

    def __init__(
        self, found: Sequence[Token], lower: Sequence[str], at: Mapping[int, str], start: int, end: int
    ) -> None:
        self.found = found
        self.words = lower
        self.at = at
        self.start = start
        self.end = end
        self.ended: list[list[str]] = []
        self.arrived: list[str] = []
        self.replaced = False
        self.marks = 0

    def read(self) -> None:
        """Read every sign of change in it; what is only asked, planned or long past is no change."""
        for place in range(self.start, self.end):
            reader = _READERS.get(self.words[place]) or _READERS.get(self.found[place].key)
            if reader is not None:
                reader(self, place)
        own = self.words[self.start : self.end]
        if not _HINTS.isdisjoint(own):
            self.marks |= 0 if _FORMERLY.isdisjoint(own) else PAST
            self.marks |= 0 if _ADDING.isdisjoint(own) else ALSO
            tentative = _is_tentative(own)
        else:
            tentative = False
        if tentative or self._ends_with("?"):
            self.marks = TENTATIVE
            self.ended, self.arrived, self.replaced = [], [], False

    def terms(self, start: int, end: int) -> list[str]:
        return [self.at[place] for place in range(start, end) if place in self.at]

    def before(self, place: int) -> list[str]:
        return self.terms(self.start, place)

    def until(self, place: int, stops: frozenset[str]) -> list[str]:
        """The terms from `place` to the first of these words."""
        return self.terms(place, self.place_of(place, stops))

    def place_of(self, place: int, stops: frozenset[str]) -> int:
        return next((here for here in range(place, self.end) if self.words[here] in stops), self.end)

    def word(self, place: int) -> str:
        return self.words[place] if 0 <= place < len(self.words) else ""

    def near(self, place: int) -> Sequence[str]:
        return self.words[max(self.start, place - 3) : place]

    def over(self, phrase: list[str], mark: int = ENDED) -> None:
        self.ended.append(phrase)
        self.marks |= mark

    def _ends_with(self, sign: str) -> bool:
        return self.end < len(self.found) and self.found[self.end].key == sign


def _is_tentative(own: Sequence[str]) -> bool:
    if "now" in own or "again" in own:
        return False
    if not _TENTATIVE.isdisjoint(own):
        return True
    return not _INTENTIONS.isdisjoint(pairwise(own))


def _end(clause: Clause, place: int) -> None:
    """`dropped X`, `X was dropped`, `X uninstalled`, `stopped doing X`, `Renate retired`, `Renate is on parental leave`."""
    word, before, near = clause.word(place), clause.before(place), clause.near(place)
    if clause.found[place].key == "leave" and before:
        _leave(clause, place)
        return
    if not (word.endswith("ed") or word in _ENDED_IN_PAST):
        return
    if word == "stepped" and clause.word(place + 1) not in _DOWN:
        return
    being = any(each in BE for each in near)
    if before and being and word != "stopped":
        settled = place + 1 == clause.end and word in _SETTLED and clause.start > 0
        if settled or word in _OVER or any(each in _HAPPENED for each in near):
            clause.over(before)
    elif before and not being and (clause.found[place].key in _LEAVE or place + 1 == clause.end):
        clause.over(before)
    elif not before or not _tells_a_story(clause, place):
        clause.over(clause.until(place + 1, _PHRASE_ENDS))


def _leave(clause: Clause, place: int) -> None:
    """`Henrik left`, `Henrik is on leave`, `staging has left X`; what was left as it was has not gone."""
    word, near = clause.word(place), clause.near(place)
    if word == "leave" and "on" in near:
        clause.over(clause.before(place)[:1])
    elif word == "left" and _PASSIVE.isdisjoint(near):
        left = clause.until(place + 1, _PHRASE_ENDS)
        gone = not left or not _PLACES_OF_WORK.isdisjoint(left)
        clause.over(clause.before(place) if gone else left)


def _tells_a_story(clause: Clause, place: int) -> bool:
    """`people closed the tab`, `the workers stop at night`: somebody's doing ends nothing."""
    if clause.word(place) == "stop":
        return "user" not in clause.words[clause.start : place]
    return clause.found[place].key in _ONLY_BY_US


def _over(clause: Clause, place: int) -> None:
    """`X is gone`, `X is out of the question`."""
    if (clause.word(place) == "out" and clause.word(place + 3) == "question") or (
        any(each in _SO for each in clause.near(place)) and clause.word(place + 1) != "of"
    ):
        clause.over(clause.before(place))
    elif clause.found[place].key in _END:
        _end(clause, place)


def _rid(clause: Clause, place: int) -> None:
    """`got rid of X`."""
    if clause.word(place + 1) == "of":
        clause.over(clause.until(place + 2, _PHRASE_ENDS))


def _too(clause: Clause, place: int) -> None:
    """`X is too long for the user`; `X was too slow` of something that has a name."""
    before = clause.before(place)
    if before and "user" in clause.words[clause.start : clause.end]:
        clause.over(before)
    elif len(before) == 1 and clause.word(place - 1) in ("was", "were") and before[0] in KINDS:
        clause.ended.append(before)


def _unwanted(clause: Clause, place: int) -> None:
    """`finds X noisy`, `X is annoying`."""
    finds = next(
        (here for here in range(clause.start, place) if clause.word(here) in ("finds", "found")), None
    )
    if finds is not None:
        clause.over(clause.terms(finds + 1, place))
    elif clause.word(place) in _OVER:
        _over(clause, place)


def _complain(clause: Clause, place: int) -> None:
    """`complained about X`."""
    clause.over(clause.terms(place + 1, clause.end))


def _annoy(clause: Clause, place: int) -> None:
    """`X annoys the user`."""
    if "user" in clause.words[place : clause.end]:
        clause.over(clause.before(place))


def _replace(clause: Clause, place: int) -> None:
    """`replaced X with Y`, `X was replaced by Y`, `Y replaces X`, `swapped in Y`."""
    before, word = clause.before(place), clause.word(place)
    if not word.endswith(("ed", "s")):
        return
    clause.marks |= CHANGED
    if clause.word(place + 1) == "in":
        clause.arrived += clause.until(place + 2, _WITH)
        return
    middle = clause.place_of(place + 1, _WITH)
    following = clause.terms(place + 1, middle)
    clause.replaced = True
    if middle < clause.end:
        clause.over(following or before)
        clause.arrived += clause.until(middle + 1, _REASONS)
    elif clause.word(place - 1) in BE:
        clause.over(before)
    else:
        clause.arrived += before
        clause.over(following)


def _has_moved(clause: Clause, place: int) -> bool:
    """Whether a word of moving tells that something has moved: not how to, how often, or what kind of thing it is."""
    word, before = clause.word(place), clause.near(place)[-2:]
    if word.endswith("s") and clause.word(place - 1) == "that":
        return not _LANDED.isdisjoint(clause.words[clause.start : place])
    if word in _MOVE_NOUNS or (word.endswith("ing") and clause.word(place + 1) == "of"):
        own = clause.words[clause.start : clause.end]
        return "to" in clause.words[place + 1 : clause.end] and not _DONE.isdisjoint(own)
    if not (word.endswith("ed") or word in _MOVED_IN_PAST) or (
        word in _IMPERATIVES and place == clause.start
    ):
        return False
    return clause.word(place - 1) not in _DETERMINERS and ("now" in before or _HABITUAL.isdisjoint(before))


def _move(clause: Clause, place: int) -> None:
    """`moved from X to Y`, `X moved to Y`, `bumped X to Y`; as nouns `the move to Y is done`."""
    if not _has_moved(clause, place):
        return
    clause.marks |= CHANGED
    if clause.word(place) in _HANDED:
        clause.ended.append(clause.before(place))
    for here in range(place + 1, clause.end):
        key = clause.word(here)
        if key in FROM or (key == "out" and clause.word(here + 1) == "of"):
            clause.ended.append(clause.terms(here + 1, clause.place_of(here + 2, TO | _REASONS)))
            clause.replaced = True
        elif key in TO:
            clause.arrived += clause.until(here + 1, FROM | _REASONS)


def _give(clause: Clause, place: int) -> None:
    """`X gave way to Y`, `we gave up X`, `X was given up`."""
    following = clause.word(place + 1)
    if following == "way" or (following == "up" and any(each in BE for each in clause.near(place))):
        clause.over(clause.before(place))
    elif following == "up":
        clause.over(clause.terms(place + 2, clause.end))


def _take(clause: Clause, place: int) -> None:
    """`X was taken down`, `took over from X`."""
    if clause.word(place + 1) == "down":
        clause.over(clause.before(place) or clause.terms(place + 2, clause.end))
    else:
        _move(clause, place)


def _can_go(clause: Clause, place: int) -> None:
    """`X can go`; `went from X to Y`."""
    if clause.word(place - 1) in ("can", "may") and place + 1 == clause.end:
        clause.over(clause.before(place))
    elif clause.word(place) in _MOVED_IN_PAST:
        _move(clause, place)


def _settled_on(clause: Clause, place: int) -> None:
    """`decided on Y`, `standardised on Y`, `opted for Y`, `decided against X`."""
    following = clause.word(place + 1)
    if following == "against":
        clause.over(clause.until(place + 2, _REASONS))
    elif following in ("on", "for"):
        clause.arrived += clause.until(place + 2, _PHRASE_ENDS)
        clause.marks |= CHANGED


def _arrow(clause: Clause, place: int) -> None:
    """`X → Y`, of two names or two values; other arrows say what leads to what."""
    if clause.start < place < clause.end - 1:
        one, other = clause.found[place - 1], clause.found[place + 1]
        if (one.kind == other.kind and one.kind not in (WORD, LIGHTER, STOPPED)) or (
            one.capital and other.capital
        ):
            _replaced(clause, clause.before(place)[-1:])
            clause.arrived += clause.terms(place + 1, clause.end)[:1]
            clause.marks |= CHANGED


def _instead(clause: Clause, place: int) -> None:
    """`instead of X`, `rather than X`, `prefers Y over X`, `in favour of Y`, `statt X`; `instead` alone names no X."""
    word, following = clause.word(place), clause.word(place + 1)
    if (word, following) in _IN_FAVOUR_OF:
        clause.arrived += clause.until(place + 2, _REASONS)
    elif (word, following) in _IN_PLACE_OF:
        _replaced(clause, clause.until(place + 2, _REASONS))
    elif word in ("over", "than"):
        if _PREFERRING.isdisjoint(clause.words[clause.start : place]):
            return
        _replaced(clause, clause.until(place + 1, _REASONS))
    elif word in ("statt", "anstelle", "anstatt"):
        _replaced(clause, clause.terms(place + 1, clause.end)[:1])
    elif word != "instead" and not (word == "rather" and clause.word(place - 1) == "would"):
        return
    clause.marks |= INSTEAD


def _replaced(clause: Clause, phrase: list[str]) -> None:
    clause.ended.append(phrase)
    clause.replaced = clause.replaced or bool(phrase)


def _longer(clause: Clause, place: int) -> None:
    """`no longer`, `not … any more`, `nicht mehr`."""
    word, before = clause.word(place), clause.word(place - 1)
    earlier = clause.words[clause.start : place]
    denied = any(each in _DENIALS or each.endswith(("n't", "n’t")) for each in earlier)
    own = clause.words[clause.start : clause.end]
    said = (
        (word == "longer" and before == "no")
        or (word in ("more", "longer") and before == "any" and denied)
        or (word == "anymore" and denied)
        or (word == "more" and before == "no" and clause.word(place + 1) != "than")
        or (word == "mehr" and any(each.startswith(("kein", "nie", "nicht")) for each in own))
    )
    if said:
        places = [here for here in range(clause.start, clause.end) if here in clause.at]
        clause.over([clause.at[here] for here in places if not is_of_change(clause.found[here])], NO_LONGER)


def _now(clause: Clause, place: int) -> None:
    """`now`, `since`, `as of`, `from now on`, `these days`."""
    word, following = clause.word(place), clause.word(place + 1)
    ahead = clause.words[place + 1 : min(clause.end, place + 5)]
    if (
        word in _NOW
        or (word == "as" and following == "of")
        or (word == "from" and not _ONWARDS.isdisjoint(ahead))
        or (word in ("these", "this", "last", "going") and following in _PERIODS)
    ):
        clause.marks |= NOW


def _new(clause: Clause, place: int) -> None:
    """`has a new X`, `New X: Y`."""
    given = clause.words[clause.start : place]
    heading = place == clause.start and clause.end < len(clause.found) and clause.found[clause.end].key == ":"
    had = clause.word(place - 1) in ("a", "an") and not {"has", "have", "got", "gets", "gave"}.isdisjoint(
        given
    )
    if heading or had:
        clause.marks |= NOW


def _but_not(clause: Clause, place: int) -> None:
    """`…, not X` and `…, so no X` name what is over; `X is not Y any more` is another matter."""
    first = place - 1 if clause.word(place - 1) in ("so", "and") and place - 1 == clause.start else place
    after_comma = first == clause.start > 0 and clause.found[first - 1].key == ","
    if after_comma and place + 1 < clause.end and clause.word(place + 1) not in VERBS:
        _replaced(clause, clause.until(place + 1, _BUT_NOT_ENDS))
        clause.marks |= INSTEAD


def _used_to(clause: Clause, place: int) -> None:
    """`X used to be Y`."""
    if clause.word(place) == "used" and clause.word(place + 1) == "to" and clause.word(place - 1) not in BE:
        clause.over(clause.terms(clause.start, clause.end))


def _correct(clause: Clause, place: int) -> None:
    """`Correction: …`, `it turns out`; an `update` is a correction only as a heading."""
    word = clause.word(place)
    heading = (
        place == clause.end - 1 and clause.end < len(clause.found) and clause.found[clause.end].key == ":"
    )
    turned = word in ("turns", "turned") and clause.word(place + 1) == "out"
    if word in _CORRECTING or turned or (word == "update" and heading):
        clause.marks |= CORRECTED
    elif word == "turned":
        _move(clause, place)


_Reader = Callable[[Clause, int], None]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(_MOVE | _MOVE_NOUNS, _move),
    **dict.fromkeys(_END, _end),
    **dict.fromkeys(_OVER, _over),
    **dict.fromkeys(_REPLACE, _replace),
    **dict.fromkeys(_COMPLAIN, _complain),
    **dict.fromkeys(_ANNOY, _annoy),
    **dict.fromkeys(_UNWANTED, _unwanted),
    **dict.fromkeys(_SETTLED_ON, _settled_on),
    **dict.fromkeys(_NOW | words("as from these this last going"), _now),
    **dict.fromkeys(
        words("instead rather place favour favor lieu over than statt anstelle anstatt"), _instead
    ),
    **dict.fromkeys(words("longer more anymore mehr"), _longer),
    **dict.fromkeys(words("gave given give"), _give),
    **dict.fromkeys(words("took taken"), _take),
    **dict.fromkeys(words("not no"), _but_not),
    **dict.fromkeys(_CORRECTING | words("turns turned update"), _correct),
    "rid": _rid,
    "too": _too,
    "new": _new,
    "go": _can_go,
    "used": _used_to,
    "→": _arrow,
}
