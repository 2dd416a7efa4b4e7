"""A project folder with real videos, whose roles a counting engine answers: for tests of what runs stages."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.fakes.counting_engine import CountingEngine, OneEngine, write_templates
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.loader import parse_project
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES, STRATEGIES

YAML: Final = """
videos: {per_shard: 2}
frames: {dense: {value: 8}, sparse: {value: 2}}
recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}
roles:
  query_writer: {model: some-model, prompt_style: compact}
  responder: {model: some-model, prompt_style: compact}
  verifier: {model: some-model, prompt_style: compact}
  judge: {model: some-model, prompt_style: compact}
experiments: [{name: first}, {name: second, seed: 1}]
evaluation:
  benchmarks: [{name: held-out, items: benchmark/items.jsonl}]
"""


@dataclass
class BenchProject:
    """A project in `root` and the engine that answers for all its roles."""

    root: Path
    engine: CountingEngine = field(default_factory=CountingEngine)

    @classmethod
    def make(cls, root: Path, *, videos: int = 3) -> "BenchProject":
        """Write the project's files and `videos` real videos."""
        (root / "videopasta.yaml").write_text(YAML)
        (root / "some-model").mkdir()
        (root / "some-model" / "config.json").write_text("{}")
        (root / "some-model" / "model.safetensors").write_bytes(b"weights that no test loads")
        names = [f"{task}/{mode}" for task in ("query", "aligned") for mode in MODES]
        names += [f"adversary/{mode}/{strategy}" for mode in MODES for strategy in STRATEGIES[mode]]
        write_templates(root / "prompts", [*names, "verify"])
        (root / "prompts" / "multiple_choice.j2").write_text("multiple_choice: {{ question }} {{ options }}")
        made = cls(root)
        for seed in range(videos):
            made.add_video(seed)
        return made

    def add_video(self, seed: int) -> Path:
        """Write one more video."""
        return write_video(self.root / "videos" / f"video {seed}.mp4", seed)

    @property
    def project(self) -> Project:
        """A fresh look at the folder, as a new process would have."""
        file = self.root / "videopasta.yaml"
        return Project(parse_project(file.read_text(), file))

    @property
    def engines(self) -> OneEngine:
        """The engine, for every role."""
        return OneEngine(self.engine)

    def edit(self, old: str, new: str) -> None:
        """Replace `old` in the project file."""
        path = self.root / "videopasta.yaml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
