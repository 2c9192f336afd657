"""Which project a server works for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from iai_daemon.mcp_server.project import current_project, project_scope


def test_the_scope_is_the_repository_around_or_global(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    assert project_scope(inner) == "global"
    (tmp_path / "repository" / ".git").mkdir()
    assert project_scope(inner) == str(tmp_path / "repository")
    (inner / ".git").write_text("gitdir: elsewhere")
    assert project_scope(inner) == str(inner)


def test_a_path_that_is_no_text_is_a_scope_all_the_same(tmp_path: Path) -> None:
    project = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        (project / ".git").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert project_scope(project) == f"{tmp_path}/caf\\xe9"


def test_a_directory_that_has_been_deleted_is_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert current_project() == "global"
