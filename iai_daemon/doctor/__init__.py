"""What is wrong here, and what mends it: `iai-daemon doctor`."""
