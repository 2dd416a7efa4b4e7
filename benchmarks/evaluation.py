"""How long toyworld's held-out benchmark takes with the embedded model.

    python benchmarks/evaluation.py [--items 1000] [--threads 2] [--scoring generate likelihood]

Wall time counts everything: probing, decoding, the model, reading replies and writing the table. Processor time is that
of this process and its decoder, and says what the same work needs on an idle machine. Each line is followed by itself
as JSON.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import psutil
import torch
import yaml

from resources.engines import WarmEngines
from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.presets import preset_text
from videopasta_assets.stages import benchmark_answers
from videopasta_assets.stages.project import Project
from videopasta_assets.toyworld.benchmark import write_benchmark

ITEMS_A_VIDEO = 9


def project_in(root: Path, scoring: str) -> Project:
    """A project whose one benchmark is the folder's, with a lake of its own for each way of scoring."""
    data = yaml.safe_load(preset_text("embedded"))
    data["lake"] = f"lake-{scoring}"
    data["evaluation"]["benchmarks"] = [{"name": "toyworld", "items": "benchmark/benchmark.jsonl", "scoring": scoring}]
    return Project(parse_project(yaml.safe_dump(data), root / "videopasta.yaml"))


def processor_seconds() -> float:
    """Of this process and its children, so far."""
    this = psutil.Process()
    times = [process.cpu_times() for process in (this, *this.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)


def measure(root: Path, scoring: str) -> None:
    """Answer every item once, and print what it took."""
    project = project_in(root, scoring)
    engines = WarmEngines(project)
    engines.engine("responder")
    wall, spent = time.perf_counter(), processor_seconds()
    benchmark_answers.run(project, "base", "toyworld", None, engines)
    wall, spent = time.perf_counter() - wall, processor_seconds() - spent
    rows = project.lake.rows(project.address("benchmark_answers", "base__toyworld"))
    right = sum(bool(row["correct"]) for row in rows) / len(rows)
    print(
        f"{scoring:10}  {len(rows)} items  {wall:7.1f} s  {len(rows) / wall:6.1f} items/s  "
        f"{spent:7.1f} processor s  accuracy {100 * right:.1f} %",
        flush=True,
    )
    measured = {"scoring": scoring, "items": len(rows), "wall_seconds": wall, "processor_seconds": spent}
    print(json.dumps({**measured, "threads": torch.get_num_threads(), "accuracy": right}), flush=True)


def main() -> None:
    """Render the videos, then measure each way of scoring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--scoring", nargs="+", choices=("generate", "likelihood"), default=("generate", "likelihood"))
    parser.add_argument("--dir", type=Path, default=None, help="Keep the videos here.")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    with tempfile.TemporaryDirectory() as scratch:
        root = wanted.dir or Path(scratch)
        videos = -(-wanted.items // ITEMS_A_VIDEO)
        write_benchmark(root / "benchmark", root / "truth", videos, ITEMS_A_VIDEO, 0, "benchmark")
        for scoring in wanted.scoring:
            measure(root, scoring)


if __name__ == "__main__":
    main()
