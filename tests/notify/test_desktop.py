"""The command that shows a notification, word for word; test_herald runs it."""

from __future__ import annotations

import pytest

from iai_daemon.notify.desktop import KNOW_DESKTOP, LINUX, MACOS, Desktop, desktop_of, words


@pytest.mark.parametrize(
    ("platform", "desktop"), [("linux", LINUX), ("darwin", MACOS), ("freebsd14", LINUX), ("win32", LINUX)]
)
def test_macos_has_its_own_way_and_all_others_have_another(platform: str, desktop: Desktop) -> None:
    assert desktop_of(platform) is desktop


def test_a_desktop_knows_its_program_and_what_installs_it() -> None:
    assert (LINUX.program, LINUX.install) == (
        "notify-send",
        "install it (Debian and Ubuntu: libnotify-bin; Fedora and Arch: libnotify)",
    )
    assert (MACOS.program, MACOS.install) == (
        "osascript",
        "it comes with macOS: see that /usr/bin is in the daemon's PATH",
    )


def test_linux_is_told_in_markup_of_which_nothing_is_an_option() -> None:
    body = r"--help <b>a</b> & C:\new &lt;"
    assert words(LINUX, "--title <&", body) == [
        "--app-name=iai-daemon",
        "--",
        "--title <&",
        r"--help &lt;b&gt;a&lt;/b&gt; &amp; C:\\new &amp;lt;",
    ]


def test_macos_is_told_by_arguments_of_a_script() -> None:
    assert words(MACOS, 'a "title"', "--help <b> & \\") == [
        "-e",
        "on run argv",
        "-e",
        "display notification (item 2 of argv) with title (item 1 of argv)",
        "-e",
        "end run",
        'a "title"',
        "--help <b> & \\",
    ]


def test_a_notification_is_one_line_that_steers_nothing() -> None:
    assert words(MACOS, "a\nb\x1b[1m", "c\t\r\nd\0e")[-2:] == ["a b [1m", "c d e"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("t" * 80, "b" * 300), ("t" * 80, "b" * 300)),
        (("t" * 81, "b" * 301), ("t" * 79 + "…", "b" * 299 + "…")),
        (("", ""), ("", "")),
    ],
)
def test_a_title_has_80_characters_at_most_and_a_body_300(
    given: tuple[str, str], told: tuple[str, str]
) -> None:
    assert words(MACOS, *given)[-2:] == list(told)
    assert words(LINUX, *given)[-2:] == list(told)


def test_the_user_manager_learns_of_the_desktop_by_two_commands() -> None:
    assert KNOW_DESKTOP == (
        "`systemctl --user import-environment DISPLAY WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS`, then "
        "`iai-daemon restart`"
    )
