"""The checks, a file for each noun; each has a `look` that yields what it finds."""
