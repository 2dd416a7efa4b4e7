"""The installed command, run as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.executable).parent / "videopasta"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs `videopasta` on one project."""

    project: Path

    def __call__(self, *arguments: object, prefix: Sequence[str] = ()) -> Ended:
        command = [*prefix, str(COMMAND), *map(str, arguments)]
        environment = {**os.environ, "VIDEOPASTA_PROJECT": str(self.project), "COLUMNS": "200"}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600, check=False
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def mistake(self, *arguments: object, code: int = 2, prefix: Sequence[str] = ()) -> str:
        """Run a command that must fail with `code` and end on one sentence, which is returned."""
        ended = self(*arguments, prefix=prefix)
        assert ended.code == code, ended
        assert "Traceback" not in ended.err
        last = ended.err.strip().splitlines()[-1]
        assert last.startswith("error: "), ended.err
        return last.removeprefix("error: ")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A fresh project without videos."""
    fresh = Shell(tmp_path / "project")
    assert fresh("init", fresh.project).code == 0
    return fresh


@pytest.fixture(scope="session")
def obeying_permissions() -> list[str]:
    """A command prefix under which permission bits hold for root too."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("running as root, and setpriv is not installed: permission bits do not hold")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
