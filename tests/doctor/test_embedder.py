"""What tonight needs: the model, the programs of commands, the files that passes read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from iai_daemon.clock import Stopwatch
from iai_daemon.doctor.checks import embedder
from iai_daemon.doctor.examine import Check, examine
from iai_daemon.doctor.finding import Finding, Verdict
from iai_daemon.doctor.patient import meet
from iai_daemon.memory.nights import Batch
from iai_daemon.paths import Home
from tests.doctor.looking import failing, look
from tests.doctor.remembering import after, daemon, opened, remember
from tests.memory.embedding_server import Server, embedding_server


@pytest.fixture
def server() -> Iterator[Server]:
    with embedding_server() as server:
        yield server


def asks(home: Home, port: int, *lines: str) -> None:
    """Settings with a server on this port."""
    head = ["[embedding]", 'model = "http"', f'url = "http://127.0.0.1:{port}/v1"', 'remote_model = "tiny"']
    home.config.write_text("\n".join([*head, *lines, ""]))


def beside(home: Home, pid: int) -> dict[str, Finding]:
    """What is found where the daemon is this process."""
    patient = replace(meet(home, after()), status={"pid": pid})
    return {each.name: each for each in examine(patient, [Check("embedder", embedder.look)])}


def test_the_usual_model_embeds_a_sentence(home: Home) -> None:
    found = look(home, "embedder")
    assert failing(found) == {}
    assert "hash-256: a sentence became 256 numbers" in found["embedder"].seen


@pytest.mark.parametrize("text", ['[embedding]\nmodel = "none"\n', '[consolidation]\npasses = ["expire"]\n'])
def test_where_no_vectors_are_made_none_are_asked_for(home: Home, text: str) -> None:
    home.config.write_text(text)
    found = look(home, "embedder")
    assert failing(found) == {}
    assert "no vectors are made" in found["embedder"].seen


def test_a_server_is_really_asked(home: Home, server: Server) -> None:
    asks(home, server.server_port)
    found = look(home, "embedder")
    assert failing(found) == {}
    assert "http:tiny: a sentence became 8 numbers" in found["embedder"].seen
    assert len(server.asked) == 1


def test_a_server_that_is_away_fails_with_what_mends_it(home: Home) -> None:
    with embedding_server() as server:
        asks(home, server.server_port)
    found = look(home, "embedder")["embedder"]
    assert found.status is Verdict.FAIL
    assert "it does not answer" in found.seen
    assert "Starting that server" in (found.remedy or "")


def test_a_server_that_thinks_for_long_keeps_nobody_waiting(home: Home, server: Server) -> None:
    server.answer = lambda handler, _: handler.hang()
    asks(home, server.server_port)
    watch = Stopwatch()
    found = look(home, "embedder")["embedder"]
    assert watch.seconds() < 3.0
    assert (found.status, "has not answered within 1.2 s" in found.seen) == (Verdict.WARN, True)


def test_vectors_of_another_dimension_than_those_that_there_are_fail(home: Home, server: Server) -> None:
    asks(home, server.server_port)
    remember(home)
    with opened(home) as stores:
        night = stores.nights.begin_night("night", "absent", 1)
        stores.nights.apply(night, 1, "embed", Batch(notes={"dimension:http:tiny": "16"}), 1)
    found = look(home, "embedder")["embedder"]
    assert found.status is Verdict.FAIL
    assert "it gives vectors of 8 numbers, where they had 16 before" in found.seen
    with opened(home) as stores:
        stores.nights.apply(night, 1, "embed", Batch(notes={"dimension:http:tiny": "8"}), 1)
    assert failing(look(home, "embedder")) == {}


def test_a_key_that_the_daemon_does_not_have_fails(
    home: Home, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks(home, server.server_port, 'api_key_env = "TINY_KEY"')
    monkeypatch.setenv("TINY_KEY", "sesame")
    assert failing(look(home, "embedder")) == {}
    with daemon({}) as pid:
        found = beside(home, pid)["embedder"]
    assert found.status is Verdict.FAIL
    assert "the daemon has no environment variable TINY_KEY" in found.seen
    monkeypatch.delenv("TINY_KEY")
    with daemon({"TINY_KEY": "sesame"}) as pid:
        found = beside(home, pid)["embedder"]
    assert (found.status, "not checked: TINY_KEY" in found.seen) == (Verdict.WARN, True)
    assert "sesame" not in found.seen


def test_a_key_that_goes_unencrypted_to_another_machine_is_told(home: Home) -> None:
    asks(home, 1, 'api_key_env = "TINY_KEY"')
    assert "embedder.http" not in look(home, "embedder")
    home.config.write_text(home.config.read_text().replace("127.0.0.1:1", "models.example"))
    found = look(home, "embedder")["embedder.http"]
    assert (found.status, "unencrypted to models.example" in found.seen) == (Verdict.WARN, True)
    assert "https://" in (found.remedy or "")


@pytest.mark.parametrize(
    ("url", "is_open"),
    [
        ("http://models.example/v1", True),
        ("http://192.0.2.7:11434", True),
        ("https://models.example/v1", False),
        ("http://localhost:11434/v1", False),
        ("http://127.0.0.1/v1", False),
        ("http://[::1]/v1", False),
        ("", False),
    ],
)
def test_what_can_be_read_on_its_way_is_known(url: str, is_open: bool) -> None:
    assert embedder.is_open_to_others(url) is is_open


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="the package is installed")
def test_a_model_whose_package_is_missing_fails_with_what_installs_it(home: Home) -> None:
    home.config.write_text('[embedding]\nmodel = "sentence-transformers:tiny"\n')
    found = look(home, "embedder")["embedder"]
    assert found.status is Verdict.FAIL
    assert "pip install" in (found.remedy or "")


def test_the_program_of_a_command_is_looked_for_where_the_daemon_looks(home: Home, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "tidy"
    program.parent.mkdir()
    program.touch(0o755)
    home.config.write_text('[[consolidation.commands]]\nname = "notes"\nargv = ["tidy"]\n')
    found = look(home, "embedder")["nights.commands"]
    assert found.status is Verdict.FAIL
    assert "command:notes: tidy" in found.seen
    assert "whole path" in (found.remedy or "")
    with daemon({"PATH": str(program.parent)}) as pid:
        assert beside(home, pid)["nights.commands"].status is Verdict.OK
    home.config.write_text(f'[[consolidation.commands]]\nname = "notes"\nargv = ["{program}"]\n')
    assert failing(look(home, "embedder")) == {}


def test_a_program_for_gists_that_is_missing_is_told(home: Home) -> None:
    home.config.write_text('[consolidation]\nsummarize_command = ["no-such-program"]\n')
    found = look(home, "embedder")["nights.commands"]
    assert (found.status, "no program no-such-program" in found.seen) == (Verdict.WARN, True)


@pytest.mark.parametrize("key", ["trajectories_dir", "outcomes_path"])
def test_what_passes_read_has_to_be_there_and_of_the_right_kind(home: Home, tmp_path: Path, key: str) -> None:
    path = tmp_path / "given"
    home.config.write_text(f'[consolidation]\n{key} = "{path}"\n')
    found = look(home, "embedder")["nights.inputs"]
    assert (found.status, "there is nothing" in found.seen) == (Verdict.WARN, True)
    path.mkdir()
    as_directory = look(home, "embedder")["nights.inputs"].status
    path.rmdir()
    path.write_text("[]")
    as_file = look(home, "embedder")["nights.inputs"].status
    right, wrong = (as_directory, as_file) if key == "trajectories_dir" else (as_file, as_directory)
    assert (right, wrong) == (Verdict.OK, Verdict.FAIL)
