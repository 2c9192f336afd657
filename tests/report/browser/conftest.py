"""A real Chromium, where there is one: one process for each file of tests, a profile of its own for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing

import pytest

from iai_daemon.paths import Home
from tests.report.browser.home import live_in
from tests.report.served import Served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from tests.report.browser.looking import Browsing  # noqa: E402 -- it needs playwright

_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browsing() -> Iterator[Browsing]:
    """For one file of tests: while it is there no loop can run in this process, so no other file may need one."""
    if _CHROMIUM is None:
        pytest.skip("there is no chromium, chromium-browser or google-chrome")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=_CHROMIUM, chromium_sandbox=os.geteuid() != 0, args=_ARGUMENTS
        )
        with closing(browser):
            yield Browsing(browser)


@pytest.fixture(autouse=True)
def _no_page_stays_open(browsing: Browsing) -> Iterator[None]:
    yield
    browsing.close_all()


@pytest.fixture
def lived_in(home: Home) -> Home:
    """A home after three nights, in which somebody has told memories of all kinds, scripts among them."""
    return live_in(home)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Such a home, served to tests that change nothing."""
    home = Home(tmp_path_factory.mktemp("there") / "home")
    home.create()
    served = Served(live_in(home))
    yield served
    served.stop()
