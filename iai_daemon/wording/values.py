"""Quantities in one form: `5 s` is `5000 ms`, `two weeks` are `14 days`, `3 am` is `03:00`. Used by features.py."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from iai_daemon.wording.lexicon import NUMBERS, words
from iai_daemon.wording.tokens import CLOCK, DATE, LIGHTER, MONEY, NUMBER, STOPPED, VERSION, WORD, Token

TIME, SIZE, SHARE, CALENDAR, RATE, RANGE = "time", "size", "share", "calendar", "rate", "range"

# (key, kind, how many tokens say it); equal keys are equal quantities.
Value = tuple[str, str, int]
_Unit = tuple[str, float]

_K = 1024
_UNIT_NAMES: Mapping[str, Mapping[str, float]] = {
    TIME: {
        "ns nanosecond": 1e-9,
        "us µs microsecond": 1e-6,
        "ms msec millisecond millisekunde": 1e-3,
        "s sec second sekunde": 1,
        "min minute": 60,
        "h hr hour stunde std": 3600,
        "d day tag tage tagen night": 86_400,
        "week wk woche": 604_800,
        "fortnight": 1_209_600,
    },
    CALENDAR: {"month monat": 1, "quarter": 3, "year yr jahr": 12},
    SIZE: {
        "byte": 1,
        "kb kib ki kilobyte": _K,
        "mb mib mi megabyte": _K**2,
        "gb gib gi gigabyte gig": _K**3,
        "tb tib ti terabyte": _K**4,
    },
    SHARE: {"% percent prozent": 1, "‰": 0.1},
}
# These stand apart from their number, too: `5 s`. Other short ones only stick to it: `5m`, `512Mi`.
_APART = words("s h d % ‰")
_STUCK = words("m us ki mi gi ti")
_SCALES = {"k": 1e3, "m": 1e6, "mio": 1e6, "bn": 1e9, "x": 1.0}
_MULTIPLES = words("million thousand hundred dozen")
_CURRENCIES = {
    "$": "$", "usd": "$", "dollar": "$", "dollars": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€", "£": "£", "gbp": "£",
    "¥": "¥", "chf": "chf", "cent": "cent", "cents": "cent",
}  # fmt: skip
_MONTH_NAMES = """
    january jan januar
    february feb februar
    march märz
    april apr
    may mai
    june jun juni
    july jul juli
    august aug
    september sep sept
    october oct oktober
    november nov
    december dec dezember
"""
_MONTHS = {
    name: number
    for number, names in enumerate(_MONTH_NAMES.strip().splitlines(), 1)
    for name in names.split()
}
_EVERY = {
    "hourly": "hour", "daily": "day", "nightly": "night", "weekly": "week", "biweekly": "2 weeks", "fortnightly": "2 weeks",
    "monthly": "month", "quarterly": "quarter", "yearly": "year", "annually": "year", "annual": "year",
    "stündlich": "hour", "täglich": "day", "wöchentlich": "week", "monatlich": "month", "jährlich": "year",
}  # fmt: skip
_PERIODS = {
    **{name: name for name in words("second minute hour day night week month quarter year")},
    "s": "second", "sec": "second", "min": "minute", "h": "hour",
}  # fmt: skip
_PER = words("every each per a an any")
_ARTICLES = words("a an")
_WORDY = frozenset((WORD, LIGHTER, STOPPED))
_MOMENTS = {"midnight": "0:00", "mitternacht": "0:00", "noon": "12:00", "mittag": "12:00"}

_NUMBER = re.compile(r"[~<>≤≥±+-]?(\d[\d.,_'’]*)([a-zµ%‰°]*)\+?(?:/[a-z]+)?", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}(?:[,_'’]\d{3})+(?:\.\d+)?")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d\d))?(?::\d\d)?([–-]\d{1,2}:\d\d)?(am|pm)?")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?")
_ORDINALS = words("st nd rd th")

_BEGINNINGS = frozenset((*NUMBERS, *_EVERY, *_PER, *_MONTHS, *_MOMENTS, "half"))


def _units() -> dict[str, _Unit]:
    table: dict[str, _Unit] = {}
    for kind, names in _UNIT_NAMES.items():
        for forms, factor in names.items():
            for name in forms.split():
                endings = ("", "s", "e", "n", "en") if len(name) > 3 else ("", "s")
                plurals = [f"{name}{ending}" for ending in endings]
                table |= dict.fromkeys(plurals, (kind, factor))
    return {**table, "m": (TIME, 60.0)}


_UNITS = _units()


def begins_quantity(token: Token) -> bool:
    """Whether a quantity may begin with this word: `two`, `half`, `every`."""
    return token.low in _BEGINNINGS


def quantity(found: Sequence[Token], at: int) -> Value | None:
    """The quantity that begins with the token at `at`; None if there is none."""
    token = found[at]
    if token.kind in _WORDY:
        return _in_words(found, at)
    if token.kind == NUMBER:
        return _counted(token.key, found, at)
    if token.kind == CLOCK:
        return _clock(token.key), CLOCK, 1
    if token.kind == MONEY:
        sign = next(each for each in token.key if each in _CURRENCIES)
        amount = token.key.strip("$€£¥")
        return f"{sign}{_number(amount.rstrip('km')) * _SCALES.get(amount[-1], 1):.12g}", MONEY, 1
    if token.kind in (DATE, VERSION):
        return token.key.removeprefix("v"), token.kind, 1
    return None


def _in_words(found: Sequence[Token], at: int) -> Value | None:
    word = _raw(found, at)
    if word in NUMBERS:
        return _counted(str(NUMBERS[word]), found, at)
    if word in _EVERY:
        return f"per {_EVERY[word]}", RATE, 1
    if word in _PER:
        return _each(word, found, at)
    if word == "half":
        unit = _UNITS.get(_raw(found, at + 2)) if _raw(found, at + 1) in _ARTICLES else None
        return (_measured(0.5, unit), unit[0], 3) if unit else None
    if word in _MONTHS:
        day = _DAY.fullmatch(_raw(found, at + 1))
        return (f"{_MONTHS[word]}-{int(day[1])}", DATE, 2) if day else None
    return (_MOMENTS[word], CLOCK, 1) if word in _MOMENTS else None


def _each(word: str, found: Sequence[Token], at: int) -> Value | None:
    """`every day`, `5 requests a second`, and without a number before it `an hour`."""
    following = _raw(found, at + 1)
    period = _PERIODS.get(following)
    if (
        period
        and (word not in _ARTICLES or _after_number(found, at))
        and (word, following) != ("every", "second")
    ):
        return f"per {period}", RATE, 2
    unit = _UNITS.get(following) if word in _ARTICLES and len(following) > 3 else None
    return (_measured(1, unit), unit[0], 2) if unit else None


def _after_number(found: Sequence[Token], at: int) -> bool:
    """Whether one of the two words before says how often: `5 requests a second`, `once a day`."""
    return any(each.kind == NUMBER or each.low in NUMBERS for each in found[max(0, at - 2) : at])


def _raw(found: Sequence[Token], at: int) -> str:
    return found[at].low if at < len(found) else ""


def _counted(key: str, found: Sequence[Token], at: int) -> Value:
    """A number with what stands behind it: a unit, a currency, am or pm, a month."""
    match = _NUMBER.fullmatch(key)
    if match is None:
        return key, RANGE, 1
    digits, suffix = match.groups()
    if unit := _UNITS.get(suffix):
        return _measured(_number(digits), unit), unit[0], 1
    if not suffix or suffix in _ORDINALS:
        return _followed(digits, found, at) or (key if suffix else _plain(digits), NUMBER, 1)
    if suffix in _SCALES:
        return f"{_number(digits) * _SCALES[suffix]:.12g}", NUMBER, 1
    return key, NUMBER, 1


def _followed(digits: str, found: Sequence[Token], at: int) -> Value | None:
    following = _raw(found, at + 1)
    of = following == "of"
    month = _MONTHS.get(_raw(found, at + 2) if of else following)
    if month and _number(digits) < 32:
        return f"{month}-{_number(digits):g}", DATE, 3 if of else 2
    if following in ("am", "pm"):
        return _clock(digits + following), CLOCK, 2
    unit = _UNITS.get(following) if len(following) > 1 or following in _APART else None
    if unit and following not in _STUCK:
        return _measured(_number(digits), unit), unit[0], 2
    if following in _CURRENCIES:
        return f"{_CURRENCIES[following]}{_number(digits):.12g}", MONEY, 2
    if following in _MULTIPLES:
        return f"{_number(digits) * NUMBERS[following]:.12g}", NUMBER, 2
    return None


def _plain(digits: str) -> str:
    """A number without a unit stays as it is written (`3.10` may be a version) but for the signs between thousands."""
    text = digits.rstrip(".,_'’")
    return f"{_number(text):.12g}" if _GROUPED.fullmatch(text) else text


@lru_cache(maxsize=4096)
def _number(digits: str) -> float:
    text = digits.rstrip(".,_'’")
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "")
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return float(re.sub(r"\D", "", text)[:15])


def _measured(number: float, unit: _Unit) -> str:
    kind, factor = unit
    return f"{number * factor:.12g} {kind}"


def _clock(text: str) -> str:
    """`09:30`, `9:30` and `9:30am` are one time."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return text
    hour, minute, until, half = int(match[1]), match[2] or "00", match[3] or "", match[4]
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return f"{hour}:{minute}{until}"
