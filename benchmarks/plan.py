"""How long a plan takes, by the size of the lake: nothing changed, a template edited, ten new videos.

    python benchmarks/plan.py [--videos 1000 3000 10000 100000] [--folder DIR] [--keep]

A first shard of 32 real videos goes through the pipeline, ten questions and thirty slots a video; an engine that
answers by rule stands for the models, so that the tables are of the real size. The other shards are copies of its
rows under identifiers of their own, written by the lake with manifests of their own; their videos are empty files of
known size and time, since a plan looks at nothing else of them. Every plan is made by a project that was opened anew,
reads every manifest from the disk (or the system's cache), and is checked: its row counts have to be the right ones.
Processor time counts, so that other work on the machine does not blur the figures; the clock's time is printed too.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.loader import parse_project
from videopasta_assets.lake import TABLES
from videopasta_assets.lake.shards import LandedVideo, list_shards, read_shard, seal_shards
from videopasta_assets.planning import Plan, make_plan
from videopasta_assets.planning.shard_plan import Survey
from videopasta_assets.stages import adversaries, landing, pipeline, preference_set, verdicts, videos
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import STRATEGIES, FailureMode

PER_SHARD: Final = 32
GOALS: Final = {3_000: 2.0, 100_000: 20.0}
EDITED: Final = "adversary/spatial/" + STRATEGIES[FailureMode.SPATIAL][0]
YAML: Final = f"""
videos: {{per_shard: {PER_SHARD}}}
frames: {{dense: {{value: 8}}, sparse: {{value: 2}}}}
recipe: {{prompts: prompts}}
roles:
  query_writer: {{model: some-model, prompt_style: compact}}
  responder: {{model: some-model, prompt_style: compact}}
  verifier: {{model: some-model, prompt_style: compact}}
"""
_HASH_COLUMNS: Final = frozenset(
    f"{name}_id" for name in ("video", "query", "response", "adversary", "pair")
) | frozenset(("row_key", "provenance", "data_version"))
Where = tuple[Path, Project]


def main() -> None:
    """Build a lake, grow it from size to size, and plan it at each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, nargs="+", default=[1_000, 3_000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, help="Where the lake is built; none: a temporary folder.")
    parser.add_argument("--keep", action="store_true", help="Leave the lake there.")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        measured = {count: measure(root, count) for count in sorted(arguments.videos)}
    finally:
        if not arguments.keep:
            shutil.rmtree(root)
    size = max(count for count in measured if count in GOALS or count == max(measured))
    worst, goal = max(measured[size].values()), GOALS.get(size)
    print(
        json.dumps(
            {
                "name": f"plan of {size} videos, slowest of {', '.join(measured[size])}",
                "figure": round(worst, 2),
                "unit": "CPU-s",
                "baseline": goal,
                "ratio": None if goal is None else round(goal / worst, 2),
                "goal": goal,
                "by_size": {
                    str(count): {name: round(s, 3) for name, s in own.items()} for count, own in measured.items()
                },
            }
        )
    )


def measure(root: Path, count: int) -> dict[str, float]:
    """Seconds of each kind of plan over a lake of `count` videos (rounded up to whole shards)."""
    start = time.perf_counter()
    opened = grown(root, count)
    shards = len(list_shards(opened.lake))
    rows = sum(step.rows_fresh for step in make_plan(opened).steps)
    print(f"{count} videos: {shards} shards, {rows} rows, built in {time.perf_counter() - start:.0f} s", flush=True)
    scenarios: dict[str, Callable[[], float]] = {
        "fresh": lambda: timed(root, lambda plan: expect(plan, stale=0, waiting=0)),
        "one file gone": lambda: with_file_gone(root, lambda plan: expect(plan, stale=1, waiting=5)),
        "pairs not in the set": lambda: with_set_unproved(root),
        "ten new videos": lambda: timed(root, lambda plan: expect(plan, stale=0, waiting=5), new_videos=10),
        "template edited": lambda: with_template_edited(root, shards),
        "model changed": lambda: with_model_changed(root, shards),
    }
    seconds = {}
    for name, scenario in scenarios.items():
        seconds[name] = scenario()
        print(name, flush=True)
    return seconds


def expect(plan: Plan, *, stale: int, waiting: int) -> None:
    """The plan is the right one.

    Raises:
        AssertionError: it is not.
    """
    own = [step for step in plan.steps if step.partition not in ("all", "default")]
    counted = sum(step.rows_stale for step in own)
    assert counted == stale, f"{counted} rows are stale, not {stale}"
    assert sum(step.waiting for step in own) == waiting, [step for step in own if step.waiting][:9]


def timed(root: Path, check: Callable[[Plan], None], *, new_videos: int = 0) -> float:
    """Seconds of one plan by a fresh project, the best of three: of processor time, system calls included."""
    best = wall = float("inf")
    for _ in range(3):
        start, clock = time.process_time(), time.perf_counter()
        plan = make_plan(project(root), new_videos=new_videos)
        best = min(best, time.process_time() - start)
        wall = min(wall, time.perf_counter() - clock)
        check(plan)
    print(f"    {best:8.3f} s of processor time, {wall:8.3f} s by the clock: ", end="", flush=True)
    return best


def with_file_gone(root: Path, check: Callable[[Plan], None]) -> float:
    gone = next((root / "videos").glob("00000001-*.mp4"))
    aside = gone.with_suffix(".aside")
    gone.rename(aside)
    seconds = timed(root, check)
    aside.rename(gone)
    return seconds


def with_set_unproved(root: Path) -> float:
    """Nothing says which pairs the preference set was made of: it is compared pair by pair."""
    opened = project(root)
    place = opened.address("preference_set", preference_set.ALL)
    opened.lake.write_table(place, opened.lake.read(place), preference_set.spec(opened), {"verified_pairs": "other"})
    seconds = timed(root, lambda plan: expect(plan, stale=0, waiting=0))
    write_preference_set(opened)
    return seconds


def with_template_edited(root: Path, shards: int) -> float:
    """An adversarial template: its attempts are stale, and only those; pairs wait."""
    held = project(root).lake.manifest(project(root).address("adversaries", "s000000"))
    assert held is not None
    name = EDITED.removeprefix("adversary/")
    stale = sum(count for history, count in held.counts.items() if _templates(history).count(name)) * shards
    path = root / "prompts" / f"{EDITED}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("edited: {{ mode }} {{ strategy }} {{ query }} {{ duration }}")
    seconds = timed(root, lambda plan: expect(plan, stale=stale, waiting=shards))
    path.unlink()
    return seconds


def with_model_changed(root: Path, shards: int) -> float:
    """Another verifier: every slot is judged again."""
    other = root / "other-model"
    shutil.copytree(root / "some-model", other)
    (other / "model.safetensors").write_bytes(b"other weights that nobody loads")
    file = root / "videopasta.yaml"
    file.write_text(YAML.replace("verifier: {model: some-model", "verifier: {model: other-model"))
    held = project(root).lake.manifest(project(root).address("adversaries", "s000000"))
    assert held is not None
    slots = sum(held.counts.values())
    seconds = timed(root, lambda plan: expect(plan, stale=slots * shards, waiting=shards))
    file.write_text(YAML)
    shutil.rmtree(other)
    return seconds


def _templates(history: str) -> list[str]:
    return [attempt.rstrip("=!?") for attempt in history.split(" ")]


def project(root: Path) -> Project:
    """The project, as a new process would open it."""
    file = root / "videopasta.yaml"
    return Project(parse_project(file.read_text(), file))


def grown(root: Path, count: int) -> Project:
    """The project with at least `count` videos landed and everything made of them."""
    if not (root / "videopasta.yaml").exists():
        first_shard(root)
    opened = project(root)
    survey = Survey.of(opened, retry_failed=False)
    tables = {
        table: opened.lake.read(opened.address(table, "s000000"))
        for table in (
            "sampled_videos",
            "queries",
            "aligned_responses",
            "adversaries",
            "verdicts",
            "verified_pairs",
        )
    }
    base = read_shard(opened.lake, "s000000")
    for number in range(len(list_shards(opened.lake)), -(-count // PER_SHARD)):
        copy_shard(opened, survey, tables, base.videos, number)
    write_preference_set(opened)
    return opened


def write_preference_set(opened: Project) -> None:
    """The set of all pairs, as `preference_set.run` writes it, column by column."""
    pairs = preference_set.wanted_pairs(opened)
    pairs = pairs.take(pc.sort_indices(pairs["pair_id"]))
    schema = TABLES["preference_set"].arrow
    known = {
        "row_key": pairs["pair_id"],
        "pair_id": pairs["pair_id"],
        "data_version": pairs["data_version"],
        "pair_version": pairs["data_version"],
        "adv_mode": pairs["adv_mode"],
    }
    columns = [known.get(name, pa.nulls(len(pairs), schema.field(name).type)) for name in schema.names]
    place = opened.address("preference_set", preference_set.ALL)
    table = pa.table(columns, schema=schema)
    opened.lake.write_table(place, table, preference_set.spec(opened), preference_set.versions(opened))


def first_shard(root: Path) -> None:
    """A project with one shard of real videos, run through the pipeline."""
    (root / "videopasta.yaml").write_text(YAML)
    (root / "prompts").mkdir()
    (root / "some-model").mkdir()
    (root / "some-model" / "config.json").write_text("{}")
    (root / "some-model" / "model.safetensors").write_bytes(b"weights that nobody loads")
    for seed in range(PER_SHARD):
        write_video(root / "videos" / f"{seed}.mp4", seed, frames=8)
    opened = project(root)
    landing.land(opened)
    pipeline.run_shard(opened, "s000000", OneEngine(CountingEngine()))


def copy_shard(
    opened: Project, survey: Survey, tables: dict[str, pa.Table], base: Sequence[LandedVideo], number: int
) -> None:
    """Shard `number`: the first one's rows under identifiers that begin with the number."""
    prefix = f"{number:08x}"
    landed = [_landed(opened, video, prefix) for video in base]
    (shard,) = seal_shards(opened.lake, landed, PER_SHARD)
    held = {"videos": videos.run(opened, shard.key).manifest.data_version}
    for stage in (*survey.stages[1:], *survey.after):
        if stage.table == "verified_pairs":
            held |= _copy_attempts(opened, survey, tables, shard.key, prefix, held)
        table = _renamed(tables[stage.table], prefix)
        counts = opened.lake.manifest(opened.address(stage.table, "s000000"))
        held[stage.table] = opened.lake.write_table(
            opened.address(stage.table, shard.key),
            table,
            survey.specs[stage.table],
            {name: held.get(name, "") for name in stage.inputs},
            counts.counts if counts else None,
        ).data_version


def _copy_attempts(
    opened: Project, survey: Survey, tables: dict[str, pa.Table], key: str, prefix: str, held: dict[str, str]
) -> dict[str, str]:
    versions = {name: held.get(name, "") for name in adversaries.INPUTS}
    first = opened.lake.manifest(opened.address("adversaries", "s000000"))
    made = opened.lake.write_table(
        opened.address("adversaries", key),
        _renamed(tables["adversaries"], prefix),
        survey.specs["adversaries"],
        versions,
        first.counts if first else None,
    ).data_version
    judged = opened.lake.write_table(
        opened.address("verdicts", key),
        _renamed(tables["verdicts"], prefix),
        verdicts.spec(opened),
        adversaries.verdict_inputs(versions, made),
    ).data_version
    return {"adversaries": made, "verdicts": judged}


def _landed(opened: Project, video: LandedVideo, prefix: str) -> LandedVideo:
    path = f"{prefix}-{video.path}"
    file = opened.video_folder / path
    file.touch()
    os.utime(file, ns=(video.modified_ns, video.modified_ns))
    return LandedVideo(prefix + video.video_id[8:], path, 0, video.modified_ns)


def _renamed(table: pa.Table, prefix: str) -> pa.Table:
    columns: Iterator[pa.ChunkedArray] = (
        pc.utf8_replace_slice(table[name], 0, len(prefix), prefix) if name in _HASH_COLUMNS else table[name]
        for name in table.column_names
    )
    return pa.table(list(columns), schema=table.schema)


if __name__ == "__main__":
    main()
