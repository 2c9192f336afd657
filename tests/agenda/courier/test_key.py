"""The key: from the environment or from a file that is ours alone, and in nothing that is said."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from iai_daemon.agenda.slots.courier.answers import Kind, Trouble
from iai_daemon.agenda.slots.courier.key import Secrets, read_key
from iai_daemon.config import Calendar
from iai_daemon.paths import Home
from tests.agenda.courier.asking import KEY


def refusal(home: Home, environment: dict[str, str] | None = None, **settings: Any) -> str:
    with pytest.raises(Trouble) as caught:
        read_key(Calendar(url="https://calendar.example", **settings), home, environment or {})
    assert caught.value.kind is Kind.AUTH
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.fixture
def file(home: Home) -> Path:
    path = home.root / "key"
    path.write_text(KEY + "\n", encoding="ascii")
    path.chmod(0o600)
    return path


def test_without_a_setting_none_is_needed(home: Home) -> None:
    assert read_key(Calendar(), home, {"API_KEY": KEY}) is None


def test_it_is_read_from_the_environment(home: Home) -> None:
    assert read_key(Calendar(api_key_env="API_KEY"), home, {"API_KEY": f" {KEY}\n"}) == KEY


def test_it_is_read_from_a_file_and_a_new_one_counts_at_once(home: Home, file: Path) -> None:
    calendar = Calendar(api_key_file="{home}/key")
    assert read_key(calendar, home, {}) == KEY
    file.write_text("another", encoding="ascii")
    assert read_key(calendar, home, {}) == "another"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_file_may_be_ours_to_do_anything_with(home: Home, file: Path, mode: int) -> None:
    file.chmod(mode)
    assert read_key(Calendar(api_key_file=str(file)), home, {}) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_a_file_that_is_open_to_others_is_refused(home: Home, file: Path, mode: int) -> None:
    file.chmod(mode)
    said = refusal(home, api_key_file=str(file))
    assert said == f"the key's file {file} is open to others (`chmod 600 {file}` mends that)"


def test_a_file_of_somebody_else_is_refused(home: Home, file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12345, 12345)
    assert refusal(home, api_key_file=str(file)).endswith("belongs to another user")


def test_what_is_no_file_is_refused_without_waiting_for_it(home: Home, file: Path) -> None:
    file.unlink()
    assert refusal(home, api_key_file=str(file)).endswith("cannot be read (No such file or directory)")
    os.mkfifo(file, 0o600)
    assert refusal(home, api_key_file=str(file)).endswith("cannot be read (it is no file)")
    assert refusal(home, api_key_file=str(home.root)).endswith("cannot be read (Is a directory)")


@pytest.mark.parametrize("text", ["", " \n", "two\nlines", "kéy", "a\0b", "x" * 8193])
def test_what_cannot_be_a_key_is_refused_without_being_repeated(home: Home, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    said = refusal(home, api_key_file="{home}/key")
    assert said == "what {home}/key holds is no key: one line of ASCII characters is"
    assert refusal(home, {"API_KEY": text}, api_key_env="API_KEY").startswith("what API_KEY holds is no key")


def test_a_variable_that_is_not_set_is_named(home: Home) -> None:
    assert "environment variable API_KEY, which is not set" in refusal(home, api_key_env="API_KEY")


@pytest.mark.parametrize("text", ['a "b\\c/d', "a%20b"])
def test_a_secret_is_hidden_in_every_way_in_which_it_may_be_written(text: str) -> None:
    secrets = Secrets(text, None)
    said = f"1 {text} 2 {json.dumps(text)} 3 {quote(text)} 4 {quote(text, safe='')} 5"
    assert secrets.hide(said) == '1 … 2 "…" 3 … 4 … 5'


def test_a_key_that_is_a_word_is_hidden_where_something_went_wrong_and_is_no_reason_to_change_a_slot() -> (
    None
):
    secrets = Secrets("test")
    assert secrets.hide("it answers 400 (test is wrong)") == "it answers 400 (… is wrong)"
    assert not secrets.are_in("run the test")
    assert Secrets(KEY).are_in("x", f"is {KEY} right?")
