"""The embedded engine: its index of words, and what keeps its file well."""
