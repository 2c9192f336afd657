"""A `launchctl` for tests, written into a directory that PATH leads to: it answers as it is told to, and really starts the program.

Beside it: `agents/` what is loaded, by domain and label, with the pid; `calls` one line each; `answers.json` what to answer to a verb (or
to a verb and a domain) instead of doing it, one after the other: a number, or "hang".
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from iai_daemon.clock import Stopwatch, pause

SCRIPT = r"""#!{python}
import json, os, pathlib, plistlib, signal, subprocess, sys, time
here = pathlib.Path(__file__).parent
agents = here / "agents"
verb, words = sys.argv[1], sys.argv[2:]
domain = "/".join(words[0].split("/")[:2])
with (here / "calls").open("a") as calls:
    print(verb, *words, file=calls)
planned = json.loads((here / "answers.json").read_text())
for key in (verb + " " + domain.split("/")[0], verb):
    if planned.get(key):
        answer = planned[key].pop(0)
        (here / "answers.json").write_text(json.dumps(planned))
        if answer == "hang":
            # As the real one may: what it has started holds its pipes.
            below = subprocess.Popen(["sleep", "1000"])
            (here / "hanging").write_text("%d %d" % (os.getpid(), below.pid))
            time.sleep(1000)
        if answer:
            print("%s failed: %d: as planned" % (verb.capitalize(), answer), file=sys.stderr)
            sys.exit(answer)
        break

def agent(target):
    return agents / target.replace("/", "-")

def start(plist, target):
    told = plistlib.loads(pathlib.Path(plist).read_bytes())
    out = open(told["StandardErrorPath"], "ab")
    process = subprocess.Popen(told["ProgramArguments"], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                               start_new_session=True, env=dict(os.environ, XPC_SERVICE_NAME=told["Label"]))
    agent(target).write_text(json.dumps([process.pid, plist]))

if verb == "bootstrap":
    label = plistlib.loads(pathlib.Path(words[1]).read_bytes())["Label"]
    target = words[0] + "/" + label
    if agent(target).exists():
        print("Bootstrap failed: 5: Input/output error", file=sys.stderr)
        sys.exit(5)
    start(words[1], target)
elif verb in ("bootout", "print", "kickstart"):
    if not agent(words[-1]).exists():
        print("Could not find service in domain", file=sys.stderr)
        sys.exit(113)
    pid, plist = json.loads(agent(words[-1]).read_text())
    if verb == "print":
        print(words[-1], "= {{")
        print("\tstate = running")
        print("\tpid = %d" % pid)
        print("}}")
    elif verb == "bootout":
        try:
            os.kill(pid, signal.SIGTERM)
            while True:
                os.kill(pid, 0)
                state = pathlib.Path("/proc/%d/stat" % pid).read_text().rsplit(")")[-1].split()[0]
                if state == "Z":
                    break
                time.sleep(0.02)
        except (ProcessLookupError, FileNotFoundError):
            pass
        agent(words[-1]).unlink()
"""


class FakeLaunchctl:
    """`answers`: see above. `environment` is for a Launchd that is to use it."""

    def __init__(self, folder: Path, answers: Mapping[str, Sequence[int | str]]) -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "agents").mkdir()
        program = folder / "launchctl"
        program.write_text(SCRIPT.format(python=sys.executable))
        program.chmod(0o700)
        (folder / "answers.json").write_text(json.dumps(answers))
        self.environment = {**os.environ, "PATH": f"{folder}:/usr/bin:/bin"}

    @property
    def calls(self) -> list[str]:
        """`bootstrap gui/0 …`, in their order; questions left out."""
        path = self._folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if not line.startswith(("print", "enable"))]

    @property
    def loaded(self) -> list[str]:
        return sorted(path.name for path in (self._folder / "agents").iterdir())

    def left_hanging(self) -> list[int]:
        """Of what was told to hang, and of what that has started, those that have not ended in a moment."""
        watch = Stopwatch()
        pids = [int(each) for each in (self._folder / "hanging").read_text().split()]
        while (left := [pid for pid in pids if _works(pid)]) and watch.seconds() < 5:
            pause(0.01)
        return left

    def end_all(self) -> None:
        """Whatever it has started and still runs."""
        for path in (self._folder / "agents").iterdir():
            pid = json.loads(path.read_text())[0]
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            watch = Stopwatch()
            while _works(pid) and watch.seconds() < 10:
                pause(0.01)


def _works(pid: int) -> bool:
    """Whether it is there, and is no zombie that only nobody has asked after."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
