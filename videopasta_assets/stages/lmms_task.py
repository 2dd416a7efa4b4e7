"""A task of lmms-eval made of a benchmark's own items, so that both runners ask the same in the same words."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from videopasta_assets.config.evaluation import LmmsEvalSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.evaluation import BenchmarkItem, lmms_functions, multiple_choice
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.files import replace_file
from videopasta_assets.prompts import Prompt
from videopasta_assets.stages.benchmark_answers import item_prompt, video_of
from videopasta_assets.stages.benchmark_items import benchmark_named, find_video, items_of
from videopasta_assets.stages.lmms_eval import Task
from videopasta_assets.stages.project import Project
from videopasta_assets.video.probe import VideoInfo

METRIC: Final = "accuracy"
_ITEMS: Final = "items.jsonl"
_TASK_FILES: Final = (".yaml", ".yml", ".py")
_FUNCTIONS: Final = {
    "doc_to_visual": "visuals",
    "doc_to_text": "text",
    "doc_to_messages": "messages",
    "doc_to_target": "target",
    "process_results": "score",
}
"""Keys of lmms-eval's tasks, and the function in `lmms_functions` behind each."""


def task_of(project: Project, benchmark: str, settings: LmmsEvalSettings) -> Task:
    """The task that the settings name, or one made of the benchmark's items.

    Raises:
        UserError: an item is no choice among options, or no video can be read.
    """
    if settings.task is not None:
        folder = None if settings.tasks is None else project.settings.path(settings.tasks)
        return Task(settings.task, folder, settings.metric, content=tasks_hash(project, settings))
    made = write_task(project, benchmark, Path(project.settings.root) / ".cache" / "lmms_tasks" / benchmark)
    return made if settings.metric is None else replace(made, metric=settings.metric)


def tasks_hash(project: Project, settings: LmmsEvalSettings) -> str:
    """Hash of the files in the folder of tasks of one's own; empty where there is none."""
    if settings.tasks is None:
        return ""
    files = sorted(path for path in project.settings.path(settings.tasks).glob("*") if path.suffix in _TASK_FILES)
    return stable_hash([(path.name, path.read_text(encoding="utf-8")) for path in files])


def write_task(project: Project, benchmark: str, folder: Path) -> Task:
    """Make a task of the benchmark's items in `folder`.

    Items whose video is missing or cannot be read are left out: lmms-eval would end at the first.

    Raises:
        UserError: an item is no choice among options, or no video can be read.
    """
    settings = benchmark_named(project, benchmark)
    videos = project.benchmark_folder(settings)
    lines = []
    for item in items_of(project, benchmark):
        if item.form != "choice":
            raise UserError(
                f"item {item.item_id} is of form {item.form}, and lmms-eval is given choices alone",
                where=f"evaluation.benchmarks: {benchmark}",
                fix="Leave such items out with `only`, or use runner: videopasta.",
            )
        try:
            info = video_of(project, settings, item, find_video(videos, item.video, ()))
        except VideoPastaError:
            continue
        lines.append(json.dumps(_line(item, info, item_prompt(project, item, settings, info.duration))))
    if not lines:
        raise UserError(
            f"none of the videos of benchmark {benchmark!r} can be read",
            where=str(videos),
            fix="Put them there, or set its videos.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / _ITEMS, "".join(f"{line}\n" for line in lines).encode())
    for module in (lmms_functions, multiple_choice):
        shutil.copy(str(module.__file__), folder)
    name = f"videopasta_{benchmark.replace('-', '_')}"
    replace_file(folder / f"{name}.yaml", _task(project, name, folder / _ITEMS).encode())
    return Task(name, folder, METRIC, content=stable_hash(lines))


def _line(item: BenchmarkItem, info: VideoInfo, prompt: Prompt) -> dict[str, Any]:
    start, end = item.segment or (None, None)
    return {
        "item_id": item.item_id,
        "video": str(info.path),
        "start": start,
        "end": end,
        "system": prompt.system,
        "prompt": prompt.text,
        "options": list(item.options),
        "answer_index": item.answer_index,
    }


def _task(project: Project, name: str, items: Path) -> str:
    how = project.settings.evaluation.decoding
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(items)}},
        "test_split": "test",
        "output_type": "generate_until",
        "generation_kwargs": {
            "max_new_tokens": how.max_new_tokens,
            "temperature": how.temperature,
            "do_sample": how.temperature > 0,
        },
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in (METRIC, "parsed")
        ],
    }
    functions = "".join(f"{key}: !function lmms_functions.{function}\n" for key, function in _FUNCTIONS.items())
    return yaml.safe_dump(task, sort_keys=False) + functions
