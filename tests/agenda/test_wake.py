"""Waking real programs: whatever they do, `wake` comes back in time, and nothing of them is left.

All of this holds below a user manager, too: test_wake_systemd.py runs this file there.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.line import Identity
from iai_daemon.agenda.waking.wake import Ended, SystemWaker
from iai_daemon.clock import Stopwatch, pause
from tests.journeys.real import until

# Names where the user manager is that agents are to be woken through.
MANAGER = "TESTS_USER_MANAGER"
NO_MANAGER = "/nonexistent"
GRACE = 0.4
# What `wake` may take beyond the time limit.
AT_MOST = GRACE + 2.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands over what was orphaned")

IGNORES = "import os, signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
# `tell(NAME)` makes a file, whole, that says which process it is.
TELLS = """
def tell(name):
    with open(sys.argv[1] + "/." + name, "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + "/." + name, sys.argv[1] + "/" + name)
"""


@pytest.fixture
def waker() -> Iterator[SystemWaker]:
    waker = SystemWaker({"XDG_RUNTIME_DIR": os.environ.get(MANAGER, NO_MANAGER)}, GRACE)
    yield waker
    assert ("systemd" in waker.describe()) == (MANAGER in os.environ), "it went the other way"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Handed to each program, so that what is left of it can be found by it."""
    yield tmp_path
    assert left(tmp_path) == [], "something of the program is left"


def left(folder: Path) -> list[int]:
    """The processes that have this folder for an argument."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "status"])
        if process.info["status"] != psutil.STATUS_ZOMBIE and str(folder) in (process.info["cmdline"] or ())
    ]


def python(folder: Path, script: str, timeout: float = 20.0) -> Call:
    argv = (sys.executable, "-I", "-S", "-c", script, str(folder))
    return Call("helper", argv, folder, {"PATH": "/usr/bin:/bin", "TOKEN": "t0ken"}, timeout)


def wake(
    waker: SystemWaker, call: Call, began: Callable[[Identity], None] = lambda _: None
) -> tuple[Ended, float]:
    """How it ended, and after how many seconds."""
    watch = Stopwatch()
    ended = asyncio.run(waker.wake(call, began))
    return ended, watch.seconds()


def test_what_succeeds_has_no_problem_and_its_last_words_are_kept(waker: SystemWaker, folder: Path) -> None:
    script = "import sys; print('one'); sys.stdout.flush(); print('two', file=sys.stderr); print('ärger')"
    ended, seconds = wake(waker, python(folder, script))
    assert (ended.exit_status, ended.problem, ended.started) == (0, None, True)
    assert ended.output == "one\ntwo\närger\n"
    assert 0 < ended.seconds <= seconds


@pytest.mark.parametrize(
    ("script", "status", "problem"),
    [
        ("raise SystemExit(3)", 3, "exit status 3"),
        ("raise SystemExit(127)", 127, "exit status 127"),
        ("import os; os.kill(os.getpid(), 11)", 139, "it was ended by SIGSEGV"),
        ("import os; os.kill(os.getpid(), 9)", 137, "it was ended by SIGKILL"),
    ],
)
def test_how_it_ended_is_told(
    waker: SystemWaker, folder: Path, script: str, status: int, problem: str
) -> None:
    ended, _ = wake(waker, python(folder, script))
    assert (ended.exit_status, ended.problem, ended.started) == (status, problem, True)


def test_what_cannot_be_started_is_known_never_to_have_run(waker: SystemWaker, folder: Path) -> None:
    broken = folder / "broken"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o755)
    for argv, cwd, why in (
        ((str(broken),), folder, "No such file or directory"),
        (("/usr/bin/env",), folder / "gone", "No such file or directory"),
        ((str(folder),), folder, "Permission denied"),
        (("/usr/bin/env", "x" * 200_000), folder, "Argument list too long"),
    ):
        ended, _ = wake(waker, Call("helper", argv, cwd, {}, 20.0))
        assert ended.problem == f"{argv[0]} cannot be started ({why})"
        assert (ended.exit_status, ended.started, ended.output) == (None, False, "")


def test_it_is_told_before_the_start_which_process_everything_will_come_from(
    waker: SystemWaker, folder: Path
) -> None:
    seen: list[tuple[Identity, bool]] = []
    script = """
import os, sys
open(sys.argv[1] + "/began", "w")
pid = os.getppid()
print(pid, open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[19] if sys.platform == "linux" else None)
"""
    ended, _ = wake(
        waker,
        python(folder, script),
        lambda identity: seen.append((identity, (folder / "began").exists())),
    )
    ((identity, ran),) = seen
    assert not ran
    assert ended.output.split() == [str(each) for each in identity]


def test_it_gets_the_environment_it_was_called_with_nothing_to_read_and_the_arguments_as_they_are(
    waker: SystemWaker, folder: Path
) -> None:
    strange = "a b\n'c' \"d\" $HOME %n {x} \udcff ü"
    environment = {"PATH": "/usr/bin:/bin", "ODD": "a=b\nc"}
    ended, _ = wake(waker, Call("helper", ("/usr/bin/env",), folder, environment, 20.0))
    assert ended.output == "PATH=/usr/bin:/bin\nODD=a=b\nc\n"
    script = "import os, sys; print([os.fsencode(sys.argv[2]), sys.stdin.read(), os.getcwd()])"
    call = python(folder, script)
    ended, _ = wake(waker, Call("helper", (*call.argv, strange), folder, {"LC_ALL": "C.UTF-8"}, 20.0))
    assert ended.output.strip() == repr([os.fsencode(strange), "", str(folder)])


def test_of_gigabytes_only_the_end_is_kept(waker: SystemWaker, folder: Path) -> None:
    script = """
import os, sys
for _ in range(300):
    os.write(1, b"x" * 1_000_000)
os.write(2, b"\\xff the end")
"""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended, _ = wake(waker, python(folder, script))
    assert ended.problem is None
    assert len(ended.output) == 4096
    assert ended.output.endswith("x� the end")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_what_closes_its_output_is_waited_for(waker: SystemWaker, folder: Path) -> None:
    script = "import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(4)"
    ended, _ = wake(waker, python(folder, script))
    assert ended.exit_status == 4
    assert ended.seconds >= 0.3


FAMILY = f"""{IGNORES}{TELLS}
def leave():
    tell("left")
    while True: time.sleep(60)
if not os.fork():
    os.setsid()
    if not os.fork():
        os.setpgid(0, 0)
        leave()
    os._exit(0)
while not os.path.exists(sys.argv[1] + "/left"): time.sleep(0.01)
"""


@linux
def test_what_it_leaves_behind_ends_with_it_though_it_holds_the_pipes_and_has_left_session_and_group(
    waker: SystemWaker, folder: Path
) -> None:
    ended, seconds = wake(waker, python(folder, FAMILY + "print('done')"))
    assert (ended.problem, ended.output) == (None, "done\n")
    assert seconds < AT_MOST


@linux
def test_its_time_is_over_and_all_of_it_ends_though_it_does_not_listen(
    waker: SystemWaker, folder: Path
) -> None:
    ended, _ = wake(waker, python(folder, FAMILY + "while True: time.sleep(60)", timeout=0.5))
    assert ended.problem == "it was ended after 0 s, its time limit"
    assert (ended.exit_status, ended.started) == (137, True)
    assert 0.5 + GRACE <= ended.seconds < 0.5 + AT_MOST


def test_it_is_asked_first_and_may_end_by_itself(waker: SystemWaker, folder: Path) -> None:
    script = """
import signal, sys, time
def end(*_):
    print("goodbye"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True: time.sleep(60)
"""
    ended, _ = wake(waker, python(folder, script, timeout=0.6))
    assert (ended.output, ended.exit_status) == ("ready\ngoodbye\n", 0)
    assert ended.problem == "it was ended after 1 s, its time limit"


# One after another, each of which lives for a moment: what it writes tells of them, a look at the process table would miss them.
CHAIN = f"""{IGNORES}
alive = os.open(sys.argv[1] + "/alive", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
if not os.fork():
    os.setsid()
    while True:
        if os.fork(): os._exit(0)
        os.write(alive, b".")
time.sleep(60)
"""


@linux
def test_a_chain_of_processes_that_never_stands_still_is_ended(waker: SystemWaker, folder: Path) -> None:
    ended, _ = wake(waker, python(folder, CHAIN, timeout=0.5))
    assert "time limit" in str(ended.problem)
    assert ended.seconds < 0.5 + AT_MOST
    length = (folder / "alive").stat().st_size
    assert length > 10
    pause(0.1)
    assert (folder / "alive").stat().st_size == length


@linux
def test_hundreds_of_processes_are_ended(waker: SystemWaker, folder: Path) -> None:
    script = f"{IGNORES}\nfor _ in range(300):\n    if not os.fork():\n        os.setsid(); time.sleep(600)\nprint('all')"
    ended, _ = wake(waker, python(folder, script))
    assert (ended.problem, ended.output) == (None, "all\n")


@linux
def test_when_it_is_cancelled_all_of_it_has_ended_before_that_is_told(
    waker: SystemWaker, folder: Path
) -> None:
    async def cancel_it() -> float:
        call = python(folder, FAMILY + "tell('begun')\nwhile True: time.sleep(60)")
        task = asyncio.create_task(waker.wake(call, lambda _: None))
        await asyncio.to_thread(until, (folder / "begun").exists)
        watch = Stopwatch()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert left(folder) == []
        return watch.seconds()

    assert asyncio.run(cancel_it()) < AT_MOST


@linux
def test_a_recorder_that_fails_keeps_the_program_from_being_started(waker: SystemWaker, folder: Path) -> None:
    def fail(_: Identity) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        wake(waker, python(folder, "import sys; open(sys.argv[1] + '/ran', 'w')"), fail)
    assert not (folder / "ran").exists()


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_guard_that_is_ended_takes_the_program_along_and_it_is_told(
    waker: SystemWaker, folder: Path, number: signal.Signals
) -> None:
    # Who is killed sweeps nothing up: then the kernel ends the program, and a manager all of its unit.
    script = FAMILY if number == signal.SIGTERM or MANAGER in os.environ else IGNORES
    script += f"os.kill(os.getppid(), {int(number)})\nwhile True: time.sleep(60)"
    ended, seconds = wake(waker, python(folder, script))
    assert ended.problem in ("its guard was ended by somebody", "it was ended by SIGKILL")
    assert ended.started
    assert seconds < AT_MOST


@linux
def test_a_guard_that_is_stopped_by_the_program_keeps_nobody_waiting(
    waker: SystemWaker, folder: Path
) -> None:
    script = f"{IGNORES}os.kill(os.getppid(), signal.SIGSTOP)\nwhile True: time.sleep(60)"
    ended, _ = wake(waker, python(folder, script, timeout=0.3))
    assert "time limit" in str(ended.problem)
    assert ended.seconds < 0.3 + AT_MOST
    until(lambda: left(folder) == [])


# Stands in for the daemon, with surroundings that are nobody's business; the first argument says what it does to itself.
ODD = """
import asyncio, os, resource, signal, sys
from pathlib import Path
from iai_daemon.agenda.waking.call import Call
from iai_daemon.agenda.waking.wake import SystemWaker
script, folder, runtime = sys.argv[1:]
waker = SystemWaker({"XDG_RUNTIME_DIR": runtime}, 0.4)
os.nice(5)
os.umask(0o077)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 100, hard))
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM])
for _ in range(3):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
if sys.platform == "linux":
    open("/proc/self/oom_score_adj", "w").write("300")
call = Call("helper", (sys.executable, "-I", "-S", "-c", script, folder), Path(folder), {"LC_ALL": "C.UTF-8"}, 20.0)
print(asyncio.run(waker.wake(call, lambda _: None)).output)
"""
LOOKS = """
import json, os, resource, sys
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps({
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "umask": status["Umask"],
    "blocked": int(status["SigBlk"], 16),
    # Python itself ignores SIGPIPE and SIGXFSZ.
    "ignored": int(status["SigIgn"], 16) & ~(1 << 12 | 1 << 24),
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    "open": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:-1],
    "oom": open("/proc/self/oom_score_adj").read().strip(),
    "policy": os.sched_getscheduler(0),
    "group": os.getpgid(0) == os.getpid(),
    "terminal": open("/proc/self/stat").read().rpartition(")")[2].split()[4],
    "environment": sorted(os.environ),
}))
"""


def odd_daemon(folder: Path, script: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", ODD, script, str(folder), os.environ.get(MANAGER, NO_MANAGER)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


@linux
def test_nothing_of_our_priority_limits_descriptors_and_signals_is_inherited(folder: Path) -> None:
    with odd_daemon(folder, LOOKS) as process:
        out, _ = process.communicate(timeout=30)
    seen = json.loads(out)
    managed = MANAGER in os.environ
    if managed:
        assert seen["nice"] == os.getpriority(os.PRIO_PROCESS, 0), (
            "as the manager, which was started beside us"
        )
    elif os.geteuid() == 0:
        assert seen["nice"] == 0, "who is not root may not take a higher priority again"
    # Signals 32 and 33 are the C library's own: it lets nobody set what becomes of them.
    ignored = seen["ignored"] & ~(0b11 << 31)
    assert (seen["umask"], seen["blocked"], ignored) == ("0022", 0, 0)
    assert managed or seen["nofile"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert seen["open"] == [0, 1, 2]
    assert managed or seen["oom"] == "0"
    assert seen["policy"] == os.SCHED_OTHER
    assert seen["group"]
    assert seen["terminal"] == "0"
    assert seen["environment"] == ["LC_ALL"]


@linux
def test_sigpipe_ends_the_program_as_it_would_in_a_shell(waker: SystemWaker, folder: Path) -> None:
    call = Call("helper", ("/bin/sh", "-c", "kill -PIPE $$; echo no"), folder, {}, 20.0)
    ended, _ = wake(waker, call)
    assert (ended.problem, ended.output) == ("it was ended by SIGPIPE", "")


@linux
def test_a_daemon_that_is_killed_leaves_nothing_of_its_agents(folder: Path) -> None:
    with odd_daemon(folder, FAMILY + "tell('begun')\nwhile True: time.sleep(60)") as process:
        until((folder / "begun").exists)
        process.kill()
        process.wait()
    until(lambda: left(folder) == [])


@linux
def test_what_is_given_to_a_program_stands_in_no_argument_list(waker: SystemWaker, folder: Path) -> None:
    seen: list[str] = []

    def began(_: Identity) -> None:
        """The guard is there, and whoever started it."""
        others = [each for each in psutil.process_iter(["cmdline"]) if each.pid != os.getpid()]
        seen.extend(" ".join(each.info["cmdline"] or ()) for each in others)

    script = "import os; print(os.environ['TOKEN'])"
    ended, _ = wake(waker, python(folder, script), began)
    assert ended.output == "t0ken\n"
    assert any("guard.py" in each for each in seen)
    assert not any("t0ken" in each for each in seen)


@linux
def test_without_a_user_manager_that_answers_it_is_a_child_of_ours(folder: Path) -> None:
    (folder / "systemd").mkdir()
    # A socket that nobody listens at; its whole path would be too long for one.
    script = "import socket; socket.socket(socket.AF_UNIX).bind('systemd/private')"
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    waker = SystemWaker(
        {"XDG_RUNTIME_DIR": str(folder), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus"}, GRACE
    )
    ended, _ = wake(waker, python(folder, "import os; print(os.getppid())"))
    assert ended.problem is None
    assert "children of the daemon" in waker.describe()


def test_ten_at_a_time_do_not_disturb_one_another(waker: SystemWaker, folder: Path) -> None:
    async def all_at_once() -> list[Ended]:
        calls = [python(folder, f"import time; time.sleep(0.1); print({number})") for number in range(10)]
        return await asyncio.gather(*(waker.wake(call, lambda _: None) for call in calls))

    assert [ended.output for ended in asyncio.run(all_at_once())] == [f"{number}\n" for number in range(10)]


def test_nothing_of_ours_stays_open(waker: SystemWaker, folder: Path) -> None:
    if sys.platform == "linux":
        wake(waker, python(folder, ""))
        before = set(Path("/proc/self/fd").iterdir())
        for _ in range(3):
            wake(waker, python(folder, "print('x' * 100_000)"))
            wake(waker, Call("helper", ("/nowhere",), folder, {}, 20.0))
        assert set(Path("/proc/self/fd").iterdir()) == before


def test_what_was_made_ready_is_used_and_the_next_agent_gets_another(
    waker: SystemWaker, folder: Path
) -> None:
    guards: list[Identity] = []

    async def run() -> None:
        waker.get_ready()
        waker.get_ready()
        assert waker._spare is not None
        ready = await waker._spare
        assert ready is not None
        for number in range(2):
            call = python(folder, f"print({number})")
            assert (await waker.wake(call, guards.append)).output == f"{number}\n"
        assert guards[0] == ready.identity
        assert guards[1] != ready.identity
        await waker.close()

    asyncio.run(run())


def test_what_was_made_ready_and_not_needed_ends_by_itself(waker: SystemWaker, folder: Path) -> None:
    waker._spare_waits = 0.05

    async def run() -> None:
        waker.get_ready()
        assert waker._spare is not None
        ready = await waker._spare
        assert ready is not None
        await ready.line.over.wait()
        await waker.close()

    asyncio.run(run())


def test_what_was_made_ready_and_has_died_since_is_replaced(waker: SystemWaker, folder: Path) -> None:
    async def run() -> None:
        waker.get_ready()
        assert waker._spare is not None
        ready = await waker._spare
        assert ready is not None
        os.kill(ready.identity[0], signal.SIGKILL)
        await ready.line.over.wait()
        assert (await waker.wake(python(folder, "print('well')"), lambda _: None)).output == "well\n"

    asyncio.run(run())
