"""What tonight needs from outside: the model that makes vectors, the programs of commands, the files that passes read."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from iai_daemon.clock import Stopwatch
from iai_daemon.config import Embedding, Settings
from iai_daemon.doctor import environment
from iai_daemon.doctor.finding import Finding, NotChecked, fail, ok, warn
from iai_daemon.doctor.patient import Patient
from iai_daemon.errors import NoEmbedder
from iai_daemon.kinds import SENTENCES, is_loopback
from iai_daemon.memory.embedding import load_embedder, stored_as
from iai_daemon.programs import starting

# Seconds that a sentence may take here. Nights wait for as long as `embedding.timeout` says.
_PATIENCE = 1.2
_SENTENCE = "The doctor asks for the vector of one sentence."
_WHERE = "a service has an environment of its own: say it there, or in the file that it reads"


def look(patient: Patient) -> Iterator[Finding]:
    settings = patient.require_settings()
    yield from _programs(patient, settings)
    yield from _files(patient, settings)
    embedding = settings.embedding
    if embedding.api_key_env and is_open_to_others(embedding.url):
        seen = f"the key of the model {embedding.remote_model} goes unencrypted to {urlsplit(embedding.url).hostname}"
        yield warn("embedder.http", seen, "set embedding.url to an address that begins with https://")
    yield from _embedder(patient, settings)


def is_open_to_others(url: str) -> bool:
    """Whether what is sent there can be read on its way."""
    return urlsplit(url).scheme == "http" and not is_loopback(url)


# The model.


def _embedder(patient: Patient, settings: Settings) -> Iterator[Finding]:
    embedding = settings.embedding
    name = stored_as(embedding)
    if name is None or "embed" not in settings.consolidation.passes:
        yield ok("embedder", "no vectors are made, as the settings say")
    elif embedding.model.startswith(SENTENCES) and find_spec("sentence_transformers"):
        yield ok("embedder", f"{name}: its package is installed (it is not loaded here, which takes long)")
    else:
        yield _tried(patient, embedding, name)


def _tried(patient: Patient, embedding: Embedding, name: str) -> Finding:
    """A sentence, embedded as a night would."""
    watch = Stopwatch()
    try:
        _require_key(patient, embedding)
        rows = load_embedder(replace(embedding, timeout=min(embedding.timeout, _PATIENCE))).embed(
            [_SENTENCE], _until_too_long(watch)
        )
    except _TooLong:
        seen = f"{name} has not answered within {_PATIENCE:g} s"
        return warn(
            "embedder", seen, "look again in a minute: a server loads a model when it is asked for first"
        )
    except NoEmbedder as error:
        return _unusable(name, str(error.data["problem"]), str(error.data["remedy"]))
    dimension, known = rows.shape[1], _known_dimension(patient, name)
    if known not in (None, dimension):
        problem = f"it gives vectors of {dimension} numbers, where they had {known} before"
        return _unusable(name, problem, "The former model, or another name of this one,")
    took = f"{watch.seconds() * 1000:.0f} ms"
    return ok("embedder", f"{name}: a sentence became {dimension} numbers in {took}")


class _TooLong(Exception):
    """A server that may answer all the same was not waited for."""


def _until_too_long(watch: Stopwatch) -> Callable[[], None]:
    def ask_on() -> None:
        # A moment before its timeout, which would be a failure.
        if watch.seconds() > 0.9 * _PATIENCE:
            raise _TooLong

    return ask_on


def _unusable(name: str, problem: str, remedy: str) -> Finding:
    return fail("embedder", f"the model {name} cannot be used: {problem}", f"{remedy} mends it")


def _require_key(patient: Patient, embedding: Embedding) -> None:
    """Nights read it from the daemon's environment. Raises NoEmbedder, and NotChecked where it is only there."""
    variable = embedding.api_key_env
    if embedding.model != "http" or not variable:
        return
    if variable not in environment.of_daemon(patient):
        raise NoEmbedder(
            model=embedding.remote_model,
            problem=f"the daemon has no environment variable {variable}, where its key is to be",
            remedy=f"Setting it where the daemon is started ({_WHERE})",
        )
    if variable not in os.environ:
        raise NotChecked(f"{variable} is in the daemon's environment, and not in that of this terminal")


def _known_dimension(patient: Patient, name: str) -> int | None:
    """Of the vectors that there are; None: there are none, or nobody can tell now."""
    try:
        with patient.stores() as stores:
            known = stores.nights.notes("embed").get(f"dimension:{name}")
    except NotChecked:
        return None
    return int(known) if known else None


# Programs and files.


def _programs(patient: Patient, settings: Settings) -> Iterator[Finding]:
    night, given = settings.consolidation, environment.of_daemon(patient)
    missing = [
        f"{each.pass_name}: {each.argv[0]}"
        for each in night.commands
        if starting.find(each.argv[0], given) is None
    ]
    if missing:
        seen = f"there is no such program that can be started, by the PATH {given.get('PATH')}: {', '.join(missing)}"
        yield fail("nights.commands", seen, "give its whole path in `[[consolidation.commands]]`")
    elif night.commands:
        yield ok("nights.commands", f"the programs of {len(night.commands)} commands are there")
    gists = night.summarize_command
    if gists and starting.find(gists[0], given) is None:
        seen = f"there is no program {gists[0]} for gists, which are made of sentences then"
        yield warn("nights.commands", seen, "give its whole path in `consolidation.summarize_command`")


def _files(patient: Patient, settings: Settings) -> Iterator[Finding]:
    chosen = settings.consolidation
    if chosen.trajectories_dir:
        yield from _file("trajectories_dir", settings.trajectories_dirs(patient.home)[-1], _look_into)
    if (path := settings.outcomes_path(patient.home)) is not None:
        yield from _file("outcomes_path", path, _read_some)


def _file(key: str, path: Path, read: Callable[[Path], None]) -> Iterator[Finding]:
    try:
        read(path)
    except FileNotFoundError:
        seen = f"consolidation.{key} is {path}, and there is nothing"
        yield warn("nights.inputs", seen, f"make it, or `iai-daemon config set consolidation.{key} ''`")
    except OSError as cause:
        seen = f"consolidation.{key}: {path} cannot be read ({cause.strerror})"
        yield fail("nights.inputs", seen, "see that it is yours and of the right kind")
    else:
        yield ok("nights.inputs", f"{path} can be read")


def _look_into(path: Path) -> None:
    next(path.iterdir(), None)


def _read_some(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is no file")
    with path.open("rb") as file:
        file.read(1)
