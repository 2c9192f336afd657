"""The command line as a program and a person meet it: real processes, `--json`, exit status, one sentence for a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iai_daemon.cli.group import _COMMANDS
from iai_daemon.paths import Home
from tests.cli.inside import call, call_json

COMMANDS = (
    [*([name] for name in _COMMANDS)]
    + [["nights", name] for name in ("list", "show", "undo", "accept", "retry")]
    + [["tasks", name] for name in ("list", "enable", "disable", "run")]
    + [
        ["memory", name]
        for name in ("add", "import", "export", "search", "show", "history", "forget", "restore")
    ]
    + [["store", name] for name in ("backups", "backup", "restore")]
    + [["config", name] for name in ("show", "check", "path", "init", "set")]
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """One that does not exist yet."""
    return Home(tmp_path / "home")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(home: Home, words: list[str]) -> None:
    from click.testing import CliRunner  # noqa: PLC0415 -- in this process: forty processes would take half a minute

    from iai_daemon.cli.group import iai  # noqa: PLC0415

    shown = CliRunner().invoke(iai, [*words, "--help"])
    assert shown.exit_code == 0
    assert "--home" in shown.output or words == ["demo"]
    if words not in (["nights"], ["tasks"], ["memory"], ["store"], ["config"], ["mcp"]):
        assert "Example: iai-daemon" in shown.output


def test_the_home_may_stand_before_or_after_the_command(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for words in (["--home", str(other), "config", "path"], ["config", "path", "--home", str(other)]):
        command = [sys.executable, "-m", "iai_daemon", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == str(other / "config.toml")


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["memory", "search"],
        ["nights", "show", "x"],
        ["status", "--nonsense"],
        ["run", "now"],
        ["consolidate", "--pass", "x"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_a_sentence_and_2(home: Home, words: list[str]) -> None:
    done = call(home, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("iai-daemon: ")


def test_settings_are_written_shown_and_checked(home: Home) -> None:
    assert call_json(home, "config", "check")["ok"] is True
    assert call_json(home, "config", "init")["path"] == str(home.config)
    assert call(home, "config", "init").returncode == 1
    before = home.config.read_text()
    assert call_json(home, "config", "set", "lifecycle.idle_after", "10m")["value"] == "10m"
    assert call_json(home, "config", "set", "consolidation.naps", "false")["value"] is False
    assert call_json(home, "config", "set", "consolidation.passes", '["expire"]')["value"] == ["expire"]
    after = home.config.read_text()
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line.startswith("#")
    ]
    settings = call_json(home, "config", "show")["settings"]
    assert settings["lifecycle"]["idle_after"] == "10m"
    assert settings["lifecycle"]["tick"] == "30s"
    assert settings["consolidation"]["naps"] is False


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("lifecycle.idle", "1m", "There is no setting 'lifecycle.idle'"),
        ("lifecycle.idle_after", "soon", "lifecycle.idle_after"),
        ("consolidation.naps", "perhaps", "must be true or false"),
        ("consolidation.passes", '["dream"]', 'knows no pass "dream"'),
    ],
)
def test_a_setting_that_cannot_be_is_refused_and_nothing_is_written(
    home: Home, key: str, value: str, said: str
) -> None:
    done = call(home, "config", "set", key, value)
    assert done.returncode == 2
    assert said in done.stderr
    assert not home.config.exists()


def test_what_is_added_is_found_shown_forgotten_and_restored(home: Home) -> None:
    added = call_json(
        home,
        "memory",
        "add",
        "The staging API answers on port 8081.",
        "--subject",
        "staging",
        "--attribute",
        "port",
    )
    number = str(added["id"])
    newer = call_json(
        home,
        "memory",
        "add",
        "The staging API listens on port 9000.",
        "--subject",
        "staging",
        "--attribute",
        "port",
    )
    found = call_json(home, "memory", "search", "staging API port")["results"]
    assert found[0]["id"] == newer["id"]
    assert [each["id"] for each in call_json(home, "memory", "history", "staging")["records"]] == [
        added["id"],
        newer["id"],
    ]
    assert call_json(home, "memory", "show", number)["content"] == added["content"]
    assert call_json(home, "memory", "forget", number)["current"] is False
    assert number not in [str(each["id"]) for each in call_json(home, "memory", "search", "8081")["results"]]
    assert call_json(home, "memory", "restore", number)["current"] is True
    missing = call(home, "memory", "show", "999")
    assert (missing.returncode, missing.stderr) == (
        1,
        "iai-daemon: There is no memory 999: `iai-daemon memory search` finds the ids.\n",
    )


def test_an_import_keeps_the_good_lines_and_names_the_bad_ones(home: Home) -> None:
    lines = [
        '{"id": "a", "content": "one"}',
        "{",
        '{"id": "b"}',
        "[1]",
        '{"id": "c", "content": 7}',
        "",
        '{"id": "d", "content": "four", "created_at": "yesterday"}',
        '{"id": "e", "content": "five", "tags": ["x"], "created_at": "2026-01-01T00:00:00Z"}',
    ]
    answer = call_json(home, "memory", "import", "-", stdin="\n".join(lines), status=1)
    assert (answer["added"], [each["line"] for each in answer["bad"]]) == (2, [2, 3, 4, 5, 7])
    again = call_json(home, "memory", "import", "-", stdin="\n".join([lines[0], lines[7]]))
    assert (again["added"], again["unchanged"]) == (0, 2)
    changed = call_json(home, "memory", "import", "-", stdin='{"id": "a", "content": "uno"}')
    assert (changed["added"], changed["superseded"]) == (1, 1)
    exported = [json.loads(line) for line in call(home, "memory", "export").stdout.splitlines()]
    assert [(each["external_id"], each["content"], each["current"]) for each in exported] == [
        ("a", "one", False),
        ("e", "five", True),
        ("a", "uno", True),
    ]
    assert exported[0]["superseded_by"] == exported[2]["id"]


def test_presence_works_without_a_daemon_and_without_a_home(home: Home, tmp_path: Path) -> None:
    seen = call_json(home, "presence")
    assert seen == {"wrappers": [], "counts": {"FRESH": 0, "STALE": 0, "ORPHAN": 0, "INVALID": 0}}
    (tmp_path / "heartbeat-1-x.json").write_text("{")
    (tmp_path / "heartbeat-2-y.json").mkdir()
    seen = call_json(home, "presence", "--wrappers-dir", str(tmp_path))
    assert seen["counts"]["INVALID"] == 1
    assert all(each["reason"] for each in seen["wrappers"])


def test_nights_are_listed_shown_and_taken_back_without_a_daemon(home: Home) -> None:
    for port in ("8081", "9000"):
        call_json(home, "memory", "add", f"Port {port}.", "--subject", "staging", "--attribute", "port")
    before = call(home, "memory", "export").stdout
    plan = call_json(home, "consolidate", "--dry-run")
    assert [each["effect"] for each in plan["changes"]] == ["superseded"]
    assert call(home, "memory", "export").stdout == before
    night = call_json(home, "consolidate")
    assert (night["outcome"], night["superseded_gc"], night["nodes_embedded"], night["total_nodes"]) == (
        "completed",
        1,
        2,
        2,
    )
    assert night["embedding_coverage"] == 1.0
    after = call(home, "memory", "export").stdout
    assert after != before
    again = call_json(home, "consolidate")
    assert (again["outcome"], again["superseded_gc"]) == ("nothing_to_do", 0)
    number = str(night["id"])
    assert [str(each["id"]) for each in call_json(home, "nights", "list")["nights"]] == [number]
    assert call_json(home, "nights", "show", number)["outcome"] == "completed"
    assert call_json(home, "nights", "undo", number)["restored"] == 1
    assert call(home, "memory", "export").stdout == before
    assert call_json(home, "consolidate")["superseded_gc"] == 1
    assert call(home, "memory", "export").stdout == after
    assert call(home, "nights", "show", "99").returncode == 1


@pytest.mark.parametrize(
    "words",
    [["memory", "export"], ["memory", "add", "x"], ["nights", "list"], ["consolidate"], ["mcp"]],
    ids=" ".join,
)
def test_a_foreign_store_is_one_sentence_78_and_untouched(home: Home, words: list[str]) -> None:
    home.create()
    home.memory.write_bytes(b"this is somebody else's file")
    done = call(home, *words)
    assert done.returncode == 78
    assert "belongs to another program" in done.stderr
    assert done.stderr.count("\n") == 1
    assert home.memory.read_bytes() == b"this is somebody else's file"
    assert [path.name for path in home.root.glob("memory*")] == ["memory.db"]


def test_what_the_file_system_refuses_is_a_sentence_too(home: Home) -> None:
    home.history.mkdir(parents=True)
    done = call(home, "history")
    assert (done.returncode, done.stderr) == (1, f"iai-daemon: Is a directory: {home.history}\n")
    nowhere = call(Home(Path("/dev/null")), "history")
    assert nowhere.returncode == 1
    assert "Traceback" not in nowhere.stderr
