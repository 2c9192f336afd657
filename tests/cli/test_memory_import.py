"""`iai-daemon memory import --from`: what other programs remember, and that nothing happens to it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iai_daemon.cli.memory_import import FORMATS
from iai_daemon.clock import Stopwatch
from iai_daemon.memory import importing
from iai_daemon.paths import Home
from tests.cli import calling
from tests.cli.inside import call, call_json, refused, said
from tests.memory.test_import_any_bytes import BYTES
from tests.project.source import ROOT

GRAPH = (
    '{"type":"entity","name":"Ada","entityType":"person","observations":["Works in Ulm"]}\n'
    '{"type":"relation","from":"Ada","to":"billing","relationType":"works_on"}\n'
)
NOTE = "---\ntitle: Coffee\n---\n- [method] Pour over\n- goes_with [[Cake]]\n"
MEM0 = '[{"id": "a", "memory": "Is allergic to nuts", "created_at": "2025-01-01T00:00:00Z"}]'
SAMPLES = {
    "claude-md": ("CLAUDE.md", "# Work\n- Never push to main.\n- Use tabs\n"),
    "mcp-memory": ("memory.jsonl", GRAPH),
    "basic-memory": ("coffee.md", NOTE),
    "mem0": ("mem0.json", MEM0),
}
SURROGATES = [
    b"- @\xff/x.md and more",
    b'{"type": "entity", "name": "\\ud800", "observations": []}',
    b'[{"memory": "\\ud800", "state": "deleted"}, {"memory": "\\ud800", "id": "\\ud800"}]',
]
DAY = 1_700_000_000


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    return folder


def sample(folder: Path, form: str) -> Path:
    name, text = SAMPLES[form]
    path = folder / name
    path.write_text(text)
    os.utime(path, (DAY, DAY))
    return path


def bring(home: Home, form: str, path: Path | str, *words: str, **more: Any) -> dict[str, Any]:
    return call_json(home, "memory", "import", "--from", form, str(path), *words, **more)


def kept(home: Home) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(home, "memory", "export").splitlines()]


def test_every_format_that_there_is_can_be_asked_for() -> None:
    assert tuple(importing.FORMATS) == FORMATS


@pytest.mark.parametrize("form", SAMPLES)
def test_a_source_is_imported_once_and_nothing_happens_to_it(home: Home, tmp_path: Path, form: str) -> None:
    path = sample(tmp_path, form)
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
    path.chmod(0o400)
    first = bring(home, form, path)
    assert (first["added"], first["unchanged"], first["bad"]) == (len(kept(home)), 0, [])
    assert first["added"] > 0
    records = kept(home)
    again = bring(home, form, path)
    assert (again["added"], again["superseded"], again["unchanged"]) == (0, 0, first["added"])
    assert kept(home) == records
    path.chmod(before[2])
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before
    assert [each.name for each in tmp_path.iterdir() if each != home.root] == [path.name]


@pytest.mark.parametrize("form", SAMPLES)
def test_standard_input_says_the_same_as_a_file(home: Home, tmp_path: Path, form: str) -> None:
    count = bring(home, form, sample(tmp_path, form), "--scope", "here")["added"]
    told = bring(home, form, "-", "--scope", "here", stdin=SAMPLES[form][1])
    assert (told["added"], told["unchanged"]) == (0, count)


def test_it_is_found_with_its_source_its_scope_and_its_time(home: Home, shop: Path) -> None:
    path = sample(shop, "claude-md")
    calling.call_json(home, "memory", "import", "--from", "claude-md", str(path))
    (found,) = call_json(home, "memory", "search", "push main")["results"]
    assert (found["content"], found["kind"], found["subject"]) == (
        "Work: Never push to main.",
        "instruction",
        "Work",
    )
    assert (found["scope"], found["source"], found["origin"]) == (str(shop), str(path), "import")
    assert found["created_at"] == "2023-11-14T22:13:20.000Z"


def test_a_dry_run_says_what_would_be_told_and_stores_nothing(home: Home, shop: Path) -> None:
    path = sample(shop, "claude-md")
    told = bring(home, "claude-md", path, "--dry-run")
    assert (told["added"], told["dry_run"]) == (2, True)
    assert [(each["line"], each["content"], each["scope"]) for each in told["first"]] == [
        (2, "Work: Never push to main.", str(shop)),
        (3, "Work: Use tabs", str(shop)),
    ]
    assert not home.memory.exists()
    bring(home, "claude-md", path)
    path.write_text(SAMPLES["claude-md"][1].replace("main", "main or next"))
    lines = said(home, "memory", "import", "--from", "claude-md", str(path), "--dry-run").splitlines()
    assert lines[0].startswith(
        "1 file: 1 added, 1 superseded, 1 unchanged, 0 bad, 0 left out; nothing was stored"
    )
    assert lines[1] == f"  {path}:2  ({shop})  Work: Never push to main or next."
    assert len(kept(home)) == 2


def test_what_cannot_be_read_is_named_by_file_and_line_and_the_rest_is_kept(
    home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "memory.jsonl"
    path.write_text(GRAPH + "{\n")
    done = call(home, "memory", "import", "--from", "mcp-memory", str(path))
    assert (done.returncode, done.stderr) == (1, f"{path}:3: it is not JSON\n")
    assert done.stdout == "1 file: 2 added, 0 superseded, 0 unchanged, 1 bad, 0 left out\n"
    told = bring(home, "mcp-memory", path, status=1)
    assert told["bad"] == [{"file": str(path), "line": 3, "problem": "it is not JSON"}]


def test_what_is_left_out_and_what_is_gone_is_said(home: Home, shop: Path) -> None:
    path = shop / "CLAUDE.md"
    path.write_text("- @docs/git.md\n- Use tabs\n- Ask Ingrid\n")
    token = "ghp" + "_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    bring(home, "claude-md", path)
    path.write_text(f"- @docs/git.md\n- Use tabs\n- Push with {token}\n")
    assert said(home, "memory", "import", "--from", "claude-md", str(path)).splitlines() == [
        "1 file: 1 added, 0 superseded, 1 unchanged, 0 bad, 1 left out",
        f"left out: {path}:1: @docs/git.md is not followed: import that file itself, if it belongs to it",
        "secrets taken out of 1 (GitHub token)",
        "no longer in their files, and kept (`iai-daemon memory forget ID`): 2",
    ]
    told = bring(home, "claude-md", path)
    assert (told["gone"], told["skipped"][0]["line"], told["redacted"][0]["line"]) == ([2], 1, 3)


def test_nothing_that_a_file_says_steers_the_terminal(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J.md"
    path.write_text("- one \x1b[31mred\n- @x/\x1b[1m.md\n")
    done = call(home, "memory", "import", "--from", "claude-md", str(path), "--dry-run")
    assert "\x1b" not in done.stdout + done.stderr


@settings(max_examples=60)  # each prints all that is kept
@given(st.sampled_from(FORMATS), BYTES | st.sampled_from(SURROGATES))
def test_any_bytes_have_an_answer(home: Home, tmp_path: Path, form: str, data: bytes) -> None:
    (tmp_path / "x.md").write_bytes(data)
    before = {each["id"] for each in kept(home)}
    for words in ((), ("--json",)):
        done = call(home, "memory", "import", "--from", form, str(tmp_path / "x.md"), *words)
        assert done.returncode in (0, 1)
        assert "Traceback" not in done.stderr
        assert (done.stdout + done.stderr).encode()
    told = json.loads(done.stdout)
    assert (told["added"], bool(told["bad"])) == (0, done.returncode == 1)
    assert all(len(each["content"]) <= 64 * 1024 for each in kept(home) if each["id"] not in before)


def test_a_project_s_files_belong_to_it_and_one_s_own_to_all(home: Home, tmp_path: Path, shop: Path) -> None:
    own = Path.home() / ".claude"
    notes = own / "projects" / re.sub("[^A-Za-z0-9]", "-", str(shop)) / "memory"
    lost = own / "projects" / "-nowhere-at-all" / "memory"
    for folder in (shop / "api", notes, lost):
        folder.mkdir(parents=True)
    (own / "CLAUDE.md").write_text("- Be brief\n")
    (shop / "api" / "AGENTS.md").write_text("- Validate input\n")
    (notes / "MEMORY.md").write_text("- The build needs Node 22\n")
    (lost / "MEMORY.md").write_text("- It used Perl\n")
    told = bring(home, "claude-md", own)
    assert (told["files"], told["added"]) == (3, 3)
    bring(home, "claude-md", shop)
    assert {each["content"]: each["scope"] for each in kept(home)} == {
        "Be brief": "global",
        "The build needs Node 22": str(shop),
        "It used Perl": str(lost.parent),
        "Validate input": str(shop),
    }


def test_what_is_a_link_belongs_where_it_was_put(
    home: Home, tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "ada"
    (own / ".claude").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(own))
    (shop / "CLAUDE.md").write_text("- Be brief\n")
    (own / ".claude" / "CLAUDE.md").symlink_to(shop / "CLAUDE.md")
    bring(home, "claude-md", own / ".claude" / "CLAUDE.md")
    assert [each["scope"] for each in kept(home)] == ["global"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("--from", "mem0", "/nowhere/at/all"), 2, "/nowhere/at/all: No such file or directory."),
        (("--from", "cursor", "x"), 2, "'cursor' is not one of"),
        (("--dry-run", "-"), 2, "--dry-run and --scope are for --from"),
        (("--scope", "x", "-"), 2, "--dry-run and --scope are for --from"),
    ],
)
def test_wrong_usage_is_a_sentence(home: Home, words: tuple[str, ...], status: int, sentence: str) -> None:
    assert sentence in refused(home, "memory", "import", *words, status=status)


def test_a_directory_without_any_is_no_success(home: Home, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = bring(home, "claude-md", tmp_path / "empty", status=1)
    assert told["bad"][0]["problem"] == "nothing in it is claude-md"
    told = bring(home, "mem0", tmp_path / "empty", status=1)
    assert told["bad"][0]["problem"] == "it is a directory, and a file is asked for"


def test_thousands_of_memories_are_imported_in_a_second(home: Home, tmp_path: Path) -> None:
    """At least a thousand: a machine under load is slower than one at rest."""
    path = tmp_path / "memory.jsonl"
    entity = {
        "type": "entity",
        "entityType": "service",
        "observations": ["listens on a port", "belongs to a team"],
    }
    path.write_text(
        "".join(json.dumps({**entity, "name": f"service {number}"}) + "\n" for number in range(2500))
    )
    for added in (5000, 0):
        watch = Stopwatch()
        assert bring(home, "mcp-memory", path)["added"] == added
        assert watch.seconds() < 5


GUIDE = (ROOT / "docs" / "how-to" / "import.md").read_text()


def _part(form: str) -> str:
    """What the guide says of one format."""
    return re.split(rf"\n## (?:{'|'.join(FORMATS)})\n", GUIDE)[1 + FORMATS.index(form)]


@pytest.mark.parametrize(
    ("form", "source", "becomes"),
    [
        (form, source, becomes)
        for form in FORMATS
        for source, becomes in re.findall(
            r"```(?:markdown|json)\n(.*?)```[^`]*?```text\n(.*?)```",
            _part(form),
            re.DOTALL,
        )
    ],
)
def test_what_the_guide_says_becomes_of_its_samples_does(
    home: Home, tmp_path: Path, form: str, source: str, becomes: str
) -> None:
    (tmp_path / "sample").write_text(source)
    told = bring(home, form, tmp_path / "sample", "--dry-run")
    assert [each["content"] for each in told["first"]] == [
        line if len(line) <= 60 else f"{line[:59]}…" for line in becomes.splitlines()
    ]
    bring(home, form, tmp_path / "sample")
    assert [" ".join(each["content"].split()) for each in kept(home)] == becomes.splitlines()


def test_the_guide_has_a_sample_of_each_format_and_the_help_a_call() -> None:
    assert all(f"\n## {form}\n" in GUIDE for form in FORMATS)
    from click.testing import CliRunner  # noqa: PLC0415 -- of interest here only

    from iai_daemon.cli.memory_import import import_  # noqa: PLC0415

    shown = CliRunner().invoke(import_, ["--help"]).output
    assert all(f"Example: iai-daemon memory import --from {form} " in shown for form in FORMATS)
