"""What turns words into vectors, one file each. The consolidation worker, and who searches by vectors, loads the chosen one."""
