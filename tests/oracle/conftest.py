import random
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.fakes.toyworld_engine import one
from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.presets import preset_text
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import landing, pipeline
from videopasta_assets.stages.project import Project
from videopasta_assets.toyworld.folder import read_truth, write_folder
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import split_scene


@pytest.fixture(scope="session")
def many_scenes() -> list[tuple[Scene, random.Random]]:
    return [(split_scene("validation", rng), rng) for rng in (random.Random(seed) for seed in range(40))]


@dataclass
class World:
    """A project whose pairs were made by an engine that knows the truth, but lies about foreground and background."""

    project: Project
    shard: str
    scenes: dict[str, Scene]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root: Path = tmp_path_factory.mktemp("world")
    truth = root / "truth"
    write_folder(root / "videos", truth, 2, 0, "pairs")
    settings = yaml.safe_load(preset_text("embedded"))
    settings["recipe"] = {"queries_per_video": 15, "max_attempts": 1, "queries_by_mode": None}
    text = yaml.safe_dump(settings)
    project = Project(parse_project(text, root / "videopasta.yaml"))
    landing.land(project)
    landing.land(project)
    scenes = {path.stem: scene for path in truth.glob("*.json") if (scene := read_truth(truth, path.stem)) is not None}
    (shard,) = list_shards(project.lake)
    pipeline.run_shard(project, shard, one(scenes, lies="foreground_background"))
    return World(project, shard, scenes)
