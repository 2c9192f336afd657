"""WAKE, IDLE, BEDTIME: the table, the decision, the history."""
