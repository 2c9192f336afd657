"""The daemon as a service of its user's: a systemd user unit on Linux, a launchd agent on macOS."""
