"""Help is instant; exit codes are 0 done, 1 work failed, 2 wrong use; a mistake is one sentence."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from videopasta_assets import __version__

COMMANDS = ("init", "toyworld", "run", "plan", "status", "sql", "ui", "doctor")


def test_help_names_every_command(invoke: Invoke) -> None:
    done = invoke("--help")
    assert done.code == 0
    assert all(f" {command} " in done.out for command in COMMANDS)


def test_help_loads_nothing_heavy() -> None:
    """Start-up stays quick as long as none of these is imported; the clock alone would be a flaky witness."""
    script = (
        "import sys\nfrom videopasta_assets.cli.main import app\n"
        "print([name for name in ('torch', 'dagster', 'transformers', 'pyarrow', 'duckdb') if name in sys.modules])"
    )
    started = time.monotonic()
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
    assert time.monotonic() - started < 10


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").out.strip() == f"videopasta-assets {__version__}"


@pytest.mark.parametrize("arguments", [("nope",), ("run", "--nope"), ("sql", "--rows", "0", "SELECT 1"), ()])
def test_wrong_use_is_2(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).code == 2


@pytest.mark.parametrize("command", ["run", "plan", "status", "ui"])
def test_no_project_is_one_sentence(invoke: Invoke, command: str, tmp_path: Path) -> None:
    done = invoke(command, "--project", tmp_path)
    assert done.code == 2
    assert done.err == (
        f"error: {tmp_path}/videopasta.yaml: no project file here. "
        "Run `videopasta init DIR` to make one, or name it with --project.\n"
    )
    assert done.out == ""


def test_the_project_may_stand_before_or_after_the_command_or_in_the_environment(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("init", tmp_path / "p")
    before = invoke("--project", tmp_path / "p", "status", "--json")
    after = invoke("status", "--json", "--project", tmp_path / "p")
    monkeypatch.setenv("VIDEOPASTA_PROJECT", str(tmp_path / "p"))
    around = invoke("status", "--json")
    assert before.code == after.code == around.code == 0
    assert before.json == after.json == around.json


def test_a_mistake_in_the_project_file_is_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "videopasta.yaml").write_text("recipe: {query_per_video: 3}")
    done = invoke("plan", "-p", tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "Did you mean 'queries_per_video'?" in done.err


def test_the_commands_and_dagster_look_for_the_project_in_the_same_variable() -> None:
    from resources.project import PROJECT_VARIABLE
    from videopasta_assets.cli import options

    assert options.PROJECT_VARIABLE == PROJECT_VARIABLE
