"""The metrics file: whether it can be written, whether it is, and whether node_exporter would read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from iai_daemon.doctor.finding import Finding, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.units import say_duration

# In ticks. What is written at each is older than that only where it is not.
_OLD = 3


def look(patient: Patient) -> Iterator[Finding]:
    settings = patient.require_settings()
    path = settings.metrics_path(patient.home)
    if path is None:
        return
    if not path.parent.is_dir():
        remedy = f"make it, and let the daemon write there: `mkdir -p {path.parent}`; or set metrics.textfile to another file"
        yield fail("metrics", f"{path.parent} is no directory", remedy)
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        remedy = (
            f"let your user write in {path.parent} (a group for it), or set metrics.textfile to another file"
        )
        yield fail("metrics", f"{path.parent} cannot be written", remedy)
    else:
        yield _written(patient, path, settings.lifecycle.tick)
    if path.suffix != ".prom":
        yield warn(
            "metrics.name", f"node_exporter reads no {path.name}", "let metrics.textfile end with .prom"
        )


def _written(patient: Patient, path: Path, tick: float) -> Finding:
    if patient.status is None:
        return ok("metrics", f"a daemon would write {path}")
    try:
        age = patient.now.wall - path.stat().st_mtime
    except FileNotFoundError:
        return warn(
            "metrics", f"{path} has not been written yet", "`iai-daemon config reload`, then look again"
        )
    if age > _OLD * tick:
        return fail("metrics", f"{path} is {say_duration(age)} old", "`iai-daemon logs` tells why")
    return ok("metrics", f"{path} is written at each tick")
