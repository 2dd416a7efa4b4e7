"""A small whole project: real videos, a model that trains in seconds, a benchmark; an engine answers by rule."""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tests.fakes.counting_engine import CountingEngine, OneEngine, write_templates
from tests.fakes.tiny_videos import write_video
from tests.training.tiny_model import save_tiny_model
from videopasta_assets.config.loader import parse_project
from videopasta_assets.engines import Reply, Request
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES, STRATEGIES
from videopasta_assets.video.identity import content_id

BATCH: Final = 4
"""Requests that the engine takes at once: what a kill may cost."""

SAVE_STEPS: Final = 1
"""Training steps between two checkpoints: what a kill may cost."""

YAML: Final = f"""
videos: {{per_shard: 2}}
frames: {{dense: {{value: 8}}, sparse: {{value: 2}}}}
recipe: {{queries_per_video: 3, max_attempts: 2, prompts: prompts}}
roles:
  query_writer: {{model: some-model, prompt_style: compact, device: cpu}}
  responder: {{model: some-model, prompt_style: compact, device: cpu}}
  verifier: {{model: some-model, prompt_style: compact, device: cpu}}
  judge: {{model: some-model, prompt_style: compact, device: cpu}}
experiments:
- name: first
  max_pairs: 6
  training: {{batch_size: 2, micro_batch_size: 2, save_steps: {SAVE_STEPS}, learning_rate: 0.01}}
evaluation:
  benchmarks: [{{name: held-out, items: benchmark/items.jsonl}}]
"""


def make_project(root: Path, videos: int = 3) -> None:
    """Write the project's files, `videos` videos and six benchmark items about two more."""
    root.mkdir(parents=True)
    (root / "videopasta.yaml").write_text(YAML)
    names = [f"{task}/{mode}" for task in ("query", "aligned") for mode in MODES]
    names += [f"adversary/{mode}/{strategy}" for mode in MODES for strategy in STRATEGIES[mode]]
    write_templates(root / "prompts", [*names, "verify"])
    (root / "prompts" / "multiple_choice.j2").write_text("multiple_choice: {{ question }} {{ options }}")
    save_tiny_model(root / "some-model")
    for seed in range(videos):
        write_video(root / "videos" / f"video {seed}.mp4", seed)
    items = []
    for number in range(6):
        video = root / "benchmark" / f"held out {number % 2}.mp4"
        if not video.exists():
            write_video(video, 100 + number)
        items.append(
            {
                "item_id": f"item-{number}",
                "video": video.name,
                "video_id": content_id(video, [video.parent]),
                "mode": MODES[number % 3],
                "category": "any",
                "question": f"what is number {number}?",
                "options": ["this", "that", "both", "neither"],
                "answer_index": number % 4,
            }
        )
    (root / "benchmark" / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))


def open_project(root: Path) -> Project:
    """A fresh look at the folder, as a new process has."""
    file = root / "videopasta.yaml"
    return Project(parse_project(file.read_text(), file))


class BatchEngine(CountingEngine):
    """Takes a batch, enters it into a ledger outside the lake, then gives its replies one by one."""

    def __init__(self, ledger: Path) -> None:
        super().__init__()
        self._ledger = os.open(ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        batch: list[Request] = []
        for request in requests:
            batch.append(request)
            if len(batch) == BATCH:
                yield from self._answered(batch)
                batch = []
        yield from self._answered(batch)

    def _answered(self, batch: list[Request]) -> Iterator[Reply]:
        replies = list(super().generate(batch))
        for request in batch:
            key = f"{request.prompt.template}|{request.request_id}|{request.adapter is not None}"
            os.write(self._ledger, f"{key}\n".encode())
        yield from replies


def ledger_path(root: Path) -> Path:
    """Where the engine's calls for the project in `root` are counted."""
    return root.with_name(f"{root.name}.ledger")


def steps_path(root: Path) -> Path:
    """Where the optimizer steps for the project in `root` are counted."""
    return root.with_name(f"{root.name}.steps")


def engines_for(root: Path) -> OneEngine:
    """The ledger's engine, for every role."""
    return OneEngine(BatchEngine(ledger_path(root)))
