"""PostgreSQL: its index of words, and what keeps its tables well."""

import iai_daemon.storage.postgres  # noqa: F401 -- asks for the driver first
