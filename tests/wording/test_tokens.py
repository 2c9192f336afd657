"""Texts taken apart: each token with its key and its kind, as `key=kind`."""

from __future__ import annotations

import pytest

from iai_daemon.wording.tokens import tokens


def read(text: str) -> str:
    return " ".join(f"{token.key}={token.kind}" for token in tokens(text, 99))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(see the docs)", ",=break see=light the=stop doc=word ,=break"),
        ("[maybe]", ",=break mayb=word"),
        ('"Quoted," she said', "quot=word ,=break she=stop say=light"),
        ("*bold* ~struck~ |cell|", "bold=word struck=word cell=word"),
        ("_italic_ __init__ snake_", "italic=word init=word snake_=identifier"),
        ("“smart” ‘single’ «guillemets»", "smart=word singl=word guillemet=word"),
        (
            "call(x) f() run(fast) (f(x))",
            "call(x=identifier f=identifier run(fast=identifier ,=break f(x=identifier ,=break",
        ),
        ("foo(bar)baz", "foo=word bar=word baz=word"),
        ("<placeholder>", "placeholder=word"),
        ("(a, b)", ",=break a=stop ,=break b=word ,=break"),
        ("!x", "!x=word"),
        ("{x}", "x=word"),
        ("x}", "x=word"),
        ("x)]", "x=word ,=break"),
        ("(", ",=break"),
        ("...", ".=break"),
        ("?!", "?=break"),
    ],
)
def test_signs_around_a_word_are_no_part_of_it(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x -> y", "x=word →=break y=word"),
        ("x→y", "x=word →=break y=word"),
        ("x->y", "x=word →=break y=word"),
        ("x => y", "x=word →=break y=word"),
        ("x ⇒ y", "x=word →=break y=word"),
        ("x --> y", "x=word →=break y=word"),
        ("x - y – z — w", "x=word :=break y=word :=break z=word :=break w=word"),
        ("x -- y --- z", "x=word :=break y=word :=break z=word"),
        ("x • y · z | w", "x=word :=break y=word :=break z=word :=break w=word"),
        ("x / y * z", "x=word :=break y=word :=break z=word"),
        ("x→", "x=word →=break"),
    ],
)
def test_arrows_and_dashes_end_a_clause(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x & y", "x=word and=stop y=word"),
        ("x + y", "x=word and=stop y=word"),
        ("x = y", "x=word is=stop y=word"),
        ("x == y", "x=word is=stop y=word"),
        ("x < y", "x=word below=stop y=word"),
        ("x > y", "x=word above=stop y=word"),
        ("x ≤ y", "x=word ≤=stop y=word"),
        ("x ≥ y", "x=word ≥=stop y=word"),
        ("x <= y", "x=word ≤=stop y=word"),
        ("x >= y", "x=word ≥=stop y=word"),
    ],
)
def test_signs_of_arithmetic_are_words(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Use e.g. tape", "use=light e.g.=stop tape=word"),
        ("E.g. tape", "e.g.=stop tape=word"),
        ("tape i.e. glue", "tape=word i.e.=stop glue=word"),
        ("tape etc. too", "tape=word etc.=stop too=stop"),
        ("x vs. y", "x=word vs.=stop y=word"),
        ("cf. tape", "cf.=stop tape=word"),
        ("approx. 5", "approx.=stop 5=number"),
        ("z.b. Leim", "z.b.=stop leim=word"),
        ("bzw. Leim", "bzw.=stop leim=word"),
        ("incl. glue", "incl.=stop glue=word"),
        ("resp. glue", "resp.=stop glue=word"),
        ("ca. 5", "ca.=stop 5=number"),
        ("d.h. Leim", "d.h.=stop leim=word"),
    ],
)
def test_abbreviations_end_no_sentence(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x?", "x=word ?=break"),
        ("x.", "x=word .=break"),
        ("x!", "x=word .=break"),
        ("x…", "x=word .=break"),
        ("x;", "x=word ;=break"),
        ("x:", "x=word :=break"),
        ("x,", "x=word ,=break"),
        ("x)", "x=word ,=break"),
        ("x?!", "x=word ?=break"),
        ("x!,", "x=word .=break"),
        ("x.;", "x=word .=break"),
        ("x;:", "x=word ;=break"),
        ("x:,", "x=word :=break"),
        ("x,)", "x=word ,=break"),
        ("x.)", "x=word .=break"),
        (
            "Really? Yes! Wait… first; second: third, fourth.",
            "real=light ?=break yes=word .=break wait=word .=break first=word ;=break second=word :=break third=word ,=break fourth=word .=break",
        ),
    ],
)
def test_the_strongest_sign_behind_a_word_ends_the_clause(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("US us", "us=name us=stop"),
        ("IT it", "it=name it=stop"),
        ("USA Usa", "usa=name usa=word"),
        ("OrderService HTTPServer IDs", "orderservice=name httpserver=name id=word"),
        ("QA AIs", "qa=name ais=name"),
        ("ARE WHAT ABOUT", "are=name what=name about=stop"),
        ("ME So", "me=name so=stop"),
        ("ANd", "and=stop"),
    ],
)
def test_capitals_tell_names_from_words(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`make test --fast`, then", "make=identifier test=identifier --fast=flag ,=break then=stop"),
        ("`a, b;` runs.", "a=identifier b=identifier run=light .=break"),
        ("`x`", "x=identifier"),
        ("``", ""),
        ("`DATABASE_URL`? yes", "database_url=variable ?=break yes=word"),
        ("use`x`", "use=light x=identifier"),
        ("`use` the `run it`!", "use=identifier the=stop run=identifier it=identifier .=break"),
        ("`open code", "open=identifier code=word"),
        ("`a` `b c`", "a=identifier b=identifier c=identifier"),
        ("`is`", "is=identifier"),
        ("`5` s", "5=number s=stop"),
        ("`x`y", "x=identifier"),
        ("`,`", ""),
        ("`'s`", ""),
    ],
)
def test_between_backticks_all_is_literal(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("WORKERS=8", "workers=variable is=stop 8=number"),
        ("a.b=c", "a.b=variable is=stop c=word"),
        ("x=", "x==word"),
        ("100/min", "100=number per=stop min=word"),
        ("requests/s", "request=word per=stop s=stop"),
        ("calls/sec calls/second", "call=light per=stop sec=word call=light per=stop second=word"),
        ("calls/minute calls/h", "call=light per=stop minut=word call=light per=stop h=word"),
        ("calls/hour calls/day", "call=light per=stop hour=word call=light per=stop day=word"),
        ("calls/week calls/month", "call=light per=stop week=word call=light per=stop month=word"),
        ("calls/year", "calls/year=path"),
        ("and/or", "and/or=path"),
        ("client/server", "client/server=path"),
        ("1,000/h", "1,000=number per=stop h=word"),
        ("A=B=C", "a=variable is=stop b=variable is=stop c=word"),
        ("=x", "=x=word"),
    ],
)
def test_an_assignment_and_a_rate_are_read(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("don't", "do=stop not=word"),
        ("DON'T", "do=stop not=word"),
        ("can't", "can=light not=word"),
        ("won’t", "will=stop not=word"),
        ("cannot", "can=light not=word"),
        ("Cannot", "can=light not=word"),
        (
            "cant wont dont doesnt didnt isnt arent",
            "can=light not=word will=stop not=word do=stop not=word does=stop not=word did=stop not=word is=stop not=word are=stop not=word",
        ),
        ("shan't ain't", "shall=light not=word is=stop not=word"),
        ("let's y'all", "let=light us=stop you=stop"),
        ("user's users'", "user=word user=word"),
        ("isn't wasn't", "is=stop not=word was=stop not=word"),
        ("I'm they've you'll she'd we're", "i=stop they=stop you=stop she=stop we=stop"),
        ("O'Brien", "o=stop brien=word"),
        ("rock'n'roll", "rock=word n=word roll=word"),
        ("rock'n's", "rock=word n=word s=stop"),
        ("'tis", "tis=word"),
        ("n't an't", "n=word t=word an=stop t=word"),
        ("'", ""),
        ("x't", "x=word t=word"),
    ],
)
def test_contractions_and_possessives_are_taken_apart(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("long-running", "verbose=word run=light"),
        ("ingress-nginx", "ingress-nginx=identifier"),
        ("Server-Side", "server=word side=word"),
        ("well-known", "well=stop know=light"),
        ("x-y", "x-y=identifier"),
        (
            "foo-able foo-ible foo-less foo-ly",
            "foo=word able=light foo=word ible=word foo=word less=word foo=word ly=word",
        ),
        ("foo-ed foo-ing", "foo=word ed=word foo=word ing=word"),
        ("co-op", "co=word op=word"),
        ("foo-based", "foo=word base=word"),
        ("back-end front-end e-mail", "backend=word frontend=word email=word"),
        ("pull-request sign-off log-in", "pr=word approve=word login=word"),
        ("data-base", "db=word"),
        ("a-b-c", "a-b-c=identifier"),
        ("foo-7", "foo-7=identifier"),
        ("API-first", "api=name first=word"),
        ("Foo-Bar", "foo-bar=identifier"),
    ],
)
def test_hyphens_join_names_and_part_ordinary_words(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a*b:c^d", "a=stop b=word c=word d=stop"),
        ("größe ΩMEGA—naïve", "größ=word ωmega=name naïv=word"),
        ("日本語・入力", "日本語=word 入力=word"),
        ("foo+bar", "foo=word bar=word"),
        ("C++ C#", "c++=name c#=name"),
        ("c# x^", "c#=word x^=word"),
        ("a@b", "a=stop b=word"),
        ("x…y", "x=word y=word"),
        ("foo.Bar", "foo.bar=path"),
        ("foo,bar", "foo=word bar=word"),
        ("x;y", "x=word y=word"),
        ("É", "é=word"),
    ],
)
def test_other_signs_part_words(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("node.js", "node.js=path"),
        (".env", ".env=path"),
        ("./a", "./a=path"),
        ("../b", "../b=path"),
        ("~/x", "/x=path"),
        ("/etc/hosts", "/etc/hosts=path"),
        ("/", ":=break"),
        ("c:\\x", "c:\\x=path"),
        ("main.py", "main.py=path"),
        ("*.py", ".py=path"),
        ("main.py*", "main.py=path"),
        ("a/b", "a/b=path"),
        ("src/", "src/=path"),
        ("a.b.c", "a.b.c=path"),
        ("@scope/pkg", "@scope/pkg=channel"),
        ("x.tar.gz", "x.tar.gz=path"),
        ("foo.toolong", "foo.toolong=identifier"),
        ("README.md", "readme.md=path"),
        ("config.yaml", "config.yaml=path"),
    ],
)
def test_paths_are_known(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", "5=number"),
        ("0.5", "0.5=number"),
        ("9-17 9–17h", "9-17=number 9–17h=number"),
        ("10k", "10k=number"),
        ("1,000,000", "1,000,000=number"),
        ("1_000", "1_000=number"),
        ("~5 <5", "5=number 5=number"),
        ("+5 -5", "+5=number -5=number"),
        ("5+ ±5 ≤5", "5+=number ±5=number ≤5=number"),
        ("3rd 1st 2nd 5th", "3rd=number 1st=number 2nd=number 5th=number"),
        ("80% 5‰ 5µs", "80%=number 5‰=number 5µs=number"),
        ("5abcdefg", "5abcdefg=identifier"),
        ("5/day", "5=number per=stop day=word"),
        ("2024", "2024=number"),
    ],
)
def test_numbers_are_known(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1.2.3", "1.2.3=version"),
        ("v2", "v2=version"),
        ("v1.2-rc1", "v1.2-rc1=version"),
        ("1.x 1.*", "1.x=version 1=number .=break"),
        ("2.0rc1 2.0b1 2.0beta", "2.0rc1=version 2.0b1=version 2.0beta=version"),
        ("1.2.3+x", "1.2.3+x=version"),
        ("3:15pm", "3:15pm=clock"),
        ("5pm 5AM", "5pm=clock 5am=clock"),
        ("9:30 09:30:15", "9:30=clock 09:30:15=clock"),
        ("9:30–17:00", "9:30–17:00=clock"),
        ("2024-05", "2024-05=date"),
        ("2024-05-01", "2024-05-01=date"),
        ("2024-05-01T10:00Z", "2024-05-01t10:00z=date"),
        ("1.2.2024 5/6/24", "1.2.2024=date 5/6/24=date"),
        ("$5 5€ £1,000 ¥5", "$5=money 5€=money £1,000=money ¥5=money"),
        ("$1.5k $2M", "$1.5k=money $2m=money"),
    ],
)
def test_versions_clocks_dates_and_money_are_known(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abc1234", "abc1234=hash"),
        ("deadbeef", "deadbeef=word"),
        ("1234567", "1234567=number"),
        ("a1b2c3d ABCDEF1", "a1b2c3d=hash abcdef1=hash"),
        ("a1b2c3", "a1b2c3=identifier"),
        ("foo::bar", "foo::bar=identifier"),
        ("a:b", "a:b=identifier"),
        ("x_ _x", "x_=identifier x=word"),
        ("Foo_Bar", "foo_bar=identifier"),
        ("camelCase", "camelcase=identifier"),
        ("db1 1st-class", "db1=identifier 1st-class=identifier"),
        ("x86_64", "x86_64=identifier"),
        ("gpt-4o", "gpt-4o=identifier"),
        ("ci-base:3", "ci-base:3=identifier"),
        ("MAX_SIZE", "max_size=variable"),
        ("MAX_", "max_=identifier"),
        ("A_B", "a_b=variable"),
        ("max_SIZE", "max_size=identifier"),
        ("f(x,y)", "f(x,y=identifier"),
        ("_(x)", ",=break x=word ,=break"),
    ],
)
def test_identifiers_are_known(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#ops #Ops/x", "#ops=channel #ops/x=channel"),
        ("@ada", "@ada=channel"),
        ("@ada/b", "@ada/b=channel"),
        ("#5", "#5=word"),
        ("-v", "-v=flag"),
        ("--dry-run", "--dry-run=flag"),
        ("--dry-run=yes", "--dry-run=yes=flag"),
        ("-", ":=break"),
        ("user@host.de", "user@host.de=email"),
        ("a.b+c@x-y.co.uk", "a.b+c@x-y.co.uk=email"),
        ("user@host", "user=word host=word"),
        ("https://x.y/z?q=1", "https://x.y/z?q=1=url"),
        ("HTTP://X", "http://x=url"),
        ("ftp+x://a", "ftp+x://a=url"),
        ("x://a", "x=word a=stop"),
    ],
)
def test_channels_flags_and_addresses_are_known(text: str, found: str) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("K8s", "k8s=word"),
        ("Log-In", "login=word"),
        ("LogIn", "login=word"),
        ("docs/", "docs/=path"),
        ("pull-requests", "pull=word request=word"),
        ("JS", "js=word"),
        ("auth", "auth=word"),
        ("PR", "pr=word"),
    ],
)
def test_words_known_under_another_form_are_that_word(text: str, found: str) -> None:
    assert read(text) == found


def test_verbs_are_known_as_far_as_a_word_alone_can_tell() -> None:
    found = tokens(
        "walks walked deployment deployed is were must may was notes builds built release releases released running hosting never Runs table has business ordered tested test testing prefers wants",
        99,
    )

    assert [token.raw for token in found if token.verb] == [
        "walked",
        "deployed",
        "is",
        "were",
        "must",
        "may",
        "was",
        "released",
        "running",
        "never",
        "Runs",
        "has",
        "ordered",
        "prefers",
        "wants",
    ]


def test_what_begins_with_a_capital_is_known_unless_it_is_a_word_of_grammar() -> None:
    found = tokens("Ada ada API The the (Quoted) 5 Éva `Code` v2 DATABASE_URL", 99)
    assert [token.raw for token in found if token.capital] == [
        "Ada",
        "API",
        "Quoted",
        "Éva",
        "Code",
        "DATABASE_URL",
    ]


def test_a_token_keeps_how_it_was_written_and_that_in_lower_case() -> None:
    assert [(token.raw, token.low) for token in tokens("The API Runs, e.g. Daily!", 99)] == [
        ("The", "the"),
        ("API", "api"),
        ("Runs", "runs"),
        (",", ","),
        ("e.g.", "e.g."),
        ("Daily", "daily"),
        ("!", "!"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x\n- y", "x=word ;=break y=word"),
        ("x\n* y\n+ z\n• w", "x=word ;=break y=word ;=break z=word ;=break w=word"),
        ("x\n  1. y", "x=word ;=break y=word"),
        ("x\n12) y", "x=word ;=break y=word"),
        ("x\n\ny", "x=word ;=break y=word"),
        ("x\n \t\ny", "x=word ;=break y=word"),
        ("x\ny", "x=word y=word"),
        ("x\n-y", "x=word -y=flag"),
        ("x\ty  z", "x=word y=word z=word"),
    ],
)
def test_a_new_item_or_paragraph_ends_the_clause(text: str, found: str) -> None:
    assert read(text) == found


def test_no_more_runs_are_read_than_are_needed() -> None:
    assert len(tokens("x " * 9, 4)) == 4
    assert len(tokens("x, " * 9, 3)) == 4
    assert tokens("", 4) == []


def test_a_run_of_more_than_200_characters_is_kept_whole() -> None:
    assert read("ab,".ljust(200, "c")) != f"{'ab,'.ljust(200, 'c')}=identifier"
    assert read("Ab,".ljust(201, "c")) == f"{'ab,'.ljust(201, 'c')}=identifier"
    assert tokens("Ab,".ljust(201, "c"), 1)[0].raw == "Ab,".ljust(201, "c")


def test_code_of_more_than_200_characters_is_no_code() -> None:
    assert {token.kind for token in tokens(f"`{'to be ' * 33}`", 99)} == {"identifier"}
    assert "stop" in {token.kind for token in tokens(f"`{'to be ' * 34}`", 99)}
