"""What people and agents ask of the agenda, in their words: for the command line and the memory server."""
