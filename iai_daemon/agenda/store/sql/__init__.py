"""The statements of the agenda, which all engines understand."""
