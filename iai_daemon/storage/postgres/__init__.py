"""PostgreSQL as the engine. Only who has one pays for its driver, and is told how to get it: importing this raises DriverMissing."""

from __future__ import annotations

from iai_daemon.errors import DriverMissing

try:
    import psycopg  # noqa: F401 -- whether it is there is the question
except ImportError as cause:
    raise DriverMissing from cause
