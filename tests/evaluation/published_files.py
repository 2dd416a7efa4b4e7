"""Small files of the schemas that benchmarks are published in, written for the tests."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from videopasta_assets.evaluation.published import mlvu, mvbench, tempcompass, tvbench, vitatecs


def put(path: Path, data: Any) -> None:
    """Write `data` as the kind of file that the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(data), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as target:
            writer = csv.DictWriter(target, list(data[0]))
            writer.writeheader()
            writer.writerows(data)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(item) + "\n" for item in data))
    else:
        path.write_text(json.dumps(data))


def tempcompass_json(root: Path) -> None:
    mc = {"question": "What is the man doing?\nA. running\nB. jumping", "answer": "B. jumping"}
    yes = {"question": "Is he running?", "answer": "no"}
    match = {
        "question": "Which fits?\nOption 1: He runs.\nOption 2: He jumps.",
        "answer": "Option 2: He jumps.",
    }
    caption = {
        "question": "Describe it.\nInformation A: {'action': 'running'}\nInformation B: {'action': 'jumping'}",
        "answer": "B. jumping",
    }
    for task, item in zip(tempcompass.TASKS, (mc, yes, match, caption), strict=True):
        put(root / "questions" / f"{task}.json", {"v1": {"action": [item]}, "v2": {"order": [item, item]}})


def tempcompass_parquet(root: Path) -> None:
    tempcompass_json(root)
    asked = json.loads((root / "questions" / "multi-choice.json").read_text())["v1"]["action"][0]
    judged = {"mc_question": asked["question"], "mc_answer": asked["answer"]}
    for task in tempcompass.TASKS:
        data = json.loads((root / "questions" / f"{task}.json").read_text())
        rows = [
            {"video_id": video, "dim": dim, **item, **(judged if task == "captioning" else {})}
            for video, dims in data.items()
            for dim, items in dims.items()
            for item in items
        ]
        put(root / task / "test-00000-of-00001.parquet", rows)
        (root / "questions" / f"{task}.json").unlink()


def perception_json(root: Path) -> None:
    question = {
        "id": 0,
        "question": "Where?",
        "options": ["here", "there", "nowhere"],
        "answer_id": 1,
        "area": "physics",
        "reasoning": "descriptive",
        "tag": ["x"],
    }
    put(root / "mc_question_valid.json", {"video_1": {"mc_question": [question, {**question, "id": 1}]}})


def perception_parquet(root: Path) -> None:
    row = {
        "video_name": "video_1",
        "question": "Where?",
        "question_id": "0",
        "options": ["here", "there", "nowhere"],
        "answer_id": "1",
        "area": "physics",
        "reasoning": "descriptive",
        "tag": ["x"],
    }
    put(root / "mc_question_val" / "validation-00000-of-00001.parquet", [row, {**row, "question_id": "1"}])


def nextqa(root: Path) -> None:
    row = {
        "video": 4010069381,
        "frame_count": 369,
        "width": 640,
        "height": 480,
        "question": "how do the two man play the instrument",
        "answer": 1,
        "qid": 6,
        "type": "CH",
        **{f"a{place}": text for place, text in enumerate(("roll", "tap", "strum", "hit", "pat"))},
    }
    put(root / "test.csv", [row, {**row, "qid": 7, "type": "TN"}])
    put(root / "map_vid_vidorID.json", {"4010069381": "1164/4010069381"})


def nextqa_parquet(root: Path) -> None:
    nextqa(root)
    with (root / "test.csv").open() as source:
        rows = list(csv.DictReader(source))
    put(root / "MC" / "test-00000-of-00001.parquet", rows)
    (root / "test.csv").unlink()


def mvbench_json(root: Path) -> None:
    item = {
        "video": "a.mp4",
        "question": "What happened?",
        "candidates": ["3", "1", "2", "5"],
        "answer": "1",
        "start": 1.5,
        "end": 4,
    }
    for task in mvbench.FOLDERS:
        put(root / "json" / f"{task}.json", [item, {**item, "answer": "9"}])


def mvbench_video_revision(root: Path) -> None:
    names = {
        "action_sequence": "USNP1_1.2999999999999998_15.4.mp4",
        "episodic_reasoning": "friends_s01e01_seg02_clip_00.mp4",
    }
    for task in mvbench.FOLDERS:
        item = {"video": names.get(task, "a.mp4"), "question": "What happened?", "candidates": ["3", "1"]}
        put(root / "json" / f"{task}.json", [{**item, "answer": "1", "start": 1.3, "end": 15.4}])


def tvbench_json(root: Path) -> None:
    item = {"video": "a.mp4", "question": "Q", "candidates": ["x", "y"], "answer": "y", "start": 2.0, "end": 7.5}
    for task in tvbench.TASKS:
        put(root / "json" / f"{task}.json", [item])


def vinoground(root: Path) -> None:
    text, video, table = [], [], []
    for pair in range(2):
        for side in ("pos", "neg"):
            name = f"{pair}_{side}"
            text.append(
                {
                    "idx": name,
                    "question": "Which caption describes this video?\nA. He sits, then runs.\nB. He runs, then sits.",
                    "GT": "A" if side == "pos" else "B",
                    "video_name": f"vinoground_videos/{name}.mp4",
                }
            )
            video.append(
                {
                    "idx": name,
                    "question": "Which video segment matches this caption?\nA. First segment\nB. Second segment",
                    "GT": "a",
                    "video_name": f"vinoground_videos_concated/{pair}_pos_neg.mp4",
                }
            )
        table.append(
            {"id": pair, "category": "action", "kinds": "interaction;cyclical", "pos_cap": "x", "neg_cap": "y"}
        )
    put(root / "vinoground_textscore.json", text)
    put(root / "vinoground_videoscore.json", video)
    put(root / "vinoground.csv", table)


def mlvu_json(root: Path) -> None:
    for task in mlvu._TASKS:
        item = {
            "video": "movie101_66.mp4",
            "duration": 480.0,
            "question": "What colour is it?",
            "candidates": ["Yellow", "Red", "Blue", "Green"],
            "answer": "Yellow",
            "question_type": "findNeedle" if task == "2_needle" else task.split("_", 1)[1],
        }
        items = [item]
        if task == "7_topic_reasoning":
            items += [{**item, "answer": ""}, {**item, "question": "", "candidates": [""] * 4, "answer": ""}]
        put(root / "MLVU" / "json" / f"{task}.json", items)


def mlvu_parquet(root: Path) -> None:
    item = {
        "video_name": "movie101_66.mp4",
        "duration": 480.0,
        "question": "What colour is it?\n(A) Yellow\n(B) Red",
        "candidates": ["Yellow", "Red"],
        "answer": "A",
        "task_type": "plotQA",
    }
    inline = {key: value for key, value in item.items() if key != "candidates"}
    put(root / "data" / "test-00000-of-00002.parquet", [item])
    put(root / "data" / "test-00001-of-00002.parquet", [{**inline, "task_type": "order", "answer": "B"}])


def longvideobench(root: Path) -> None:
    item = {
        "video_id": "x",
        "question": "Who?",
        "question_wo_referring_query": "Who?",
        "candidates": ["one", "two", "three"],
        "correct_choice": 2,
        "topic_category": "NP-News-Programs",
        "question_category": "TOS",
        "level": "L2-Relation",
        "id": "x_0",
        "video_path": "x.mp4",
        "subtitle_path": "x_en.json",
        "duration_group": 3600,
        "starting_timestamp_for_subtitles": 0,
        "duration": 1200.5,
        "view_count": 3,
    }
    put(root / "lvb_val.json", [item])
    put(root / "subtitles" / "x_en.json", [{"start": "00:00:01.0", "end": "00:00:02.0", "line": "Good evening."}])


def longvideobench_parquet(root: Path) -> None:
    row = {
        "id": "x_0",
        "video_path": "x.mp4",
        "question": "Who?",
        "option0": "one",
        "option1": "two",
        "option2": "three",
        "option3": "N/A",
        "option4": "N/A",
        "correct_choice": 2,
        "question_category": "TOS",
        "level": "L2-Relation",
        "duration_group": 3600,
        "subtitle_path": "x_en.json",
    }
    put(root / "validation-00000-of-00001.parquet", [row])


def videomme(root: Path) -> None:
    row = {
        "video_id": "001",
        "duration": "short",
        "domain": "Knowledge",
        "sub_category": "Humanity & History",
        "url": "https://www.youtube.com/watch?v=fFjv93ACGo8",
        "videoID": "fFjv93ACGo8",
        "question_id": "001-1",
        "task_type": "Counting Problem",
        "question": "What matches?",
        "options": ["A. Apples.", "B. Candles.", "C. Berries.", "D. The three kinds."],
        "answer": "C",
    }
    put(root / "videomme" / "test-00000-of-00001.parquet", [row])
    (root / "subtitle").mkdir(parents=True)
    (root / "subtitle" / "fFjv93ACGo8.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> there\n\n")


def vitatecs_jsonl(root: Path) -> None:
    for aspect in vitatecs.ASPECTS:
        row = {
            "src_dataset": "MSRVTT",
            "video_name": "video7020.mp4",
            "caption": "A man opens a door.",
            "counterfactual": "A man closes a door.",
            "aspect": aspect.capitalize(),
        }
        put(root / "data" / f"{aspect}.jsonl", [row])


def cinepile(root: Path) -> None:
    row = {
        "movie_name": "M",
        "yt_clip_link": "https://www.youtube.com/watch?v=abc",
        "subtitles": "<subtitle> Run!",
        "question": "Why does he run?",
        "choices": ["fear", "joy", "haste", "sport", "habit"],
        "answer_key": "haste",
        "answer_key_position": 2,
        "question_category": "Narrative and\nPlot Analysis",
        "hard_split": "True",
        "videoID": "M_abc",
    }
    put(root / "v2" / "test-00000-of-00001.parquet", [row])


def msrvtt_qa(root: Path) -> None:
    row = {"answer": "couch", "category_id": 14, "id": 158581, "question": "what are three people sitting on?"}
    put(root / "test_qa.json", [{**row, "video_id": 7010}])


def egoschema(root: Path) -> None:
    item = {
        "q_uid": "001934bb",
        "google_drive_id": "x",
        "question": "What is the aim?",
        **{f"option {place}": f"aim {place}" for place in range(5)},
    }
    put(root / "questions.json", [item, {**item, "q_uid": "unanswered"}])
    put(root / "subset_answers.json", {"001934bb": 3})


def egoschema_parquet(root: Path) -> None:
    row = {
        "question_idx": "1",
        "question": "What is the aim?",
        "video_idx": "001934bb",
        "option": [f"{letter}. aim {place}" for place, letter in enumerate("ABCDE")],
        "answer": "3",
    }
    put(root / "Subset" / "test-00000-of-00001.parquet", [row])


def timewar(root: Path) -> None:
    first = "What happens after the goal?\n1. A cheer\n2. A break\n3. A fight\n4. A song"
    second = "What begins the video?\n1. A cheer\n2. A break\n3. A fight\n4. A song"
    normal = [
        {"id": "clip.mp4", "question": first, "answer": "2. A break"},
        {"id": "clip.mp4", "question": second, "answer": "1. A cheer"},
    ]
    shuffled = [
        {"id": "clip.mp4", "question": first, "answer": "4. A song"},
        {"id": "clip.mp4", "question": second, "answer": "1. A cheer"},
    ]
    put(root / "timewar_normal_benchmark_15k.json", normal)
    put(root / "temporal_shuffled_benchmark.json", shuffled)


def order_probe(root: Path) -> None:
    starts = (0, 12, 30, 42, 55, 75, 110)
    row = {
        "video": "a.mp4",
        "description": [f"event {start}" for start in starts],
        "scene_timestamps": [[start, start + 5] for start in starts],
    }
    put(root / "events.jsonl", [row])


Maker = Callable[[Path], None]
MAKERS: dict[str, list[tuple[Maker, int]]] = {
    "tempcompass": [(tempcompass_json, 12), (tempcompass_parquet, 12)],
    "perception_test": [(perception_json, 2), (perception_parquet, 2)],
    "nextqa": [(nextqa, 2), (nextqa_parquet, 2)],
    "mvbench": [(mvbench_json, 40), (mvbench_video_revision, 20)],
    "tvbench": [(tvbench_json, 10)],
    "vinoground": [(vinoground, 8)],
    "mlvu": [(mlvu_json, 9), (mlvu_parquet, 2)],
    "longvideobench": [(longvideobench, 1), (longvideobench_parquet, 1)],
    "videomme": [(videomme, 1)],
    "vitatecs": [(vitatecs_jsonl, 6)],
    "cinepile": [(cinepile, 1)],
    "msrvtt_qa": [(msrvtt_qa, 1)],
    "egoschema": [(egoschema, 1), (egoschema_parquet, 1)],
    "timewar": [(timewar, 4)],
    "order_probe": [(order_probe, 16)],
}
