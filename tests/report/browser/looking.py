"""What a browser saw: pages that note every request, error and refusal, and what axe says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

SIZES = {"phone": (360, 740), "tablet": (800, 600), "desk": (1440, 900)}
# Milliseconds.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)


@dataclass
class Seen:
    """One page, and what became of it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("request", lambda each: self.requests.append(each.url))
        self.page.on("requestfailed", self._note_failure)
        self.page.on(
            "response", lambda each: each.status >= 400 and self.failed.append(f"{each.url} {each.status}")
        )
        self.page.on("pageerror", lambda each: self.complaints.append(str(each)))
        self.page.on("console", self._note)

    def _note_failure(self, request: Any) -> None:
        """But what a page no longer waits for, because it is left."""
        if "ERR_ABORTED" not in (request.failure or ""):
            self.failed.append(f"{request.url} {request.failure}")

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def is_well(self) -> None:
        """Nothing failed, nothing was refused, and no script of somebody else's ran."""
        assert (self.complaints, self.failed) == ([], [])
        assert self.page.evaluate("window.ran") is None

    def axe(self) -> None:
        """No serious and no critical problem for people who use a keyboard or a screen reader."""
        found = Axe().run(self.page).response["violations"]
        serious = [
            (each["id"], each["help"], [node["target"] for node in each["nodes"]][:3])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious, serious

    def fits(self) -> None:
        """The page itself does not scroll sideways."""
        wide = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide[0] <= wide[1], wide

    def open_all(self) -> int:
        """Every <details>; how many there are."""
        return int(
            self.page.evaluate(
                "document.querySelectorAll('details').forEach(each => each.open = true), document.querySelectorAll('details').length"
            )
        )


class Browsing:
    """Opens pages, each in a profile of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    def open(self, address: str, *, size: str = "desk", theme: str = "light", scripts: bool = True) -> Seen:
        """The page at an address, once it is loaded."""
        return self.go(self.profile(size=size, theme=theme, scripts=scripts), address)

    def profile(self, *, size: str = "desk", theme: str = "light", scripts: bool = True) -> BrowserContext:
        width, height = SIZES[size]
        made = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=scripts,
            locale="en-GB",
        )
        self._contexts.append(made)
        return made

    def go(self, profile: BrowserContext, address: str) -> Seen:
        """Another page of one profile."""
        seen = Seen(profile.new_page())
        seen.watch()
        seen.page.goto(address)
        return seen

    def close_all(self) -> None:
        """All profiles, with their pages."""
        while self._contexts:
            self._contexts.pop().close()
