"""Settings read from TOML, and what is said about a mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomli_w

from iai_daemon import config
from iai_daemon.errors import BadConfig, IaiError
from iai_daemon.paths import Home
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


def test_what_is_written_reads_back_as_itself() -> None:
    settings = config.Settings(
        lifecycle=config.Lifecycle(inactive_for=NEVER, absent_for=0.25, max_load=1.5),
        consolidation=config.Consolidation(passes=("embed",)),
    )
    assert config.parse(tomli_w.dumps(config.plain(settings)), PATH) == settings


@pytest.mark.parametrize("key", list(config.keys()))
def test_every_setting_refuses_a_value_that_cannot_be_one(key: str) -> None:
    section, name = key.split(".")
    for value in (
        "[[]]",
        "-1",
        '"nonsense"',
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
        ('[consolidation]\npasses = ["forget"]\n', 'knows no "forget", only expire, supersede, embed'),
        ("[presence]\nwrappers_dirs = []\n", "presence.wrappers_dirs must name at least one directory"),
        ('[presence]\nwrappers_dirs = ["wrappers"]\n', 'each beginning with "{home}", "~/" or "/"'),
        ('lifecycle.tick = "1"\n', "line 1: lifecycle.tick"),
        ('[memory]\nstore = "mysql"\n', 'memory.store must be "sqlite"'),
        ("[lifecycle\n", "line 1, column"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_nearest_word(text: str, said: str) -> None:
    assert said in _refusal(text)


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


def test_plain_settings_are_what_toml_can_hold() -> None:
    plain = config.plain(config.Settings())
    assert tomllib.loads(tomli_w.dumps(plain)) == plain
