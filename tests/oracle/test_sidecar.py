"""Nothing in the pipeline can read the truth: every process of a whole run is watched, and it runs without it too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from videopasta_assets.config.presets import preset_text
from videopasta_assets.toyworld.benchmark import write_benchmark
from videopasta_assets.toyworld.folder import write_folder

ROOT = Path(__file__).parents[2]

WATCH = """
import os, sys
_truth, _log = os.environ["WATCHED_TRUTH"], os.environ["WATCHED_LOG"]
def _watch(event, args, _opening={"open", "os.listdir", "os.scandir", "shutil.copyfile", "os.rename"}):
    if event in _opening and args and isinstance(args[0], (str, bytes, os.PathLike)):
        path = os.path.realpath(os.fsdecode(args[0]))
        if path == _truth or path.startswith(_truth + os.sep):
            descriptor = os.open(_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, (path + chr(10)).encode())
            raise PermissionError("the pipeline may not read the truth: " + path)
sys.addaudithook(_watch)
os.close(os.open(_log + ".alive", os.O_WRONLY | os.O_APPEND | os.O_CREAT))
"""
"""Runs at the start of every Python process of the run, decoding workers too."""

PIPELINE = """
import json, sys
from pathlib import Path
from tests.fakes.counting_engine import CountingEngine, OneEngine
from videopasta_assets.config.loader import load_project
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import benchmark_scores, landing, lora_checkpoint, pipeline, preference_set
from videopasta_assets.stages.project import Project

project, train = Project(load_project(Path(sys.argv[1]))), sys.argv[2] == "train"
engines = OneEngine(CountingEngine(accept=lambda text: True))
landing.land(project)
landing.land(project)
versions = {}
for shard in list_shards(project.lake):
    outcomes = pipeline.run_shard(project, shard, engines)
    versions |= {table: outcome.manifest.data_version for table, outcome in outcomes.items()}
preference_set.run(project)
if train:
    lora_checkpoint.run(project, "default")
    benchmark_scores.run(project, "default", "toyworld", engines)
print(json.dumps(versions))
"""

ORACLE = """
import sys
from pathlib import Path
from videopasta_assets.config.loader import load_project
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.oracle import answers
from videopasta_assets.stages.project import Project
project = Project(load_project(Path(sys.argv[1])))
answers.run(project, list_shards(project.lake)[0])
"""


def run(script: str, project: Path, log: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    watch = log.parent / "watch"
    watch.mkdir(exist_ok=True)
    (watch / "sitecustomize.py").write_text(WATCH)
    environment = {
        **os.environ,
        "PYTHONPATH": f"{watch}{os.pathsep}{ROOT}",
        "WATCHED_TRUTH": str((project / "truth").resolve()),
        "WATCHED_LOG": str(log),
    }
    command = [sys.executable, "-c", script, str(project / "videopasta.yaml"), *arguments]
    return subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=250, cwd=ROOT)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("watched")
    write_folder(root / "videos", root / "truth", 2, 3, "pairs")
    write_benchmark(root / "benchmark", root / "truth", 1, 3, 3, "benchmark")
    settings = yaml.safe_load(preset_text("embedded"))
    settings["recipe"] |= {"queries_per_video": 3, "max_attempts": 1}
    settings["recipe"]["aligned_check"] = {"method": "video"}
    settings["experiments"][0]["max_pairs"] = 4
    (root / "videopasta.yaml").write_text(yaml.safe_dump(settings))
    return root


def test_a_whole_run_opens_nothing_of_the_truth_and_does_not_miss_it(project: Path, tmp_path: Path) -> None:
    log = tmp_path / "opened"
    watched = run(PIPELINE, project, log, "train")
    assert watched.returncode == 0, watched.stderr[-2000:]
    assert (tmp_path / "opened.alive").exists() and not log.exists()

    (project / "lake").rename(project / "lake-with-truth")
    (project / "truth").rename(project / "elsewhere")
    without = run(PIPELINE, project, log, "generate only")
    (project / "elsewhere").rename(project / "truth")
    assert without.returncode == 0, without.stderr[-2000:]
    versions = json.loads(without.stdout.splitlines()[-1])
    assert versions == json.loads(watched.stdout.splitlines()[-1]) and "verified_pairs" in versions


def test_the_watch_sees_the_oracle(project: Path, tmp_path: Path) -> None:
    log = tmp_path / "opened"
    seen = run(ORACLE, project, log)
    assert seen.returncode != 0 and "may not read the truth" in seen.stderr
    assert log.read_text().startswith(str((project / "truth").resolve()))
