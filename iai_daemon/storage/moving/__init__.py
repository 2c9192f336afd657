"""A store as a whole from one engine to another: what there is, how each side reads and takes it, and the move itself."""
