"""What the served page may load and run: its own styles and scripts by their hashes, and its own server."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

_STYLES = ("style.css", "live.css")
_SCRIPTS = ("page.js", "live.js")


def policy() -> str:
    """The Content-Security-Policy of the page (https://www.w3.org/TR/CSP3/)."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hashes(_STYLES)}",
            f"script-src {_hashes(_SCRIPTS)}",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hashes(names: tuple[str, ...]) -> str:
    """Of what stands between the tags: these files, to the last byte."""
    folder = files("iai_daemon.report").joinpath("static")
    digests = (hashlib.sha256(folder.joinpath(name).read_bytes()).digest() for name in names)
    return " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
