"""Recalls and slots: when which agent is woken, and what became of it."""
