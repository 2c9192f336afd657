"""The command line: one file per noun, loaded on demand."""
