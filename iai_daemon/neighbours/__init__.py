"""Other hosts that share our memory: who is there, told and heard through the database."""
