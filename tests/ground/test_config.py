"""Settings read from TOML, and what is said about a mistake."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import tomli_w

from iai_daemon import config
from iai_daemon.errors import BadConfig, IaiError
from iai_daemon.kinds import without_password
from iai_daemon.paths import Home
from iai_daemon.storage.where import address_of
from iai_daemon.units import NEVER

PATH = Path("/home/ada/.iai-daemon/config.toml")


def _refusal(text: str) -> str:
    with pytest.raises(BadConfig) as caught:
        config.parse(text, PATH)
    assert caught.value.exit_status == 78
    said = str(caught.value)
    assert said.startswith(str(PATH))
    assert "\n" not in said
    return said


def test_a_missing_file_means_the_defaults(home: Home) -> None:
    assert config.load(home) == config.Settings()


def test_an_empty_file_means_the_defaults(home: Home) -> None:
    home.config.write_text("")
    assert config.load(home) == config.Settings()


def test_a_file_of_any_readable_mode_is_accepted(home: Home) -> None:
    home.config.write_text('[lifecycle]\ntick = "10s"\n')
    home.config.chmod(0o444)
    assert config.load(home).lifecycle.tick == 10


def test_durations_sizes_and_never_are_read(home: Home) -> None:
    home.config.write_text('[lifecycle]\ninactive_for = "never"\n[log]\nmax_size = "64KiB"\n')
    settings = config.load(home)
    assert settings.lifecycle.inactive_for == NEVER
    assert settings.log.max_size == 65_536


@pytest.mark.parametrize("text", ["x = " + "[" * 3000, "x = " + "{a = " * 3000])
def test_what_is_nested_too_deeply_is_refused_in_a_sentence(text: str) -> None:
    assert "nested too deeply" in _refusal(text)


def test_what_is_written_reads_back_as_itself() -> None:
    settings = config.Settings(
        lifecycle=config.Lifecycle(inactive_for=NEVER, absent_for=0.25, max_load=1.5),
        consolidation=config.Consolidation(passes=("embed",)),
    )
    assert config.parse(tomli_w.dumps(config.plain(settings)), PATH) == settings


@pytest.mark.parametrize("key", list(config.keys()))
def test_every_setting_refuses_a_value_that_cannot_be_one(key: str) -> None:
    section, name = key.split(".")
    # Somebody else gives models and machines their names: what does not fit on a line is none.
    named = key in ("embedding.remote_model", "calendar.identifier")
    nonsense = r'"non\nsense"' if named else '"nonsense"'
    for value in (
        "[[]]",
        "-1.5" if key == "calendar.history" else "-1",
        nonsense,
        "1979-05-27",
        "{}",
        "nan",
        '"' + "9" * 400 + 'GB"',
        '"' + "9" * 400 + 'h"',
    ):
        text = f"[{section}]\n{name} = {value}\n"
        assert f"line 2: {key} " in _refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[lifecycle]\n\nidel_after = "5m"\n',
            'line 3: lifecycle.idel_after is no setting: did you mean "idle_after"?',
        ),
        ('[lifecycel]\ntick = "5m"\n', 'line 1: there is no [lifecycel]: did you mean "lifecycle"?'),
        ("[zzz]\n", "line 1: there is no [zzz]: there are presence, lifecycle"),
        ("presence = 3\n", "line 1: presence must be a section, [presence]"),
        ("[[presence]]\n", "line 1: presence must be a section, [presence]"),
        ("[lifecycle]\nidle_after = 300\n", 'must be a duration in quotes, such as "90s"'),
        ('[lifecycle]\nidle_after = "0s"\n', "lifecycle.idle_after must be at least 50ms"),
        ('[lifecycle]\ntick = "never"\n', 'lifecycle.tick cannot be "never"'),
        ("[consolidation]\nnaps = 1\n", "consolidation.naps must be true or false"),
        ('[consolidation]\npasses = ["expire", "expire"]\n', "consolidation.passes names something twice"),
        ('[consolidation]\npasses = ["forget"]\n', 'knows no pass "forget": there are expire, supersede, '),
        ("[presence]\nwrappers_dirs = []\n", "presence.wrappers_dirs must name at least one directory"),
        ('[presence]\nwrappers_dirs = ["wrappers"]\n', 'each beginning with "{home}", "~/" or "/"'),
        ('lifecycle.tick = "1"\n', "line 1: lifecycle.tick"),
        ('[memory]\nstore = "mysql"\n', 'memory.store must be "sqlite"'),
        (
            '[embedding]\nmodel = "word2vec"\n',
            'line 2: embedding.model must be "hash", "wordllama", "http", "none"',
        ),
        ('[embedding]\nmodel = "sentence-transformers: "\n', 'or "sentence-transformers:NAME"'),
        (
            '[embedding]\nmodel = "http"\n',
            'line 1: embedding.model is "http", so that url has to be set, too',
        ),
        ('[embedding]\nmodel = "http"\nurl = "http://[::1]/v1"\n', "so that remote_model has to be set, too"),
        (
            '[embedding]\nurl = "localhost:11434/v1"\n',
            'must be an address that begins with "http://" or "https://"',
        ),
        (
            '[embedding]\nurl = "file:///etc/passwd"\n',
            'must be an address that begins with "http://" or "https://"',
        ),
        ('[embedding]\nurl = "http://localhost:99999/"\n', 'must be an address that begins with "http://"'),
        (
            '[embedding]\nurl = "https://ada:pw@example.org/v1"\n',
            "embedding.url must not hold a user's name or a password",
        ),
        ('[embedding]\nurl = "https://example.org/v1?key=1"\n', "must end before what is added to it"),
        ('[embedding]\napi_key_env = "sk-1234"\n', "must be the name of an environment variable"),
        ('[embedding]\nexport_path = "vectors.npz"\n', 'must begin with "{home}", "~/" or "/"'),
        ("[lifecycle\n", "line 1, column"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_word(text: str, said: str) -> None:
    assert said in _refusal(text)


COMMAND = """
[consolidation]
naps = false

[[consolidation.commands]]
name = "graph"
argv = ["/usr/bin/tidy", "~/graph.jsonl"]

[[consolidation.commands]]
name = "wiki"
argv = ["tidy"]
timeout = "90s"
shares = true
every = "2h"
env = ["WIKI_TOKEN"]
"""


def test_commands_are_tables_and_read_back_as_themselves() -> None:
    settings = config.parse(COMMAND, PATH)
    graph, wiki = settings.consolidation.commands
    assert graph == config.Command("graph", ("/usr/bin/tidy", "~/graph.jsonl"), 600.0, False, 86400.0, ())
    assert wiki == config.Command("wiki", ("tidy",), 90.0, True, 7200.0, ("WIKI_TOKEN",))
    assert config.parse(tomli_w.dumps(config.plain(settings)), PATH) == settings
    assert settings.consolidation.pass_names[-2:] == ("command:graph", "command:wiki")


@pytest.mark.parametrize(
    ("before", "instead", "said"),
    [
        ('name = "wiki"', 'name = "graph"', 'line 10: [[consolidation.commands]] there is another one named "graph"'),
        ('name = "wiki"', 'nmae = "wiki"', 'line 10: [[consolidation.commands]] nmae is no setting: did you mean "name"?'),
        ('name = "wiki"\n', "", "line 9: [[consolidation.commands]] name is missing"),
        ('"wiki"', '"command:wiki"', "line 10: [[consolidation.commands]] name must be a short name"),
        ('["tidy"]', '"tidy"', "line 11: [[consolidation.commands]] argv must be a list of texts"),
        ('["tidy"]', "[]", "argv must be a list of texts"),
        ('["tidy"]', '["bin/tidy"]', 'argv must begin with a name that PATH leads to, or with a path from "/"'),
        ('["tidy"]', '["tidy", "a\\u0000b"]', "argv holds a text that no program can be given"),
        ('"90s"', "90", "line 12: [[consolidation.commands]] timeout must be a duration"),
        ('"90s"', '"never"', 'timeout cannot be "never"'),
        ("shares = true", 'shares = "yes"', "line 13: [[consolidation.commands]] shares must be true or false"),
        ('["WIKI_TOKEN"]', '{ WIKI_TOKEN = "x" }', "line 15: [[consolidation.commands]] env must be a list"),
        ("naps = false", "evry = 3", "line 3: consolidation.evry is no setting"),
        ("naps = false", "every = 3", "line 3: consolidation.every is no setting"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_command_is_named_with_its_line(before: str, instead: str, said: str) -> None:
    assert COMMAND.count(before) == 1
    assert said in _refusal(COMMAND.replace(before, instead))


@pytest.mark.parametrize("value", ["3", '["tidy"]', '{ name = "a" }', "[[]]"])
def test_commands_that_are_no_tables_are_refused(value: str) -> None:
    assert "line 2: consolidation.commands must be tables" in _refusal(
        f"[consolidation]\ncommands = {value}\n"
    )


def test_a_file_that_is_no_text_or_no_file_is_one_sentence(home: Home) -> None:
    home.config.write_bytes(b"\xff\xfe")
    with pytest.raises(IaiError, match="it is not UTF-8 text"):
        config.load(home)
    home.config.unlink()
    home.config.mkdir()
    with pytest.raises(IaiError, match="Is a directory"):
        config.load(home)


def test_the_wrappers_directories_are_below_the_home_or_where_they_say(home: Home) -> None:
    presence = config.Presence(wrappers_dirs=("{home}/wrappers", "~/other", "/absolute"))
    directories = config.Settings(presence=presence).wrappers_dirs(home)
    assert directories == (home.wrappers, Path.home() / "other", Path("/absolute"))


@pytest.mark.parametrize(
    "text",
    [
        "[lifecycle]\n{key} = 1\n",
        "[{key}]\n",
        "[agents.{key}]\nx = 1\n",
        "[[consolidation.commands]]\n{key} = 1\n",
    ],
)
def test_of_a_name_that_is_too_long_to_be_read_the_beginning_is_shown(text: str) -> None:
    said = _refusal(text.format(key="k" * 5000))
    assert "kkkk" in said
    assert "…" in said
    assert len(said) < 600


def test_plain_settings_are_what_toml_can_hold() -> None:
    plain = config.plain(config.Settings())
    assert tomllib.loads(tomli_w.dumps(plain)) == plain


# Where the memory is kept.

SECRET_ADDRESSES = [
    "postgresql://ada:xyzzy@db.example.org/memory",
    "postgres://ada:xyzzy@db:5432/memory",
    "postgresql://:xyzzy@/memory?host=/run/postgresql",
    "postgresql://ada:xy%40zzy@db/memory",
    "postgresql://ada:xyzzy?xyzzy@db/memory",
    "postgresql://ada:xyzzy/xyzzy@db/memory",
    "postgresql://ada:12xyzzy@db/memory",
    "postgresql://ada:1@xyzzy@db/memory",
    "postgresql://ada:xyzzy@db1:5432,db2:5433/memory",
    "postgresql://ada:xyzzy@[::1]:5432/memory",
    "postgresql://ada@db/memory?password=xyzzy",
    "postgresql://ada@db/memory?sslmode=require&password=xyzzy&connect_timeout=3",
    "postgresql://ada@db/memory?sslpassword=xyzzy",
    "postgresql://ada@db/memory?p%61ssword=xyzzy",
    "postgresql://ada:xyzzy@db/memory?password=xyzzy",
]
OPEN_ADDRESSES = [
    "sqlite",
    "postgresql://ada@db.example.org/memory",
    "postgresql://db:5432/memory",
    "postgresql://db:5432,other:5433/memory?application_name=ada@laptop",
    "postgresql://ada@db/memory?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem&passfile=/home/ada/.pgpass",
    "postgresql:///memory?service=shared",
    "postgresql://ada@[::1]/memory",
]


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_no_password_of_an_address_is_shown(address: str) -> None:
    settings = config.Settings(memory=config.Memory(store=address))
    assert "xyzzy" not in json.dumps(config.plain(settings))
    shown = without_password(address)
    assert shown != address
    assert "memory" in shown
    assert without_password(shown) == shown


@pytest.mark.parametrize("address", OPEN_ADDRESSES)
def test_an_address_without_a_password_is_shown_as_it_is(address: str) -> None:
    assert without_password(address) == address
    settings = config.parse(tomli_w.dumps({"memory": {"store": address}}), PATH)
    assert settings.memory.store == address
    assert settings.memory.engine == ("sqlite" if address == "sqlite" else "postgresql")


@pytest.mark.parametrize(
    "value", ["mysql://db/memory", "", "postgresql", "/var/lib/memory.db", "host=db dbname=memory", "SQLITE"]
)
def test_what_is_no_store_is_refused_without_being_repeated(value: str) -> None:
    said = _refusal(tomli_w.dumps({"memory": {"store": value}}))
    assert said.endswith(
        'memory.store must be "sqlite" or an address such as "postgresql://user@host/database".'
    )


def test_the_name_of_a_variable_makes_the_store_a_server() -> None:
    assert config.parse('[memory]\nstore_env = "IAI_STORE"\n', PATH).memory.engine == "postgresql"
    assert "must be the name of an environment variable" in _refusal(
        '[memory]\nstore_env = "postgresql://ada:xyzzy@db/memory"\n'
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
@pytest.mark.parametrize("address", [SECRET_ADDRESSES[0], SECRET_ADDRESSES[10]])
def test_an_address_with_a_password_is_taken_only_from_a_file_that_nobody_else_can_read(
    home: Home, address: str, mode: int
) -> None:
    home.config.write_text(f'[memory]\nstore = "{address}"\n')
    home.config.chmod(mode)
    with pytest.raises(BadConfig) as caught:
        address_of(home)
    assert "xyzzy" not in str(caught.value)
    assert f"chmod 600 {home.config}" in str(caught.value)
    home.config.chmod(0o600)
    assert address_of(home) == address


def test_an_address_without_one_may_be_read_by_everybody(home: Home) -> None:
    for address in OPEN_ADDRESSES:
        home.config.write_text(f'[memory]\nstore = "{address}"\n')
        home.config.chmod(0o644)
        assert address_of(home) == (None if address == "sqlite" else address)


def test_an_address_comes_from_the_variable_that_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes before what stands in the file, and the file may then be anybody's to read."""
    home.config.write_text('[memory]\nstore = "sqlite"\nstore_env = "IAI_STORE"\n')
    home.config.chmod(0o644)
    for value, problem in (
        (None, "the variable IAI_STORE is not set"),
        ("xyzzy", "IAI_STORE does not hold an address"),
    ):
        if value is not None:
            monkeypatch.setenv("IAI_STORE", value)
        with pytest.raises(BadConfig, match=problem) as caught:
            address_of(home)
        assert "xyzzy" not in str(caught.value)
    monkeypatch.setenv("IAI_STORE", SECRET_ADDRESSES[0])
    assert address_of(home) == SECRET_ADDRESSES[0]
    assert "xyzzy" not in json.dumps(config.plain(config.load(home)))


def test_the_settings_that_hold_go_before_those_in_the_file(home: Home) -> None:
    home.config.write_text("[memory]\nstore = 3\n")
    assert address_of(home, config.Memory()) is None
    assert address_of(home, config.Memory(store=OPEN_ADDRESSES[1])) == OPEN_ADDRESSES[1]
