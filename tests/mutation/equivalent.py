"""Mutants that do exactly what the original does, so that no test can tell: by module, the change, and why."""

from __future__ import annotations

EQUIVALENT: dict[str, dict[str, str]] = {}
