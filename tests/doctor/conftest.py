"""Daemons, wrappers and clocks as in the journeys and the faults: everything that is started is ended."""

from tests.disk import tmp_path
from tests.faults.conftest import machine
from tests.journeys.conftest import start_daemon, start_wrapper

__all__ = ["machine", "start_daemon", "start_wrapper", "tmp_path"]
