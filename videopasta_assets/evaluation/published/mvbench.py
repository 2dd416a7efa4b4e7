"""MVBench: twenty tasks of 200 items each; some ask about a part of the video."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, place_of, read_records

FOLDERS: Final = {
    "action_antonym": "ssv2_video",
    "action_count": "perception/videos",
    "action_localization": "sta/sta_video",
    "action_prediction": "star/Charades_v1_480",
    "action_sequence": "star/Charades_v1_480",
    "character_order": "perception/videos",
    "counterfactual_inference": "clevrer/video_validation",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/frames_fps3_hq",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "fine_grained_pose": "nturgbd",
    "moving_attribute": "clevrer/video_validation",
    "moving_count": "clevrer/video_validation",
    "moving_direction": "clevrer/video_validation",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_v1_480",
    "object_shuffle": "perception/videos",
    "scene_transition": "scene_qa/video",
    "state_change": "perception/videos",
    "unexpected_action": "FunQA_test/test",
}
"""Where the distribution keeps each task's videos."""


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:
    """Items of the tasks' JSON files."""
    return [
        task_item(record, path.stem, number, FOLDERS.get(path.stem, ""), subtitles=subtitles)
        for path in files
        for number, record in enumerate(read_records(path))
    ]


def task_item(record: Record, task: str, number: int, folder: str, *, subtitles: bool = False) -> BenchmarkItem:
    """An item of MVBench's form, which TVBench shares: video, question, candidates, answer, start and end."""
    options = record.texts("candidates")
    answer = place_of(record.text("answer"), options)
    return BenchmarkItem(
        item_id=f"{task}-{number}",
        video=record.video("video", form=f"{folder}/{{}}" if folder else "{}"),
        question=record.text("question"),
        options=options,
        answer_index=max(answer, 0),
        category=task,
        facets=(("task", task),),
        segment=_segment(record),
        subtitles=record.optional("subtitle") if subtitles else "",
        flaw="" if answer >= 0 else "its published answer is none of its options",
    )


def _segment(record: Record) -> tuple[float, float] | None:
    start, end = record.data.get("start"), record.data.get("end")
    if start is None or end is None:
        return None
    try:
        return (float(start), float(end))
    except (TypeError, ValueError) as error:
        raise record.wrong("start", "and 'end' must be seconds") from error


BENCHMARK: Final = Benchmark(
    name="mvbench",
    title="MVBench",
    source="the data set OpenGVLab/MVBench of the model hub",
    layout="json/*.json (20 files) and video/ with the unpacked archives",
    files=(tuple(f"json/{task}.json" for task in FOLDERS), tuple(f"{task}.json" for task in FOLDERS)),
    load=load,
    facets=("task",),
    video_folders=("video", "videos", "video/data0613", "data0613"),
)
