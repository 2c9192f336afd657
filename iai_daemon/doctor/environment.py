"""What the daemon hands on to the programs that it starts: a service has another environment than a terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping

import psutil

from iai_daemon.doctor.patient import Patient


def of_daemon(patient: Patient) -> Mapping[str, str]:
    """The environment that it was started with. Without a daemon, or where the system does not show it, ours."""
    try:
        return process.environ() if (process := patient.process) else os.environ
    except (psutil.Error, OSError):
        return os.environ
