"""What is to be known of a text before it is compared with others: made once, kept beside it, compared often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from iai_daemon.wording.claims import MOST_TOKENS as CLAIMED_TOKENS
from iai_daemon.wording.claims import Claim, claim
from iai_daemon.wording.kinds import CONTEXTS
from iai_daemon.wording.lexicon import AFFIRMS, DENIES, words
from iai_daemon.wording.signs import is_of_change
from iai_daemon.wording.tokens import BREAK, LIGHTER, NAME, NUMBER, STOPPED, WORD, Token, stem, stems, tokens
from iai_daemon.wording.values import begins_quantity, quantity

# What is read word by word; what comes after it is compared as it is.
MOST_CHARACTERS = 16_384
_MOST_TOKENS = 3000
# So many texts are kept at hand; long ones would fill the memory.
_KEPT, _KEPT_CHARACTERS = 1024, 2000

OBLIGED, PERMITTED, OPTIONAL = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Features:
    """What a text says, in words.

    `terms`: what it is about, in order, values in their normal form; `places`: at which of its `tokens` each begins; `kinds`:
    which terms are values, and of which kind. `heavy`: the terms as a set; `topic`: those of the beginning that do not tell of
    change alone; `light`: words that add little. `denials`: how often something is denied, `denied`: what; `modality`: whether
    it obliges or permits; `related`: the terms behind each preposition; `copula`: whether its order of words tells nothing of
    who does what; `contexts`: where it holds; `rest`: what was too long to be read.
    """

    tokens: tuple[Token, ...]
    terms: tuple[str, ...]
    places: tuple[int, ...]
    kinds: dict[str, str]
    heavy: frozenset[str]
    topic: frozenset[str]
    light: frozenset[str]
    denials: int
    denied: frozenset[str]
    modality: int
    related: dict[str, frozenset[str]]
    copula: bool
    contexts: dict[str, frozenset[str]]
    rest: str
    _claim: Claim | None = field(default=None, compare=False, repr=False)

    @property
    def claim(self) -> Claim:
        """How it is built; made when it is first asked for, because whoever only joins needs it not."""
        if self._claim is None:
            made = claim(self.tokens, self.terms, self.places, self.kinds)
            object.__setattr__(self, "_claim", made)
            return made
        return self._claim


_DENIES = {stem(word): stem(other) for word, other in DENIES.items()}
_AFFIRMS = {stem(word): stem(other) for word, other in AFFIRMS.items()}
_DENYING = words(
    """not no never nobody none nothing nowhere neither nor without nicht kein keine keinen keiner keinem
    nie niemals niemand ohne"""
)
_OBLIGING = words("must should shall require müssen sollen ought")
_PERMITTING = stems("may can allow permit dürfen können able")
_LIGHT_ANYWAY = words("want may require use possible able")
_BEING = words("is are was were be been being gets ist sind wird werden wurde")
_ONLY = words("only solely exclusively nur ausschließlich")
_SIDES = {
    "before": "before", "prior": "before", "vor": "before", "bevor": "before", "until": "until", "bis": "until",
    "after": "after", "nach": "after", "nachdem": "after", "since": "since", "seit": "since",
    "from": "from", "von": "from", "out": "from", "off": "from", "to": "to", "into": "to", "onto": "to",
    "instead": "instead", "than": "instead", "over": "instead", "statt": "instead",
    "by": "by", "durch": "by", "without": "without", "unless": "unless", "except": "except", "behind": "behind", "under": "under",
    "via": "via", "through": "via", "for": "for", "für": "for", "in": "in", "on": "on", "auf": "on", "at": "at",
    "with": "with", "mit": "with", "of": "of",
    **{side: side for side in words("about around across along inside between during against toward near")},
}  # fmt: skip
_ORDER = words("before after instead prior")
_RESET = words("when if while that which so because and or wenn und oder")
# Of `as of May` and `instead of X` the `of` says nothing.
_OF_PHRASES = {
    "as": "since",
    **dict.fromkeys(words("instead out because favour favor place lieu rid kind sort inside")),
}
# The `to` of `prior to X` says nothing beside the `prior`.
_NO_SIDES = frozenset((("than", "more"), ("than", "less"), ("than", "other"), ("to", "prior")))
_SENTENCE_ENDS = words(". ; : ?")
_STATES_FOLLOW = words("is are be was turn switch to default stay turned been were still")
_COMPOUNDS = {
    "pull": {"request": "pr"}, "merg": {"request": "pr"}, "back": {"end": "backend"}, "front": {"end": "frontend"},
    "log": {"in": "login"}, "sign": {"in": "login", "off": "approve"}, "code": {"review": "review"}, "time": {"out": "timeout"},
}  # fmt: skip
_LIMITS = {
    ("at", "least"): "≥", ("at", "most"): "≤", ("up", "to"): "≤",
    **{(join, more): "≥" for join in ("or", "and") for more in words("newer later more higher above greater up")},
    **{(join, less): "≤" for join in ("or", "and") for less in words("older less lower below fewer earlier")},
}  # fmt: skip
_MORE = words("more larger greater higher longer bigger older later newer")
_LESS = words("less fewer smaller lower shorter younger earlier")
_COMPARING = _MORE | _LESS
_BOUND = {"above": ">", "over": ">", "exceed": ">", "beyond": ">", "below": "<", "under": "<"}
# All other words of grammar tell nothing, all other words only what they mean.
_TELLING_GRAMMAR = frozenset(
    (*_BEING, *_SIDES, *_RESET, *_BOUND, *(first for first, _ in _LIMITS), "a", "an", "per")
)
_SPECIAL_WORDS = frozenset(
    (
        *_DENYING,
        *_DENIES,
        *_AFFIRMS,
        *_OBLIGING,
        *_PERMITTING,
        *_SIDES,
        *_BOUND,
        *_COMPARING,
        *_COMPOUNDS,
        *_LIGHT_ANYWAY,
        *_ONLY,
    )
)


def features(text: str) -> Features:
    """The features of a text of any length and language."""
    found = tokens(text[:MOST_CHARACTERS], _MOST_TOKENS)
    reading = _Reading(found)
    reading.read()
    contexts: dict[str, set[str]] = {}
    for key in reading.terms:
        for dimension in CONTEXTS.get(key, ()):
            contexts.setdefault(dimension, set()).add(key)
    return Features(
        tokens=tuple(found),
        terms=tuple(reading.terms),
        places=tuple(reading.places),
        kinds=reading.kinds,
        heavy=frozenset(reading.terms),
        topic=frozenset(reading.topic),
        light=frozenset(reading.light),
        denials=reading.denials,
        denied=frozenset(reading.denied),
        modality=reading.modality,
        related={side: frozenset(keys) for side, keys in reading.related.items()},
        copula=reading.copula,
        contexts={dimension: frozenset(keys) for dimension, keys in contexts.items()},
        rest=" ".join(text[MOST_CHARACTERS:].lower().split()),
    )


def at_hand(text: str) -> Features:
    """The same, kept for a while: a text is compared with several others, one after the other."""
    return _kept(text) if len(text) <= _KEPT_CHARACTERS else features(text)


_kept = lru_cache(maxsize=_KEPT)(features)


class _Reading:
    """One walk through the tokens."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.found = found
        self.terms: list[str] = []
        self.places: list[int] = []
        self.topic: list[str] = []
        self.kinds: dict[str, str] = {}
        self.light: list[str] = []
        self.denials = 0
        self.denied: list[str] = []
        self.modality = 0
        self.related: dict[str, list[str]] = {}
        self.copula = False
        self._side: str | None = None
        self._denying = False

    def read(self) -> None:
        at, end = 0, len(self.found)
        while at < end:
            at += self._step(at)

    def _step(self, at: int) -> int:
        """Read what begins at `at`; how many tokens that was."""
        token = self.found[at]
        if token.kind == BREAK:
            self._side = None
            self._denying = False
            self.copula = self.copula or token.key == ","
            return 1
        if token.kind == STOPPED:
            return self._grammar(token, at) if token.key in _TELLING_GRAMMAR else 1
        if token.kind in (WORD, LIGHTER) and not begins_quantity(token):
            return self._word(token, at)
        value = quantity(self.found, at)
        if value is not None:
            key, kind, taken = value
            if kind == NUMBER and token.raw.endswith("+"):
                self._add("≥", at, None)
            self._add(key, at, kind)
            return taken
        if token.kind not in (WORD, LIGHTER):
            self._add(token.key, at, token.kind)
            return 1
        return self._word(token, at)

    def _key(self, at: int) -> str:
        return self.found[at].key if 0 <= at < len(self.found) else ""

    def _raw(self, at: int) -> str:
        return self.found[at].low if at < len(self.found) else ""

    def _numbered(self, at: int) -> bool:
        return at < len(self.found) and self.found[at].kind == NUMBER

    def _grammar(self, token: Token, at: int) -> int:
        key = token.key
        if key in _BEING:
            # `is running` says who runs, `is run` may say what is run.
            self.copula = self.copula or not self._raw(at + 1).endswith("ing")
        limit = _LIMITS.get((key, self._raw(at + 1)))
        if limit:
            self._add(limit, at, None)
            return 2
        if token.raw == "A" and at and self._key(at - 1) not in _SENTENCE_ENDS:
            self._add("a", at, NAME)
            return 1
        if key in ("a", "an", "per") and (value := quantity(self.found, at)):
            self._add(value[0], at, value[1])
            return value[2]
        self._turn(key, at)
        if key in _BOUND and self._numbered(at + 1):
            self._side = None
            self._add(_BOUND[key], at, None)
        elif key == "on" and at and self._ends(at + 1) and self._key(at - 1) in _STATES_FOLLOW:
            self._add(_AFFIRMS["on"], at, None)
        return 1

    def _ends(self, at: int) -> bool:
        key = self._key(at)
        return at >= len(self.found) or self.found[at].kind == BREAK or key in _RESET or key in _SIDES

    def _turn(self, key: str, at: int) -> None:
        """A preposition: what follows it stands in another relation."""
        before = self._key(at - 1)
        if key == "of" and before in _OF_PHRASES:
            self._side = _OF_PHRASES[before] or self._side
        elif key in _RESET:
            self._side = None
        elif key in _SIDES and (key, before) not in _NO_SIDES:
            self._side = _SIDES[key]

    def _word(self, token: Token, at: int) -> int:
        if token.key not in _SPECIAL_WORDS and token.low not in _SPECIAL_WORDS:
            return self._plain(token, token.key, at)
        key = token.key
        if key in _DENYING or token.low in _DENYING:
            return self._deny(key, at)
        if key in _DENIES and (key != "off" or self._key(at - 1) in _STATES_FOLLOW):
            self.denials += 1
            key = _DENIES[key]
        key = _AFFIRMS.get(key, key)
        self._oblige(key, token)
        if key in _SIDES:
            self._turn(key, at)
            if key in _ORDER:
                return 1
        if taken := self._bound(token, at):
            return taken
        one = _COMPOUNDS[key].get(self._key(at + 1)) if key in _COMPOUNDS else None
        if one:
            self._add(one, at, None)
            return 2
        return self._plain(token, "only" if key in _ONLY else key, at)

    def _plain(self, token: Token, key: str, at: int) -> int:
        if (token.kind == LIGHTER and key == token.key) or key in _LIGHT_ANYWAY:
            self.light.append(key)
        else:
            inside = token.capital and at and self._key(at - 1) not in _SENTENCE_ENDS
            self._add(key, at, NAME if inside else None)
        return 1

    def _oblige(self, key: str, token: Token) -> None:
        if key in _OBLIGING:
            self.modality |= OPTIONAL if self._denying or token.key == "optional" else OBLIGED
        elif key in _PERMITTING:
            self.modality |= PERMITTED

    def _bound(self, token: Token, at: int) -> int:
        """`more than 5`, `above 5`: a limit; how many tokens say it."""
        raw = token.low
        if raw in _COMPARING and self._key(at + 1) == "than" and self._measures(at + 2):
            self._add(">" if raw in _MORE else "<", at, None)
            return 2
        if token.key in _BOUND and self._numbered(at + 1):
            self._add(_BOUND[token.key], at, None)
            return 1
        return 0

    def _measures(self, at: int) -> bool:
        return at < len(self.found) and quantity(self.found, at) is not None

    def _deny(self, key: str, at: int) -> int:
        following = self._raw(at + 1)
        if (
            key in ("no", "not")
            and following in _COMPARING
            and self._key(at + 2) == "than"
            and self._measures(at + 3)
        ):
            self._add("≤" if following in _MORE else "≥", at, None)
            return 3
        if self._key(at - 1) == "require" and key == "not":
            # `need not` leaves open what `need` obliges to.
            self.modality = (self.modality & ~OBLIGED) | OPTIONAL
        if following != "only":
            self.denials += 1
            self._denying = True
        return 1

    def _add(self, key: str, at: int, kind: str | None) -> None:
        self.terms.append(key)
        self.places.append(at)
        if at < CLAIMED_TOKENS and not is_of_change(self.found[at]):
            self.topic.append(key)
        if kind is not None:
            self.kinds[key] = kind
        if self._side is not None:
            self.related.setdefault(self._side, []).append(key)
        if self._denying:
            self.denied.append(key)
            self._denying = False
