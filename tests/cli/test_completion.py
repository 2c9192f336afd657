"""What shells complete: real ones, at a terminal and by their own functions, over a store with names in it."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from iai_daemon.cli.completing import WITHIN
from iai_daemon.clock import Stopwatch
from iai_daemon.errors import StoreAway
from iai_daemon.memory.opening import open_stores
from iai_daemon.memory.record import Draft
from iai_daemon.paths import Home
from iai_daemon.storage import names
from iai_daemon.storage.database import Interrupted
from tests.cli.inside import call, call_json, refused, said
from tests.cli.prompt import environment, typed

SHELLS = ("bash", "zsh", "fish")
NIGHT_AT = 1_790_000_000_000
AGENT = '[agents.claude]\ncommand = ["true", "{session_id}", "{context}"]\n'
COMMAND = '[[consolidation.commands]]\nname = "tidy"\nargv = ["true"]\n'


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Where the user who types is at home."""
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


@pytest.fixture(scope="module")
def full_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two nights, a recall, a session, a task, and scopes that are no good words for a shell."""
    home = Home(tmp_path_factory.mktemp("full") / "home")
    home.create()
    home.config.write_text(AGENT + COMMAND)
    with closing(open_stores(home)) as stores:
        for number in range(2):
            night = stores.nights.begin_night("night", "absent", NIGHT_AT + number)
            stores.nights.end_night(night, "completed", None, {}, NIGHT_AT + number)
        for scope in ("/srv/shop", "/srv/my project", "/srv/$(touch stolen)", "-rf", "x\x1b[2Jy"):
            stores.memory.add(Draft(f"something of {scope}", scope=scope), NIGHT_AT)
    call_json(home, "recall", "add", "Is it green?", "--agent", "claude", "--session", "1f0c:a", "--in", "8h")
    call_json(home, "tasks", "list")
    return home.root


@pytest.fixture
def full(full_once: Path, home: Home) -> Home:
    """A copy of it."""
    shutil.copytree(full_once, home.root, dirs_exist_ok=True)
    return home


def needs(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def ask(home: Home, line: str, shell: str = "zsh", **more: str) -> subprocess.CompletedProcess[str]:
    """What `iai-daemon` answers a shell for a line with the cursor at its end."""
    asked = {
        "_IAI_DAEMON_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": f"iai-daemon {line}",
        "IAI_DAEMON_HOME": str(home.root),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "iai_daemon"],
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def offered(home: Home, line: str) -> dict[str, str]:
    """The values, and what is said of each."""
    done = ask(home, line)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    return dict(zip(lines[1::3], lines[2::3], strict=True))


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("nig", ["nights"]),
        ("sta", ["status", "start"]),
        ("nights ac", ["accept"]),
        ("status --js", ["--json"]),
        ("run --ho", ["--home"]),
        ("mcp --ho", ["--home"]),
        ("clients connect claude-", ["claude-code", "claude-desktop"]),
        ("memory add x --origin to", ["tool"]),
        ("nights show ", ["2", "1"]),
        ("nights undo --yes 1", ["1"]),
        ("recall pause ", ["1"]),
        ("recall add x --agent ", ["claude"]),
        ("recall add x --tz Europe/Pari", ["Europe/Paris"]),
        ("doctor --wake-test ", ["claude"]),
        ("agents test cl", ["claude"]),
        ("sessions close ", ["1f0c:a"]),
        ("recall list --session 1f", ["1f0c:a"]),
        ("tasks disable ", ["consolidate"]),
        ("consolidate --pass command", ["command:tidy"]),
        ("nights retry summ", ["summarize"]),
        ("config set lifecycle.idle", ["lifecycle.idle_after"]),
        ("config set consolidation.review ", ["true", "false"]),
        ("config set agenda.catch_up a", ["all"]),
        ("config set lifecycle.tick ", ["30s"]),
        ("memory share /srv/s", ["/srv/shop"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_are_offered_where_they_can_stand(full: Home, line: str, values: list[str]) -> None:
    assert list(offered(full, line)) == values


def test_what_is_offered_is_explained(full: Home) -> None:
    assert offered(full, "nights show ")["2"] == "night of 2026-09-21 14:13 UTC, completed"
    assert offered(full, "recall show ")["1"] == "claude in 1f0c:a: Is it green?"
    assert offered(full, "config set lifecycle.idle")["lifecycle.idle_after"] == "5m"
    assert offered(full, "nig")["nights"].startswith("List nights")


def test_a_backup_is_offered_by_its_name(full: Home) -> None:
    name = Path(call_json(full, "store", "backup")["path"]).name
    assert name in offered(full, "store restore ")


def test_a_server_of_a_client_is_offered_for_the_wrapper(full: Home, own: Path) -> None:
    (own / ".claude.json").write_text('{"mcpServers": {"github": {"command": "npx", "args": ["x"]}}}')
    done = ask(full, "clients connect claude-code --wrap ", HOME=str(own))
    assert done.stdout.splitlines() == ["plain", "github", "npx x"]


def test_what_would_steer_a_terminal_or_be_an_option_is_not_offered(full: Home) -> None:
    found = offered(full, "memory search x --scope ")
    assert set(found) == {"/srv/shop", "/srv/my project", "/srv/$(touch stolen)"}


def test_the_home_is_the_one_that_stands_in_the_line(full: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    assert offered(other, "nights show ") == {}
    for line in (f"--home {full.root} nights show ", f"nights show --home {full.root} "):
        assert list(offered(other, line)) == ["2", "1"]


def test_nothing_is_made_and_nothing_said_where_there_is_no_home(tmp_path: Path) -> None:
    nowhere = Home(tmp_path / "nowhere")
    for line in ("nights show ", "recall show ", "memory share ", "tasks run ", "store restore x"):
        done = ask(nowhere, line, "bash")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip() in ("", "file,x")
    assert not nowhere.root.exists()


def test_nothing_is_written_into_a_home_for_it(full: Home) -> None:
    before = {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()}
    assert offered(full, "nights show ")
    assert {path: path.read_bytes() for path in full.root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("content", ["", "no database", "SQLite format 3\0" + "x" * 5000])
def test_a_store_that_is_broken_offers_nothing_and_says_nothing(home: Home, content: str) -> None:
    home.memory.write_text(content)
    assert offered(home, "nights show ") == {}


def test_a_file_that_others_hold_or_that_takes_long_is_soon_left_alone(full: Home) -> None:
    endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
    watch = Stopwatch()
    with pytest.raises(Interrupted):
        names.ask(full, endless, WITHIN)
    assert watch.seconds() < WITHIN + 1.5
    with closing(sqlite3.connect(full.memory, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert offered(full, "nights show ") == {}
    assert list(offered(full, "nights show ")) == ["2", "1"]


def test_settings_that_are_wrong_offer_nothing_and_say_nothing(full: Home) -> None:
    full.config.write_text("[nonsense]\n")
    assert offered(full, "recall add x --agent ") == {}
    assert offered(full, "nights show ") == {}
    assert "show" in offered(full, "nights ")


def test_a_server_that_does_not_answer_is_soon_left_alone(home: Home) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        address = f"postgresql://me@127.0.0.1:{mute.getsockname()[1]}/memory"
        home.config.write_text(f'[memory]\nstore = "{address}"\n')
        watch = Stopwatch()
        with pytest.raises(StoreAway):
            names.ask(home, names.NIGHTS, WITHIN)
        assert watch.seconds() < WITHIN + 1.5
        assert offered(home, "nights show ") == {}


def test_a_server_that_answers_is_asked_as_a_file_is(home: Home, new_database: object) -> None:
    assert callable(new_database)
    home.config.write_text(f'[memory]\nstore = "{new_database()}"\n')
    home.config.chmod(0o600)
    with closing(open_stores(home)) as stores:
        stores.nights.begin_night("nap", "absent", NIGHT_AT)
        stores.memory.add(Draft("x", scope="/srv/shop"), NIGHT_AT)
    assert [row["id"] for row in names.ask(home, names.NIGHTS, 10.0)] == [1]
    assert [row["scope"] for row in names.ask(home, names.SCOPES, 10.0)] == ["/srv/shop"]
    for question in (names.RECALLS, names.SESSIONS, names.SLOTS, names.TASKS):
        assert names.ask(home, question, 10.0) == []


@pytest.mark.parametrize("line", ["nig", "nights show ", "recall add --agent ", "config set "])
def test_a_shell_is_answered_quickly(full: Home, line: str) -> None:
    """By the processor's time, which is the machine's own whatever else runs; usually it is half of this, or less."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ask(full, line).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


@pytest.mark.parametrize("line", ["nig", "nights show ", "recall show ", "consolidate --pass "])
def test_what_is_slow_to_load_is_not_loaded_for_it(full: Home, line: str) -> None:
    loaded = ask(full, line, PYTHONPROFILEIMPORTTIME="1").stderr
    modules = {each.rpartition("|")[2].strip() for each in loaded.splitlines()}
    assert "click" in modules
    assert not modules & {"rich", "numpy", "mcp", "pydantic", "httpx2", "psycopg", "jinja2", "starlette"}


def in_bash(home: Home, own: Path, line: str, *words: str) -> list[str]:
    """What bash's own function finds for a line, the words of which it takes apart itself."""
    needs("bash")
    program = """
        source <(iai-daemon completion bash)
        COMP_LINE=$1 COMP_POINT=${#1}; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _iai_daemon_completion "${COMP_WORDS[0]}"
        (( ${#COMPREPLY[@]} )) && printf '%s\\n' "${COMPREPLY[@]}"
        exit 0
    """
    done = subprocess.run(
        [shutil.which("bash") or "bash", "--norc", "--noprofile", "-c", program, "bash", line, *words],
        env=environment(home, own),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "words", "found"),
    [
        ("iai-daemon nights un", ["iai-daemon", "nights", "un"], ["undo"]),
        ("iai-daemon nights show ", ["iai-daemon", "nights", "show", ""], ["2", "1"]),
        # Bash breaks words there, and puts what is found in the place of the last part.
        (
            "iai-daemon consolidate --pass command:ti",
            ["iai-daemon", "consolidate", "--pass", "command", ":", "ti"],
            ["tidy"],
        ),
        (
            "iai-daemon consolidate --pass=command:",
            ["iai-daemon", "consolidate", "--pass", "=", "command", ":"],
            ["tidy"],
        ),
        (
            "iai-daemon memory share /srv/my",
            ["iai-daemon", "memory", "share", "/srv/my"],
            ["/srv/my\\ project"],
        ),
        (
            "iai-daemon memory share /srv/\\$",
            ["iai-daemon", "memory", "share", "/srv/\\$"],
            ["/srv/\\$\\(touch\\ stolen\\)"],
        ),
        ('iai-daemon memory share "/srv/my', ["iai-daemon", "memory", "share", '"/srv/my'], []),
    ],
)
def test_bash_completes(full: Home, own: Path, line: str, words: Sequence[str], found: list[str]) -> None:
    assert in_bash(full, own, line, *words) == found


def test_bash_gets_nothing_from_a_program_that_is_gone(full: Home, own: Path) -> None:
    assert in_bash(full, own, "~/iai-daemon nights ", "~/iai-daemon", "nights", "") == []


def test_bash_asks_the_program_that_is_typed(full: Home, own: Path) -> None:
    (own / "iai-daemon").symlink_to(Path(sys.executable).with_name("iai-daemon"))
    assert in_bash(full, own, "~/iai-daemon nights un", "~/iai-daemon", "nights", "un") == ["undo"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("iai-daemon nights un", ["nights", "undo"]),
        ("iai-daemon consolidate --pass command:t", ["consolidate", "--pass", "command:tidy"]),
        ("iai-daemon memory search x --scope=/srv/my", ["memory", "search", "x", "--scope=/srv/my project"]),
        ("iai-daemon memory share /srv/\\$", ["memory", "share", "/srv/$(touch stolen)"]),
        ("iai-daemon --home /etc/ssl/ce", ["--home", "/etc/ssl/certs/"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_typed_at_a_prompt_is_completed(
    full: Home, own: Path, shell: str, line: str, words: list[str]
) -> None:
    needs(shell)
    got = typed(shell, line, environment(full, own))
    # Whether a directory that is complete ends with a slash is the shell's affair.
    assert [each.rstrip("/") for each in got] == [each.rstrip("/") for each in words]
    assert not (own / "stolen").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_says_how_it_is_used_and_the_shell_can_read_it(home: Home, own: Path, shell: str) -> None:
    needs(shell)
    script = said(home, "completion", shell)
    assert f"iai-daemon completion {shell} --install" in script
    done = subprocess.run(
        [shell, "-n", "/dev/stdin"], input=script, text=True, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def complete(home: Home, own: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "iai_daemon", "completion", *words],
        env={**environment(home, own), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/iai-daemon"),
        ("zsh", ".local/share/zsh/site-functions/_iai-daemon"),
        ("fish", ".config/fish/completions/iai-daemon.fish"),
    ],
)
def test_it_is_installed_where_the_shell_looks_and_no_other_file_is_touched(
    home: Home, own: Path, shell: str, place: str
) -> None:
    for _ in range(2):
        done = complete(home, own, "--install", SHELL=f"/usr/bin/{shell}")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"wrote {own / place}\n" in done.stdout
    assert [path for path in own.rglob("*") if path.is_file()] == [own / place]
    assert (own / place).read_text() == complete(home, own, shell).stdout


def test_what_others_put_there_is_left_alone(home: Home, own: Path) -> None:
    path = own / ".config" / "fish" / "completions" / "iai-daemon.fish"
    path.parent.mkdir(parents=True)
    path.write_text("# mine")
    done = complete(home, own, "fish", "--install")
    assert done.returncode == 1
    assert "was not made by this command" in done.stderr
    assert path.read_text() == "# mine"


def test_the_shells_variables_say_where_else(home: Home, own: Path) -> None:
    for shell, variable, place in (
        ("zsh", "XDG_DATA_HOME", "zsh/site-functions/_iai-daemon"),
        ("fish", "XDG_CONFIG_HOME", "fish/completions/iai-daemon.fish"),
        ("bash", "BASH_COMPLETION_USER_DIR", "completions/iai-daemon"),
    ):
        done = complete(home, own, shell, "--install", **{variable: str(own / "elsewhere")})
        assert done.returncode == 0, done.stderr
        assert (own / "elsewhere" / place).is_file()
        # As the convention has it, a path that depends on where one stands counts as none.
        assert str(own / ".") in complete(home, own, shell, "--json", **{variable: "elsewhere"}).stdout


def test_zsh_and_fish_find_what_was_installed(full: Home, own: Path) -> None:
    programs = {
        "zsh": "fpath=(~/.local/share/zsh/site-functions $fpath); autoload -U compinit; compinit -D -u; print $_comps[iai-daemon]",
        "fish": 'complete -C "iai-daemon nights un"',
    }
    expected = {"zsh": "_iai-daemon", "fish": "undo\tPut back every memory"}
    for shell, program in programs.items():
        needs(shell)
        assert complete(full, own, shell, "--install").returncode == 0
        options = ["-f"] if shell == "zsh" else []
        done = subprocess.run(
            [shell, *options, "-c", program],
            env=environment(full, own),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.startswith(expected[shell]), done


def test_a_login_shell_that_is_not_known_has_to_be_named(home: Home, own: Path) -> None:
    done = complete(home, own, SHELL="/bin/tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "(tcsh)" in done.stderr
    assert refused(home, "completion", "tcsh", status=2)
    assert call(home, "completion", "bash", "--json").stdout.startswith('{"schema": 1, "shell": "bash"')
