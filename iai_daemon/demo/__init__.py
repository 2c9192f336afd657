"""The demo: one evening in about two minutes, with real processes, in a home of its own."""
