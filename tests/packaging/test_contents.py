"""The wheel and the source distribution hold what they must, and nothing else."""

from __future__ import annotations

import configparser
import hashlib
import re
import shutil
import subprocess
import tarfile
import zipfile
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest

import iai_daemon
from tests.packaging.conftest import Built, build
from tests.project.source import ROOT

INFO = f"iai_daemon-{iai_daemon.__version__}.dist-info"
DATA = f"iai_daemon-{iai_daemon.__version__}.data/data"
WRAPPER = ("iai_wrapper.py", "iai_relay.py", "iai_heartbeat.py", "iai_outcomes.py")
# Where a file of the tree is in the wheel, if it has another place there.
MOVED = {
    "config.example.toml": "iai_daemon/config.example.toml",
    "systemd/iai-daemon.service": "iai_daemon/service/iai-daemon.service",
    "launchd/iai-daemon.plist": "iai_daemon/service/iai-daemon.plist",
    "docs/iai-daemon.1": f"{DATA}/share/man/man1/iai-daemon.1",
    "LICENSE": f"{INFO}/licenses/LICENSE",
    **{f"wrappers/{name}": name for name in WRAPPER},
}
# At the top of the tree, and of no use to who gets the source: how this repository is tested elsewhere.
STAYS = {".ci"}


@pytest.fixture(scope="module")
def wheel(built: Built) -> dict[str, bytes]:
    return _inside(built.wheel)


@pytest.fixture(scope="module")
def unpacked(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(built.source) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


def _inside(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _of_the_package() -> set[str]:
    """Every file of the package in the tree, but for what Python makes of them."""
    paths = (path for path in (ROOT / "iai_daemon").rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if path.suffix != ".pyc"}


def test_the_wheel_holds_the_package_the_wrapper_and_what_goes_along_and_nothing_else(
    wheel: dict[str, bytes],
) -> None:
    info = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert set(wheel) == _of_the_package() | set(MOVED.values()) | info


@pytest.mark.parametrize("source", MOVED)
def test_what_has_another_place_in_the_wheel_is_the_file_of_the_tree(
    source: str, wheel: dict[str, bytes]
) -> None:
    assert wheel[MOVED[source]] == (ROOT / source).read_bytes()


def test_the_package_is_typed_and_has_its_templates_styles_notes_and_migrations(
    wheel: dict[str, bytes],
) -> None:
    assert "iai_daemon/py.typed" in wheel
    kinds = {Path(name).suffix for name in wheel if name.startswith("iai_daemon/")}
    assert {".j2", ".css", ".js", ".jsonl", ".sql", ".toml", ".service", ".plist"} <= kinds


def test_nothing_that_python_made_and_nothing_of_this_machine_is_in_either(
    wheel: dict[str, bytes], unpacked: Path
) -> None:
    names = [*wheel, *(str(path.relative_to(unpacked)) for path in unpacked.rglob("*"))]
    assert not [
        name for name in names if re.search(r"\.pyc$|__pycache__|\.(hypothesis|venv|\w+_cache)", name)
    ]
    assert not [name for name, data in wheel.items() if str(ROOT).encode() in data]


def test_the_source_holds_every_file_of_the_repository(unpacked: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed: nobody says which files belong to this tree")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this tree is no checkout: it does not say which files belong to it")
    files = {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}
    missing = {name for name in files if not (unpacked / name).is_file()}
    assert {name.split("/")[0] for name in missing} <= STAYS


def test_the_wheel_made_of_the_source_is_the_one_made_of_the_tree(
    unpacked: Path, built: Built, tmp_path: Path
) -> None:
    build(unpacked, tmp_path, "-t", "wheel")
    (again,) = tmp_path.glob("*.whl")
    assert again.name == built.wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(built.wheel.read_bytes()).digest()


def test_the_metadata_says_what_is_needed_and_where_the_commands_are(wheel: dict[str, bytes]) -> None:
    said = BytesParser(policy=default).parsebytes(wheel[f"{INFO}/METADATA"])
    assert (said["Name"], said["Version"]) == ("iai-daemon", iai_daemon.__version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    assert said.get_payload().lstrip().startswith("# iai-daemon")
    entries = configparser.ConfigParser()
    entries.read_string(wheel[f"{INFO}/entry_points.txt"].decode())
    assert dict(entries["console_scripts"]) == {
        "iai-daemon": "iai_daemon.__main__:main",
        "iai-wrapper": "iai_wrapper:main",
    }
