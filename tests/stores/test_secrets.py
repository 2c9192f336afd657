"""Which texts hold a secret, what becomes of it, and what only speaks of secrets and stays. No value here was ever in use; those
with an issuer's shape are put together when the test runs, so that nobody's scanner finds one in this file."""

from __future__ import annotations

import random
import string
from dataclasses import replace

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.memory.record import Draft
from iai_daemon.memory.secrets import find, redact, redact_draft
from tests.fakes import LONG

_CHANCE = random.Random(7)  # noqa: S311 -- the same values in every run
_LOT = "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=400))
_UPPER = "".join(_CHANCE.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=80))
_HEX = "".join(_CHANCE.choices("0123456789abcdef", k=80))
_HEAD, _END = "-----BEGIN {}PRIVATE KEY-----", "-----END {}PRIVATE KEY-----"


def _key(kind: str) -> str:
    lines = "\n".join(_LOT[at : at + 64] for at in range(0, 256, 64))
    return f"{_HEAD.format(kind)}\n{lines}\n{_END.format(kind)}"


# Around each secret the words of a note; what stands between the two bars is the secret.
_SHAPED = [
    ("AWS access key", f"The CI user is |AKIA{_UPPER[:16]}| in eu-west-1."),
    ("GitHub token", f"Clone with |ghp_{_LOT[:36]}| as the user name."),
    ("GitHub token", f"It uses |github_pat_{_LOT[:22]}_{_LOT[22:81]}|."),
    ("GitLab token", f"export CI=|glpat-{_LOT[:20]}|"),
    ("Slack token", f"The bot posts as |xoxb-{_HEX[:11]}-{_LOT[:24]}|."),
    ("Slack webhook", f"Alerts go to https://hooks.slack.com/services/|T0{_UPPER[:7]}/B0{_UPPER[7:14]}/{_LOT[:24]}|"),
    ("Anthropic key", f"|sk-ant-api03-{_LOT[:93]}AA| is the evaluation key"),
    ("OpenAI key", f"|sk-proj-{_LOT[:48]}| is the evaluation key"),
    ("Google key", f"Maps: |AIza{_LOT[:35]}|, from the console."),
    ("Google token", f"ya29 tokens such as |ya29.{_LOT[:60]}| last an hour"),
    ("Stripe key", f"Payments in test mode: |sk_test_{_LOT[:24]}|"),
    ("npm token", f"//registry.npmjs.org/:_authToken=|npm_{_LOT[:36]}|"),
    ("PyPI token", f"twine upload -p |pypi-AgEIcHlwaS5vcmc{_LOT[:120]}|"),
    ("Hugging Face token", f"Log in with |hf_{_LOT[:34]}|."),
    ("SendGrid key", f"Mail: |SG.{_LOT[:22]}.{_LOT[22:65]}|"),
    ("DigitalOcean token", f"doctl auth init -t |dop_v1_{_HEX[:64]}|"),
    ("Databricks token", f"|dapi{_HEX[:32]}| for the warehouse"),
    ("age key", f"|AGE-SECRET-KEY-1{_UPPER[:58]}|"),
    ("Telegram token", f"The bot is |123456789:AA{_LOT[:33]}|."),
    ("Azure key", f"AccountName=x;AccountKey=|{_LOT[:86]}==|;EndpointSuffix=core"),
    ("JSON web token", f"Curl it with |eyJ{_LOT[:20]}.eyJ{_LOT[20:80]}.{_LOT[80:120]}|"),
    ("authorization header", f"curl -H 'Authorization: Bearer |{_LOT[:40]}|' https://api.example.org"),
    ("private key", f"Deploy key:\n|{_key('OPENSSH ')}|\nThat is all."),
    ("private key", f"|{_key('RSA ')}|"),
    ("private key", f"Cut off: |{_HEAD.format('EC ')}\n{_LOT[:120]}|"),
    ("password in a URL", "The db is postgres://app:|s3cr3t-Pw|@db.internal:5432/app, read only."),
    ("password in a URL", "redis://:|Zz9plural|@cache:6379/0 and nothing else"),
    ("password", "curl -s -u deploy:|Tr0ub4dor| https://ci.internal/api"),
]  # fmt: skip
_NAMED = [
    ("password", "The staging password is |hunter2|."),
    ("password", "Log in as admin, password: |Tr0ub4dor&3|"),
    ("password", "DB_PASSWORD=|supersecretword|"),
    ("password", '{"user": "ada", "password": "|Xy12zz!q|"}'),
    ("password", "dbPassword = '|x9KqP0aa|'"),
    ("password", "Das Passwort ist |Kaese42Brot|."),
    ("password", "mysql --password |Rt56!ghQ| --host db"),
    ("key or token", "API key: |9f8e7d6c5b4a39281706|"),
    ("key or token", f"client_secret=|{_LOT[:32]}|"),
    ("key or token", f"the api_key is `|{_HEX[:32]}|` on staging"),
    ("key or token", f"deploy --auth-token={'|' + _LOT[40:64] + '|'} --wait"),
    ("key or token", f"VAULT_TOKEN: '|{_LOT[60:86]}|'"),
]

_NO_SECRETS = [
    "The API token lives in 1Password under staging/api.",
    "Passwords are hashed with argon2id; the secret is read from vault:kv/app.",
    "The password is required and must have at least 12 characters.",
    "The token is refreshed every 15min by the worker.",
    "token = getToken(request)",
    "const apiKey = process.env.OPENAI_API_KEY;",
    'token = os.environ["GITHUB_TOKEN"]',
    "password: ${DB_PASSWORD}",
    "password = <your password>",
    "Set API_KEY=your_api_key_here in .env.",
    "postgres://user:password@localhost/app is what the README says.",
    "postgres://app:${PW}@db/app",
    "postgres://$USER:$PASS@db/app",
    "git@github.com:ada/engine.git is the remote; ssh://git@host:22/ada works too.",
    "http://localhost:3000/@scope/package answers",
    "The secret is to cache the tokenizer; tokens: 128000.",
    "secret_name: prod/db-creds-v2",
    "secretKeyRef: name: app-secrets, key: stripe-key",
    "token_endpoint=https://login.example.org/oauth2/v2.0/token",
    "The access key rotates every 90days; the private key is kept in the HSM.",
    "The password reset mail comes from noreply@example.org.",
    "The keyword argument is `key=itemgetter(1)`.",
    "Public keys such as ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2x9 belong in authorized_keys.",
    "The header is `-----BEGIN PRIVATE KEY-----`; check for it before a commit.",
    "Commit 3f786850e387550fdab836ed7e6dc881de23001b broke the token cache.",
    "The request id was 123e4567-e89b-12d3-a456-426614174000.",
    "sk-learn pipelines run after sk-image ones; see sk-some-very-long-name-of-a-branch-in-git.",
    "The image is sha256:" + _HEX[:64],
    "Authorization: Bearer $TOKEN, or Authorization: token required",
    "password_file=/run/secrets/db, token_path: ./config/token.json",
    "The token is valid until 2026-11-21T10:00:00Z.",
    "token: 2026-11-21T10:00:00Z is when it was made",
    "password is base64-encoded, the token is sha256-hashed, the secret: oauth2-proxy",
    "Tokens are counted with cl100k_base; max_tokens=4096.",
    "passes: expire, supersede, embed; key: subject+attribute",
    "The passport number field is called passport_no.",
    "Key: `ctrl+shift+p` opens the palette; secret menu with `cmd+k2`.",
    "hf_transfer speeds up downloads; npm_config_cache is set; gh_pages is the branch",
    "private_key: Ed25519PrivateKey | Ed448PrivateKey",
    "The credential helper is osxkeychain, credentials: git-credential-manager-core",
    "curl -u $USER:$PASSWORD https://ci.internal",
    "AKIA is how access key ids begin; ghp_ is how tokens do; eyJ is how a JWT does.",
    "Il token è nel portachiavi. Das Passwort ist im Tresor.",
]


@pytest.mark.parametrize(("kind", "marked"), [*_SHAPED, *_NAMED])
def test_a_secret_is_replaced_and_all_around_it_stays(kind: str, marked: str) -> None:
    before, secret, after = marked.split("|")
    done = redact(before + secret + after)
    assert done.text == f"{before}[secret: {kind}]{after}"
    assert done.kinds == (kind,)


@pytest.mark.parametrize("text", _NO_SECRETS)
def test_what_only_speaks_of_secrets_stays_as_it_is(text: str) -> None:
    assert redact(text) == type(redact(""))(text, ())


@pytest.mark.parametrize("text", [marked.replace("|", "") for _, marked in (*_SHAPED, *_NAMED)])
def test_what_is_redacted_stays_as_it_is_when_it_is_redacted_again(text: str) -> None:
    once = redact(text).text
    assert redact(once).text == once
    assert find(once) == []


def test_two_secrets_of_one_kind_are_told_once_and_both_go() -> None:
    text = f"AKIA{_UPPER[:16]} was replaced by AKIA{_UPPER[16:32]}; password: Tr0ub4dor&3"
    done = redact(text)
    assert done.kinds == ("AWS access key", "password")
    assert done.text.count("[secret: AWS access key]") == 2
    assert "AKIA" not in done.text


def test_every_text_of_a_memory_is_looked_at_and_its_names_stay() -> None:
    token = f"ghp_{_LOT[:36]}"
    told = Draft(
        f"Use {token}.",
        external_id=token,
        kind="fact",
        subject=f"token {token}",
        attribute=token,
        scope="/work",
        tags=("ci", token),
        source=f"https://ada:{token}@host",
    )
    done = redact_draft(told)
    marker = "[secret: GitHub token]"
    assert done == replace(
        told,
        content=f"Use {marker}.",
        subject=f"token {marker}",
        attribute=marker,
        tags=("ci", marker),
        source=f"https://ada:{marker}@host",
        redacted=("GitHub token",),
    )


@pytest.mark.parametrize(
    ("attribute", "content", "kept"),
    [
        ("password", "hunter2xyz", "[secret: password]"),
        ("api key", _HEX[:32], "[secret: key or token]"),
        ("password rule", "hunter2xyz", "hunter2xyz"),
        ("port", "hunter2xyz", "hunter2xyz"),
        ("password", "required", "required"),
        ("token", f"ghp_{_LOT[:36]}", "[secret: GitHub token]"),
    ],
)
def test_a_bare_value_is_a_secret_where_its_attribute_says_so(
    attribute: str, content: str, kept: str
) -> None:
    done = redact_draft(Draft(content, subject="staging", attribute=attribute))
    assert (done.content, done.attribute) == (kept, attribute)
    assert bool(done.redacted) == (kept != content)


def test_a_memory_without_secrets_is_the_same_memory() -> None:
    told = Draft("The staging API answers on port 8081.")
    assert redact_draft(told) is told


@pytest.mark.parametrize(
    "piece",
    ["a-", "password", "password: ", "eyJ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "://", "a://b:", "api_key_", "curl -u a:", "A", "=", " --token "],
)  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    """64 KiB of what makes a careless pattern start over at every place."""
    text = (piece * 65_536)[:65_536]
    watch = Stopwatch()
    redact(text)
    assert watch.seconds() < 2.0


def test_any_text_is_redacted_without_an_error_and_only_where_something_was_found() -> None:
    chance = random.Random(11)  # noqa: S311 -- the same texts in every run
    pieces = (
        [marked.replace("|", "") for _, marked in (*_SHAPED, *_NAMED)] + _NO_SECRETS + list("|=:@/\n\"'é密 ")
    )
    for _ in range(5000 if LONG else 300):
        text = "".join(
            each[chance.randrange(len(each)) :][: chance.randrange(1, 60)]
            for each in chance.choices(pieces, k=6)
        )
        found = find(text)
        kept, end = "", 0
        for each in found:
            assert end <= each.start < each.end <= len(text)
            kept, end = kept + text[end : each.start] + f"[secret: {each.kind}]", each.end
        assert redact(text).text == kept + text[end:]
