"""Programs of the user's that we start, for nights and for agents: each below a guard, so that nothing of them is left behind.

What both sides of the line to a guard know stands here: the daemon need not load what a guard does.
"""

# A guard's option: it tells on standard output which process it is and how the program ended.
TELL = "--tell"
# A program that a signal ended has this and its number for an exit status, as in a shell.
SIGNALLED = 128
