"""What words say: whether two notes say the same, and whether a newer one ends an older one. Pure; the passes ask."""
