"""MVBench: twenty tasks of 200 items each; five ask about a part of the video.

The hub has two revisions. `main` has whole videos, whose items say `start` and `end`; `video` has the parts cut out
("USNP1_1.3_15.4.mp4") and three tasks in other containers. An item's file name tells which of the two it is of.
"""

import re
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
"""Where revision `main` keeps each task's videos."""

_OF_VIDEO_REVISION: Final = {
    "action_antonym": "ssv2_video_mp4",
    "action_localization": "sta/sta_video_segment",
    "action_prediction": "star/Charades_segment",
    "action_sequence": "star/Charades_segment",
    "episodic_reasoning": "tvqa/video_fps3_hq_segment",
    "fine_grained_pose": "nturgbd_convert",
    "object_interaction": "star/Charades_segment",
}
_PARTS: Final = frozenset(
    ("action_localization", "action_prediction", "action_sequence", "episodic_reasoning", "object_interaction")
)
"""Tasks that ask about a part of the video; the times that other tasks' items may have are not used."""

_CUT: Final = re.compile(r"_\d+(?:\.\d+)?_\d+(?:\.\d+)?\.mp4$")


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:
    """Items of the tasks' JSON files."""
    items = []
    for path in files:
        task = path.stem
        for number, record in enumerate(read_records(path)):
            cut = _is_of_video_revision(task, record.text("video"))
            folder = (_OF_VIDEO_REVISION if cut else FOLDERS).get(task, "")
            item = task_item(record, task, number, folder, part=task in _PARTS and not cut, subtitles=subtitles)
            items.append(item)
    return items


def _is_of_video_revision(task: str, video: str) -> bool:
    if task in ("action_antonym", "episodic_reasoning", "fine_grained_pose"):  # webm, frames and avi in `main`
        return video.endswith(".mp4")
    return task in _OF_VIDEO_REVISION and _CUT.search(video) is not None


def task_item(
    record: Record, task: str, number: int, folder: str, *, part: bool, subtitles: bool = False
) -> BenchmarkItem:
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
        segment=_segment(record) if part else None,
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
    layout="json/*.json (20 files) and video/ with the unpacked archives; or the revision `video`, as it is",
    files=(tuple(f"json/{task}.json" for task in FOLDERS), tuple(f"{task}.json" for task in FOLDERS)),
    load=load,
    facets=("task",),
    video_folders=("video", "videos", "data0613", "video/data0613"),
)
