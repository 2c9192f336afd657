"""The wrapper: one is started as clients do, in a home that is thrown away, and has to pass a line on and be seen."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from iai_daemon.clients.wrapper import wrapper_script
from iai_daemon.clock import Stopwatch, pause
from iai_daemon.doctor.finding import Finding, fail, ok
from iai_daemon.doctor.patient import Patient
from iai_daemon.paths import HOME_VARIABLE, Home

_T = TypeVar("_T")

# All of it, in seconds; and the time between two looks at what tells nobody when it changes.
_WITHIN, _LOOK_AGAIN = 1.5, 0.002
# A server that sends back what it gets, and ends with its input.
_ECHO = "import posix\nwhile chunk := posix.read(0, 65536): posix.write(1, chunk)"
_LINE = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
_ANEW = "install iai-daemon anew: `pip install --force-reinstall iai-daemon`"


class _Broken(Exception):
    """What did not work; `str()` of it is that in words."""


def look(patient: Patient) -> Iterator[Finding]:  # noqa: ARG001 -- nothing of this home is touched
    file = wrapper_script()
    if file is None or not file.is_file():
        yield fail("wrapper", f"{file or 'iai_wrapper.py'} is not there", _ANEW)
        return
    yield try_out(sys.executable, file)


def try_out(python: str, file: Path) -> Finding:
    """A round trip through this wrapper."""
    watch = Stopwatch()
    try:
        _round_trip([python, "-I", "-S", str(file)], watch)
    except _Broken as what:
        return fail("wrapper", f"{file}: {what}", _ANEW)
    except OSError as error:
        seen = f"{error.filename or python} cannot be started or used ({error.strerror})"
        return fail("wrapper", seen, f"see that {python} is a Python that you may execute, or {_ANEW}")
    took = watch.seconds() * 1000
    return ok(
        "wrapper", f"a line went through {file} and back, and it was seen to come and go, in {took:.0f} ms"
    )


def _round_trip(wrapper: list[str], watch: Stopwatch) -> None:
    """Raises _Broken, or OSError where nothing can be started at all. Whatever comes of it, nothing is left of it."""
    with tempfile.TemporaryDirectory(prefix="iai-doctor-") as folder, tempfile.TemporaryFile() as complaints:
        home = Home(Path(folder))
        home.wrappers.mkdir(mode=0o700)
        server = [sys.executable, "-I", "-S", "-c", _ECHO]
        process = subprocess.Popen(
            [*wrapper, "--home", folder, "--", *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={name: value for name, value in os.environ.items() if name != HOME_VARIABLE},
        )
        try:
            _converse(process, home, watch)
        except _Broken as what:
            _end(process)
            raise _Broken(f"{what}{_said(complaints)}") from what
        finally:
            _end(process)


def _converse(process: subprocess.Popen[bytes], home: Home, watch: Stopwatch) -> None:
    """What a client does, in its order. Raises _Broken."""
    assert process.stdin is not None  # noqa: S101 -- for the types: a pipe was asked for
    assert process.stdout is not None  # noqa: S101 -- likewise
    try:
        process.stdin.write(_LINE)
        process.stdin.flush()
        answer = _line(process.stdout, watch)
        if answer != _LINE:
            raise _Broken(f"a line came back as {answer[:80]!r}" if answer else _silent(process))
        beats = _until(lambda: list(home.wrappers.glob("heartbeat-*.json")), watch)
        if not beats:
            raise _Broken("it wrote no heartbeat")
        process.stdin.close()
    except BrokenPipeError as cause:
        raise _Broken(_silent(process)) from cause
    if _until(lambda: process.poll() is not None, watch) is not True:
        raise _Broken("it does not end when its client has gone")
    if any(each.exists() for each in beats):
        raise _Broken("it left its heartbeat behind")
    if process.returncode:
        raise _Broken(f"it ended with status {process.returncode}")


def _line(stream: IO[bytes], watch: Stopwatch) -> bytes:
    """What came until the end of the line, of the stream or of the time."""
    read = b""
    while not read.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(_WITHIN - watch.seconds(), 0.0))
        chunk = os.read(stream.fileno(), len(_LINE)) if ready else b""
        if not chunk:
            break
        read += chunk
    return read


def _silent(process: subprocess.Popen[bytes]) -> str:
    """Why no line came back: it has ended, or it does nothing."""
    try:
        status = process.wait(_LOOK_AGAIN * 50)
    except subprocess.TimeoutExpired:
        return f"no line came back within {_WITHIN:g} s"
    return f"it ended with status {status}"


def _until(found: Callable[[], _T], watch: Stopwatch) -> _T:
    """The answer as soon as it is true, or the last one when time is up."""
    while not (answer := found()) and watch.seconds() < _WITHIN:
        pause(_LOOK_AGAIN)
    return answer


def _said(complaints: IO[bytes]) -> str:
    """The last line of what it had to say of itself."""
    complaints.seek(0)
    lines = complaints.read(65536).decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:300]}" if last else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """By its handle: its server ends with its input."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                continue  # what was still to be written has nobody to read it
