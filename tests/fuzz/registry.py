"""Every target, by name: a new file in targets/ is one by having a TARGET."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz.target import Target


def names() -> list[str]:
    return sorted(path.stem for path in (Path(__file__).parent / "targets").glob("[a-z]*.py"))


def load(wanted: Iterable[str]) -> list[Target]:
    return [importlib.import_module(f"tests.fuzz.targets.{name}").TARGET for name in wanted]
