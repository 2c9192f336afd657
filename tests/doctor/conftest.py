"""Daemons and wrappers as in the journeys: everything that is started is ended."""

from tests.journeys.conftest import start_daemon, start_wrapper

__all__ = ["start_daemon", "start_wrapper"]
