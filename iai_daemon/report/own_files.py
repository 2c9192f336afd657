"""The page's own styles and scripts: what they say, and the policy by which nothing but them is loaded or run."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files

# What a file has, and what a served page has besides.
_STYLES, _SCRIPTS = ("style.css",), ("page.js",)
_LIVE_STYLES, _LIVE_SCRIPTS = (*_STYLES, "live.css"), (*_SCRIPTS, "live.js")


def read(name: str) -> str:
    """The text of one of them, as it stands between its tags."""
    return files("iai_daemon.report").joinpath("static", name).read_text(encoding="utf-8")


@lru_cache(maxsize=2)
def policy(*, live: bool = False) -> str:
    """The Content-Security-Policy of a file, or of the served page, which may also ask its own server and stands in no frame
    (https://www.w3.org/TR/CSP3/)."""
    directives = [
        "default-src 'none'",
        f"style-src {_hashes(_LIVE_STYLES if live else _STYLES)}",
        f"script-src {_hashes(_LIVE_SCRIPTS if live else _SCRIPTS)}",
        "img-src data:",
        *(["connect-src 'self'"] if live else []),
        "base-uri 'none'",
        "form-action 'none'",
        *(["frame-ancestors 'none'"] if live else []),
    ]
    return "; ".join(directives)


def _hashes(names: tuple[str, ...]) -> str:
    digests = (hashlib.sha256(read(name).encode()).digest() for name in names)
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
