"""A project with real videos whose roles all ask one OpenAI-compatible server."""

from pathlib import Path
from typing import Final

from tests.fakes.counting_engine import write_templates
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.loader import parse_project
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES, STRATEGIES

KEY_VARIABLE: Final = "VIDEOPASTA_TEST_KEY"

YAML: Final = """
videos: {{per_shard: {per_shard}}}
frames: {{dense: {{value: 8}}, sparse: {{value: 2}}}}
recipe: {{queries_per_video: {queries}, max_attempts: 2, prompts: prompts}}
roles:
  query_writer: &served
    engine: openai
    model: some-model
    revision: "1"
    prompt_style: compact
    server:
      base_url: {base_url}
      api_key_env: {variable}
      timeout_seconds: 5
      attempts: 3
      patience_seconds: {patience}
  responder: *served
  verifier: *served
  judge: *served
"""


def make_served_project(
    root: Path, base_url: str, *, videos: int, per_shard: int = 2, queries: int = 6, patience: float = 1.0
) -> Path:
    """Write the project's files and `videos` videos."""
    root.mkdir(parents=True)
    text = YAML.format(
        base_url=base_url, variable=KEY_VARIABLE, per_shard=per_shard, queries=queries, patience=patience
    )
    (root / "videopasta.yaml").write_text(text)
    names = [f"{task}/{mode}" for task in ("query", "aligned") for mode in MODES]
    names += [f"adversary/{mode}/{strategy}" for mode in MODES for strategy in STRATEGIES[mode]]
    write_templates(root / "prompts", [*names, "verify"])
    for seed in range(videos):
        write_video(root / "videos" / f"video {seed}.mp4", seed)
    return root


def open_project(root: Path) -> Project:
    """A fresh look at the folder, as a new process has."""
    file = root / "videopasta.yaml"
    return Project(parse_project(file.read_text(), file))
