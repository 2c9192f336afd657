"""Servers that do not leave as one would wish, as scripts for `running.server`."""

from __future__ import annotations

DEAF = "import signal, os\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
# Each tells its own pid and that of its child, if it has one.
STUBBORN = DEAF + "print(os.getpid(), flush=True)\nwhile True: signal.pause()"
FORKING = (
    DEAF + "child = os.fork()\nif child: print(os.getpid(), child, flush=True)\nwhile True: signal.pause()"
)
LEAVING_A_CHILD = DEAF + (
    "child = os.fork()\nif child: print(os.getpid(), child, flush=True); os.read(0, 1)\nelse:\n  while True: signal.pause()"
)
LEAVING_A_SESSION = DEAF + (
    "child = os.fork()\nif child: print(os.getpid(), child, flush=True); os.read(0, 1)\n"
    "else:\n  os.setsid()\n  while True: signal.pause()"
)
LAST_WORDS = "import os, time\nprint(os.getpid(), flush=True)\nos.read(0, 1)\ntime.sleep(0.5)\nos.write(1, b'last words')"
# Leaves at the end of its input, as a server should.
POLITE = "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint(os.getpid(), flush=True)\nwhile os.read(0, 65536): pass"
# Does not look at its input, and obeys SIGTERM.
BUSY = "import os, signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nprint(os.getpid(), flush=True)\nwhile True: signal.pause()"
