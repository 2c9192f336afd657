"""Which project a server works for."""

from __future__ import annotations

from pathlib import Path

from iai_daemon.mcp_server.project import project_scope


def test_the_scope_is_the_repository_around_or_global(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "a" / "b"
    inner.mkdir(parents=True)
    assert project_scope(inner) == "global"
    (tmp_path / "repository" / ".git").mkdir()
    assert project_scope(inner) == str(tmp_path / "repository")
    (inner / ".git").write_text("gitdir: elsewhere")
    assert project_scope(inner) == str(inner)
