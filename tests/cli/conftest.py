"""The command line in this process, and a project whose roles a counting engine answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bench_project import BenchProject


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Invoke = Callable[..., Done]


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    from videopasta_assets.cli.main import command_line

    monkeypatch.setenv("VIDEOPASTA_PROJECT", "")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> Done:
        capsys.readouterr()
        try:
            command_line([str(argument) for argument in arguments])
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        written = capsys.readouterr()
        return Done(code, written.out, written.err)

    return run


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BenchProject:
    """Two shards of real videos; the benchmark is left out, training is not asked for."""
    from resources.engines import WarmEngines

    made = BenchProject.make(tmp_path)
    file = tmp_path / "videopasta.yaml"
    file.write_text(file.read_text().split("evaluation:")[0])
    monkeypatch.setattr(WarmEngines, "engine", lambda _, role: made.engine)
    return made
