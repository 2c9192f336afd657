"""The settings: whether they can be read, whether those that hold are those of the file, and who else may write them."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from iai_daemon.doctor.finding import Finding, Mend, fail, ok, warn
from iai_daemon.doctor.patient import Patient

_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def look(patient: Patient) -> Iterator[Finding]:
    path = patient.home.config
    if patient.unset is not None:
        remedy = "mend that line; `iai-daemon config check` says whether it is right now"
        yield fail("config", str(patient.unset), remedy)
    elif not path.exists():
        yield ok("config", f"there is no {path}: the usual settings hold")
    else:
        yield ok("config", f"{path} is right")
    if path.exists() and path.stat().st_mode & _OTHERS_MAY_WRITE:
        mend = Mend(f"make {path} yours alone (0600)", lambda: path.chmod(0o600))
        yield warn(
            "config.private",
            f"others may write {path}, and it names programs that are run",
            f"chmod 600 {path}",
            mend,
        )
