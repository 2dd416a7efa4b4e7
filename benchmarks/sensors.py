"""What a tick of `new_videos` costs: 10 new files among 1,000, 10,000 and 100,000 known ones.

    python -m benchmarks.sensors [--sizes 1000,10000,100000]

Real files, landed as the program lands them; each size is measured in a process of its own, as a code server would
tick: a quiet tick, the first look at ten new files, and the second, which lands them and requests their run. Memory is
what the process grew by over a tick of a project with ten files. The baseline reads every shard's file to know what
has landed, and lists the folder with pathlib.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

GOAL_SECONDS = 3.0
NEW = 10
SETTLE = 0.5
REPEATS = 3
YAML = f"automation: {{settle_seconds: {SETTLE}}}\n"


def add_files(root: Path, first: int, count: int) -> None:
    """Files of a few bytes, each of its own content, a thousand a folder."""
    for number in range(first, first + count):
        folder = root / "videos" / f"{number // 1000:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"video {number:06d}.mp4").write_bytes(f"not decoded here: {number}".encode())


def make(root: Path, size: int) -> None:
    """A project with `size` landed files. Nothing is forced to the disk here: it is not measured."""
    from resources.project import open_project
    from videopasta_assets.stages.landing import land

    root.mkdir()
    (root / "videopasta.yaml").write_text(YAML)
    add_files(root, 0, size)
    with patch.object(os, "fsync"):
        land(open_project(root))


def measure(small: Path, root: Path, size: int) -> dict[str, Any]:
    """Ticks over the project in `root`, after one over the project in `small`."""
    import dagster as dg

    from resources.project import open_project
    from sensors.new_videos import new_videos_sensor
    from videopasta_assets.config.settings import AutomationSettings
    from videopasta_assets.lake.shards import list_shards

    sensor = new_videos_sensor("pairs", AutomationSettings())
    cursors: dict[Path, str | None] = {}
    with dg.DagsterInstance.ephemeral() as instance:

        def tick(place: Path) -> tuple[tuple[float, float], int]:
            context = dg.build_sensor_context(
                instance=instance, cursor=cursors.get(place), resources={"project": open_project(place)}
            )
            started, processor = time.perf_counter(), time.process_time()
            result = sensor(context)
            seconds = (time.perf_counter() - started, time.process_time() - processor)
            assert isinstance(result, dg.SensorResult), result
            for request in result.dynamic_partitions_requests or []:
                instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
            cursors[place] = result.cursor
            return seconds, len(result.run_requests or [])

        while tick(small)[1]:
            pass
        before = peak_mib()
        while tick(root)[1]:  # a new Dagster instance is told of every shard first
            pass
        quiet: list[tuple[float, float]] = []
        first: list[tuple[float, float]] = []
        second: list[tuple[float, float]] = []
        for repeat in range(REPEATS):
            quiet.append(tick(root)[0])
            add_files(root, size + NEW * repeat, NEW)
            first.append(tick(root)[0])
            time.sleep(SETTLE)
            seconds, requests = tick(root)
            assert requests == 1, requests
            second.append(seconds)
        grown = peak_mib() - before
    lake = open_project(root).lake
    return {
        "files": size,
        "shards": len(list_shards(lake)),
        **_medians("quiet", quiet),
        **_medians("first_look", first),
        **_medians("landing", second),
        "grown_mib": round(grown, 1),
        "baseline_seconds": round(baseline(root), 3),
    }


def _medians(what: str, ticks: list[tuple[float, float]]) -> dict[str, float]:
    """Wall and processor seconds: the former depend on what else the machine does."""
    return {
        f"{what}_seconds": round(statistics.median(wall for wall, _ in ticks), 3),
        f"{what}_processor_seconds": round(statistics.median(processor for _, processor in ticks), 3),
    }


def baseline(root: Path) -> float:
    """Seconds that it takes to find the new files by reading every shard."""
    from resources.project import open_project
    from videopasta_assets.lake.shards import list_shards, read_shard

    project = open_project(root)
    started = time.perf_counter()
    landed = [video for key in list_shards(project.lake) for video in read_shard(project.lake, key).videos]
    known = {(video.path, video.size_bytes, video.modified_ns) for video in landed}
    new = 0
    for path in sorted(path for path in project.video_folder.glob("**/*.mp4") if path.is_file()):
        status = path.stat()
        new += (path.relative_to(project.video_folder).as_posix(), status.st_size, status.st_mtime_ns) not in known
    assert new == 0
    return time.perf_counter() - started


def peak_mib() -> float:
    """Most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        small, root, size = arguments.child
        print(json.dumps(measure(Path(small), Path(root), int(size))))
        return
    sizes = [int(size) for size in arguments.sizes.split(",")]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small"
        make(small, 10)
        for size in sizes:
            root = Path(folder) / str(size)
            make(root, size)
            child = [sys.executable, "-m", "benchmarks.sensors", "--child", str(small), str(root), str(size)]
            done = subprocess.run(child, capture_output=True, text=True, check=True, env=dict(os.environ))
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            print(json.dumps(row), flush=True)
    last = rows[-1]
    figure = max(last["first_look_seconds"], last["landing_seconds"])
    print(
        json.dumps(
            {
                "name": f"new_videos tick, {NEW} new among {last['files']} known files",
                "figure": figure,
                "unit": "s",
                "baseline": last["baseline_seconds"],
                "ratio": round(last["baseline_seconds"] / figure, 2),
                "goal": GOAL_SECONDS,
                "processor_seconds": max(last["first_look_processor_seconds"], last["landing_processor_seconds"]),
                "grown_mib": {row["files"]: row["grown_mib"] for row in rows},
            }
        )
    )


if __name__ == "__main__":
    main()
