"""The address of a server in the settings, as commands set and show it."""

from __future__ import annotations

import stat

from iai_daemon.paths import Home
from tests.cli.calling import call

ADDRESS = "postgresql://ada:xyzzy@127.0.0.1:1/memory"


def test_a_password_that_was_set_is_not_shown_again_by_any_command(home: Home) -> None:
    for words in (
        ("config", "set", "memory.store", ADDRESS),
        ("config", "set", "memory.store", ADDRESS, "--json"),
        ("config", "set", "memory.store", ADDRESS.replace("postgresql", "mysql")),
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "check"),
        ("config", "reload"),
        ("status", "--json"),
        ("memory", "search", "anything"),
        ("memory", "scopes"),
        ("doctor",),
    ):
        done = call(home, *words)
        assert "xyzzy" not in done.stdout + done.stderr, (words, done)
    assert ADDRESS in home.config.read_text()
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


def test_an_address_in_the_settings_goes_to_nobody_where_others_could_read_it(home: Home) -> None:
    home.config.write_text(f'[memory]\nstore = "{ADDRESS}"\n')
    home.config.chmod(0o644)
    done = call(home, "memory", "search", "anything")
    assert (done.returncode, done.stdout) == (78, "")
    assert f"chmod 600 {home.config}" in done.stderr
    assert "xyzzy" not in done.stderr
