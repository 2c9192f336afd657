"""Agents at work: what starting one amounts to, how it is started and followed, and what it may still use."""
