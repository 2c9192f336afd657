"""Secrets in what is to be remembered: recognised by their shape, and replaced by a marker that says what was there. Pure.

A memory is handed to agents, exported and backed up; a password in it would go all those ways. The shapes are those that
their issuers document; what has no shape of its own counts only where it is named a secret and looks made up to be one.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from iai_daemon.memory.record import Draft

_MARKER = "[secret: {kind}]"


@dataclass(frozen=True, slots=True)
class Secret:
    """One that was found: what it is, and where in the text it stood."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Redacted:
    """The text without its secrets, and which kinds of them there were, in order, each once."""

    text: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """`hint` and `also` stand in every text that has one, so that other texts cost next to nothing. The secret is the group of that name, or
    the whole match; `vague`: what is no secret may look so as well, so it must also look drawn by lot."""

    kind: str
    hint: str
    pattern: re.Pattern[str]
    vague: bool = False
    also: str = ""


_KEY_HEAD = r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"
_KEY_END = r"-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"

# Nothing here backtracks over more than one run of characters of bounded length.
_SHAPES = (
    _Shape(
        "private key",
        "PRIVATE KEY",
        # A head alone is only spoken of; one whose end is missing was cut off.
        re.compile(rf"{_KEY_HEAD}(?:(?!-----)[\s\S]){{0,400}}?[A-Za-z0-9+/=]{{32}}(?:(?!-----)[\s\S])*(?:{_KEY_END}|\Z)?"),
    ),
    _Shape("AWS access key", "IA", re.compile(r"\bA[KS]IA[A-Z2-7]{16}\b")),
    _Shape("GitHub token", "gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"), also="_"),
    _Shape("GitHub token", "github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{50,255}\b")),
    _Shape("GitLab token", "gl", re.compile(r"\bgl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_\-]{20,255}"), vague=True, also="-"),
    _Shape("Slack token", "xox", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,255}"), vague=True),
    _Shape("Slack token", "xapp-", re.compile(r"\bxapp-\d-[A-Za-z0-9\-]{20,255}"), vague=True),
    _Shape(
        "Slack webhook",
        "hooks.slack.com",
        re.compile(r"https://hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/]{20,255})"),
        vague=True,
    ),
    _Shape("Anthropic key", "sk-ant-", re.compile(r"\bsk-ant-[A-Za-z0-9_\-]{20,255}"), vague=True),
    _Shape(
        "OpenAI key", "sk-", re.compile(r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_\-]{32,255}"), vague=True
    ),
    _Shape("Google key", "AIza", re.compile(r"\bAIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])")),
    _Shape("Google token", "ya29.", re.compile(r"\bya29\.[A-Za-z0-9_\-]{20,2048}"), vague=True),
    _Shape("Google client secret", "GOCSPX-", re.compile(r"\bGOCSPX-[A-Za-z0-9_\-]{28}(?![A-Za-z0-9_\-])")),
    _Shape("Stripe key", "k_", re.compile(r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,255}\b"), vague=True),
    _Shape("Stripe key", "whsec_", re.compile(r"\bwhsec_[A-Za-z0-9+/=]{24,255}"), vague=True),
    _Shape("npm token", "npm_", re.compile(r"\bnpm_[A-Za-z0-9]{36}\b"), vague=True),
    _Shape("PyPI token", "pypi-", re.compile(r"\bpypi-AgE[A-Za-z0-9_\-]{50,1024}")),
    _Shape("Hugging Face token", "hf_", re.compile(r"\bhf_[A-Za-z0-9]{34,40}\b"), vague=True),
    _Shape("SendGrid key", "SG.", re.compile(r"\bSG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{32,64}"), vague=True),
    _Shape("DigitalOcean token", "_v1_", re.compile(r"\bdo[opr]_v1_[a-f0-9]{64}\b")),
    _Shape("Databricks token", "dapi", re.compile(r"\bdapi[a-f0-9]{32}\b")),
    _Shape("Vault token", "hvs.", re.compile(r"\bhvs\.[A-Za-z0-9_\-]{24,255}"), vague=True),
    _Shape("age key", "AGE-SECRET-KEY-1", re.compile(r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b")),
    _Shape("Telegram token", ":AA", re.compile(r"\b\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![A-Za-z0-9_\-])"), vague=True),
    _Shape("Azure key", "ccount", re.compile(r"(?i:AccountKey)=(?P<secret>[A-Za-z0-9+/]{60,120}={0,2})")),
    _Shape(
        "JSON web token",
        "eyJ",
        re.compile(r"\beyJ[A-Za-z0-9_\-]{8,4096}\.eyJ[A-Za-z0-9_\-]{8,8192}\.[A-Za-z0-9_\-]{8,4096}"),
    ),
    _Shape(
        "authorization header",
        "uthorization",
        re.compile(
            r"(?i:\bauthorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|token)\s{1,3})"
            r"(?P<secret>[A-Za-z0-9_\-.~+/=]{8,4096})"
        ),
        vague=True,
    ),
)  # fmt: skip
_IN_URL = re.compile(
    r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s/:@\"'<>]{0,100}:(?P<secret>[^\s/@\"'<>]{1,200})@"
)
_OF_CURL = re.compile(r"\s(?:-u|--user)[\s=]['\"]?[^\s:'\"]{1,100}:(?P<secret>[^\s'\"]{3,200})")

# `password = …`, `API_KEY: "…"`, `--token …`: a name that says so, and right behind it a value.
_PASSWORDS = r"password|passwd|passphrase|passwort|kennwort|contraseña|senha|пароль|密码|パスワード|pwd"
_KEYS = (
    r"secret|token|api[_\- ]?key|access[_\-]?key|private[_\-]?key|client[_\-]?secret|auth[_\-]?key|credential"
)
_NAMED = re.compile(
    rf"""(?x)
    (?:(?<![A-Za-z])|(?<=[a-z0-9])(?=[PSTAC]))
    (?P<name>(?P<password>(?i:{_PASSWORDS}))|(?i:{_KEYS}))s?
    (?i:[_\-][a-z0-9]{{1,20}})?["'`]?
    (?:(?P<sign>\s{{0,3}}(?:=|:=|=>)\s{{0,3}}|\s{{0,3}}[:：]\s{{1,3}}|:(?=["'])|：)|(?P<verb>\s(?:is|ist|lautet|es|est)\s{{1,3}}|\s(?=["'`])))
    (?P<quote>["'`]?)(?P<secret>[^\s"'`<>{{}}()\[\],;]{{6,200}})(?P<after>[(\["'`]?)
    """
)  # fmt: skip
_OPTION = re.compile(
    rf"\s--(?:[a-z]{{1,20}}-)?(?:(?P<password>{_PASSWORDS})|{_KEYS})[ =](?P<quote>[\"']?)(?P<secret>[^\s\"'`<>{{}}()\[\],;]{{6,200}})"
)
# One of these stands in every text, in small letters, in which something is named a secret.
_NAMES = (
    "pass", "pwd", "secret", "token", "key", "credential", "kennwort", "contraseña", "senha", "пароль", "密码", "パスワード",
)  # fmt: skip

# Placeholders, references and paths are no secrets, nor is the name of where one is kept.
_NO_SECRET = re.compile(
    r"(?i)^(?:[$%/~<{*#@&\[]|\.{1,2}/|[a-z]{2,10}://|env[.:]|vault[:/]|secrets?[./]|op://|x{3,}|\.{3,}|…|\d{4}-\d\d-\d\d)|"
    r"example|placeholder|change_?me|change-me|\byour[_\-]?|dummy|redacted|1password|bitwarden|keepass|lastpass|keychain|keyring"
)
_PLACEHOLDERS = frozenset(
    """
    password passwort passwd pass pwd passphrase secret token key user username none null true false string required
    optional undefined value foobar sample hidden masked unknown missing invalid
    """.split()  # noqa: SIM905 -- as in ranking.py
)
# What names an algorithm, a protocol or a version has figures, and is no secret for that.
_TERM = re.compile(
    r"(?i)(?:base|sha|md|rsa|aes|utf|oauth|oidc|http|ipv|argon|ed|curve|hs|rs|es|ps|k|s|v|x|p|ec|rfc|win|i|l|h)\d{1,5}"
    r"(?:[a-z]{0,3}|id)|\d+(?:[a-z]{1,3}|st|nd|rd|th|min|hours?|days?)?"
)
_WORD = re.compile(r"[a-z]+|[A-Z]+|[A-Z][a-z]+|[a-z]+(?:[A-Z][a-z]+)+|(?:[A-Z][a-z]+){2,}")
# `private_key: Ed25519PrivateKey`: what names itself so is a name.
_NAMES_ITSELF = re.compile("Key|Token|Secret|Credential")
_PARTS = re.compile(r"[_\-./:+=&?#@]+")


def find(text: str) -> list[Secret]:
    """Every secret in a text, in order; none within another."""
    found: list[Secret] = []
    end = 0
    for secret in sorted(_all(text), key=lambda each: (each.start, -each.end)):
        if secret.start >= end:
            found.append(secret)
            end = secret.end
    return found


def redact(text: str) -> Redacted:
    """The text with a marker in the place of each secret. What is redacted stays as it is when it is redacted again."""
    found = find(text)
    parts, end = [], 0
    for secret in found:
        parts += [text[end : secret.start], _MARKER.format(kind=secret.kind)]
        end = secret.end
    return Redacted("".join([*parts, text[end:]]), tuple(dict.fromkeys(secret.kind for secret in found)))


def redact_draft(draft: Draft) -> Draft:
    """The memory without its secrets, `redacted` saying what they were. Ids, scope and session are names, and stay."""
    told = f"{draft.attribute or draft.subject}: "
    bare = redact(told + draft.content) if " " not in draft.content else None
    if bare is not None and bare.kinds and bare.text.startswith(told):
        # Its attribute alone says what it is: `password`, `api key`.
        draft = replace(draft, content=bare.text.removeprefix(told), redacted=bare.kinds)
    texts = [draft.content, draft.subject, draft.attribute, draft.source, *draft.tags]
    if not find("\n".join(text for text in texts if text is not None)):
        return draft
    done = [None if text is None else redact(text) for text in texts]
    kinds = tuple(dict.fromkeys(kind for each in done if each is not None for kind in each.kinds))
    content, subject, attribute, source, *tags = [None if each is None else each.text for each in done]
    return replace(
        draft,
        content=content or draft.content,
        subject=subject,
        attribute=attribute,
        source=source,
        tags=tuple(tag for tag in tags if tag is not None),
        redacted=tuple(dict.fromkeys((*draft.redacted, *kinds))),
    )


def _all(text: str) -> Iterator[Secret]:
    for shape in _SHAPES:
        if shape.hint in text and shape.also in text:
            for match in shape.pattern.finditer(text):
                group = "secret" if "secret" in shape.pattern.groupindex else 0
                if not shape.vague or _drawn(match[group]):
                    yield Secret(shape.kind, *match.span(group))
    if "://" in text:
        yield from _given(_IN_URL, "password in a URL", text)
    if "curl" in text:
        yield from _given(_OF_CURL, "password", text)
    low = text.lower()
    if any(name in low for name in _NAMES):
        yield from _named(text)


def _given(pattern: re.Pattern[str], kind: str, text: str) -> Iterator[Secret]:
    """Where there is no doubt that a password is meant: all but placeholders."""
    for match in pattern.finditer(text):
        value = match["secret"]
        if value.lower() not in _PLACEHOLDERS and not _NO_SECRET.search(value):
            yield Secret(kind, *match.span("secret"))


def _named(text: str) -> Iterator[Secret]:
    for match in _NAMED.finditer(text):
        # `token = getToken(request)` and `key = keys["a"]` are code.
        if match["after"] in ("(", "["):
            continue
        assigned = match["name"].isupper() and match["sign"] == "="
        start, end = match.span("secret")
        end -= len(match["secret"]) - len(match["secret"].rstrip(".!?:"))
        if _made_up(text[start:end], password=bool(match["password"]), assigned=assigned):
            yield Secret("password" if match["password"] else "key or token", start, end)
    if " --" in text:
        for match in _OPTION.finditer(text):
            if _made_up(match["secret"], password=bool(match["password"]), assigned=False):
                yield Secret("password" if match["password"] else "key or token", *match.span("secret"))


def _made_up(value: str, *, password: bool, assigned: bool) -> bool:
    """Whether a value is one that a person or a machine made up to be secret, and no ordinary word. `assigned`: to a variable
    of the environment, where a password may be a word."""
    if len(value) < 6 or value.lower() in _PLACEHOLDERS or _NO_SECRET.search(value):
        return False
    if password and assigned:
        return True
    if _mostly_words(value):
        return False
    return password or (len(value) >= 10 and _drawn(value) and not _NAMES_ITSELF.search(value))


def _mostly_words(value: str) -> bool:
    """`config/settings-v2.yaml`, `X-API-Key`, `base64-encoded`, `getToken`: half of it is words, or all of it has a name."""
    parts = [part for part in _PARTS.split(value) if part]
    words = sum(len(part) for part in parts if _WORD.fullmatch(part))
    named = sum(len(part) for part in parts if _WORD.fullmatch(part) or _TERM.fullmatch(part))
    every = sum(map(len, parts))
    return named == every or (len(parts) > 1 and 2 * words > every)


def _drawn(value: str) -> bool:
    """Whether it looks drawn by lot: it has letters and figures, and few of them twice."""
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and not _NO_SECRET.search(value) and _bits(value) >= 2.8


def _bits(value: str) -> float:
    """Shannon's entropy of its characters, in bits a character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
