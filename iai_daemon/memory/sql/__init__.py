"""What the engines share: the statements of the memory, which all of them understand."""
