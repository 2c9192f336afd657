"""Not written yet."""

from __future__ import annotations

from collections.abc import Iterator

from iai_daemon.doctor.check import Finding
from iai_daemon.doctor.patient import Patient


def look(patient: Patient) -> Iterator[Finding]:
    yield from ()
