"""iai-daemon: the night shift for coding agents' memory. Importing this package costs next to nothing."""

__version__ = "0.1.0"
