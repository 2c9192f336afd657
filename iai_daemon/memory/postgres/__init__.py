"""PostgreSQL: its index of words, and what keeps its tables well."""
