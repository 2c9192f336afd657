"""What is like what, among many: exact duplicates, the same words, the same direction. Only the worker comes here."""
