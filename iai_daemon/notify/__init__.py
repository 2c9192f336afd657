"""Tells who was asleep that a night is over: the desktop, and a program of the user's. docs/how-to/morning.md tells how."""
