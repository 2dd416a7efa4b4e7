"""A project with real videos and a counting engine."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.counting_engine import CountingEngine, OneEngine, write_templates
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.loader import parse_project
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import landing, pipeline
from videopasta_assets.stages.materialize import Outcome
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES, STRATEGIES

YAML = """
videos: {per_shard: 2}
frames: {dense: {value: 8}, sparse: {value: 2}}
recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}
roles:
  query_writer: {model: some-model, prompt_style: compact}
  responder: {model: some-model, prompt_style: compact}
  verifier: {model: some-model, prompt_style: compact}
"""


@dataclass
class Bench:
    """A project folder, its engine, and short ways to run it."""

    root: Path
    engine: CountingEngine

    @property
    def project(self) -> Project:
        """A fresh look at the folder, as a new process would have."""
        return Project(parse_project((self.root / "videopasta.yaml").read_text(), self.root / "videopasta.yaml"))

    def add_videos(self, *seeds: int) -> None:
        for seed in seeds:
            write_video(self.root / "videos" / f"video {seed}.mp4", seed)

    def run(self, *, retry_failed: bool = False) -> dict[str, dict[str, Outcome]]:
        project = self.project
        landing.land(project)
        return {
            shard: pipeline.run_shard(project, shard, OneEngine(self.engine), retry_failed=retry_failed)
            for shard in list_shards(project.lake)
        }

    def rows(self, table: str) -> list[dict[str, object]]:
        project = self.project
        return [
            row
            for shard in project.lake.shards_of(table, project.address(table, "x").recipe)
            for row in project.lake.rows(project.address(table, shard))
        ]

    def edit(self, old: str, new: str) -> None:
        path = self.root / "videopasta.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "videopasta.yaml").write_text(YAML)
    (tmp_path / "some-model").mkdir()
    (tmp_path / "some-model" / "config.json").write_text("{}")
    (tmp_path / "some-model" / "model.safetensors").write_bytes(b"weights that no test loads")
    names = [f"{task}/{mode}" for task in ("query", "aligned") for mode in MODES]
    names += [f"adversary/{mode}/{strategy}" for mode in MODES for strategy in STRATEGIES[mode]]
    write_templates(tmp_path / "prompts", [*names, "verify", "check_answer"])
    made = Bench(tmp_path, CountingEngine())
    made.add_videos(1, 2, 3)
    return made
