"""What the agenda keeps, and how: the protocols, and their embedded engine."""
