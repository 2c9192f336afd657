"""Nights: what is done to the memory while nobody uses it, and how it is taken back."""
