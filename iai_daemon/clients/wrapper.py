"""Where the wrapper of this installation is; it is found, and never imported."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def wrapper_script() -> Path | None:
    """The file that clients are told to start; None where this installation has none."""
    found = importlib.util.find_spec("iai_wrapper")
    return Path(found.origin) if found and found.origin else None
