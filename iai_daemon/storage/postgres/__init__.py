"""PostgreSQL as the engine. Only who has one pays for its driver."""
