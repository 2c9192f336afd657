"""The memory: records, how they are kept, found and ranked."""
