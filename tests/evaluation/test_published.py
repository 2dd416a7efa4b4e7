"""Each loader reads its benchmark's files as they are distributed; these are small files of the same schema."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.evaluation.published_files import (
    MAKERS,
    Maker,
    cinepile,
    egoschema,
    egoschema_parquet,
    longvideobench,
    mlvu_json,
    mlvu_parquet,
    msrvtt_qa,
    mvbench_json,
    mvbench_video_revision,
    nextqa,
    nextqa_parquet,
    put,
    tempcompass_json,
    timewar,
    tvbench_json,
    videomme,
    vinoground,
    vitatecs_jsonl,
)
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import PUBLISHED, BenchmarkItem
from videopasta_assets.evaluation.published import tempcompass

CASES = [(name, maker, count) for name, makers in MAKERS.items() for maker, count in makers]


def items_of(name: str, root: Path, maker: Maker, **options: bool) -> list[BenchmarkItem]:
    maker(root)
    return PUBLISHED[name].items(root, **options)


def test_every_published_benchmark_is_tested() -> None:
    assert MAKERS.keys() == PUBLISHED.keys()


@pytest.mark.parametrize(("name", "maker", "count"), CASES, ids=[f"{name}-{m.__name__}" for name, m, _ in CASES])
def test_items_are_whole(name: str, maker: Maker, count: int, tmp_path: Path) -> None:
    items = items_of(name, tmp_path, maker)
    benchmark = PUBLISHED[name]
    assert len(items) == count
    assert {item.form for item in items} <= set(benchmark.forms)
    for item in items:
        if item.form != "open":
            assert 0 <= item.answer_index < len(item.options)
        assert {facet for facet, _ in item.facets} <= set(benchmark.facets)
    if benchmark.metric.macro_over:
        assert all(item.facet(benchmark.metric.macro_over) for item in items)
    if benchmark.metric.grouped:
        assert all(item.group for item in items)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_missing_benchmark_says_where_to_get_it_and_where_to_put_it(name: str, tmp_path: Path) -> None:
    benchmark = PUBLISHED[name]
    with pytest.raises(UserError) as found:
        benchmark.items(tmp_path)
    assert benchmark.source in str(found.value)
    assert benchmark.layout in str(found.value)
    with pytest.raises(UserError, match="no such folder"):
        benchmark.items(tmp_path / "nowhere")


@pytest.mark.parametrize(("name", "maker", "count"), CASES, ids=[f"{name}-{m.__name__}" for name, m, _ in CASES])
def test_a_wrong_layout_names_the_first_offending_field(name: str, maker: Maker, count: int, tmp_path: Path) -> None:
    """Every question of every file is taken away: the loader says which field it misses, and where."""
    maker(tmp_path)
    for path in sorted(tmp_path.rglob("*")):
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            pq.write_table(table.rename_columns(["frage" if c == "question" else c for c in table.column_names]), path)
        elif path.suffix == ".csv":
            path.write_text(path.read_text().replace(",question,", ",frage,"))
        elif path.is_file():
            path.write_text(path.read_text().replace('"question"', '"frage"'))
    field = {"vitatecs": "caption", "order_probe": "description"}.get(name, "question")
    if field != "question":
        for path in tmp_path.rglob("*.jsonl"):
            path.write_text(path.read_text().replace(f'"{field}"', '"text"'))
    with pytest.raises(UserError, match=f"item 1.*field '{field}' is missing"):
        PUBLISHED[name].items(tmp_path)


def test_tempcompass_forms_and_answers(tmp_path: Path) -> None:
    items = items_of("tempcompass", tmp_path, tempcompass_json)
    by_task = {task: next(item for item in items if item.facet("task") == task) for task in tempcompass.TASKS}
    assert [by_task[task].form for task in tempcompass.TASKS] == ["choice", "yes_no", "choice", "captioned"]
    assert [by_task[task].answer_index for task in tempcompass.TASKS] == [1, 1, 1, 1]
    assert by_task["multi-choice"].question == "What is the man doing?"
    assert by_task["caption_matching"].labels == ("Option 1", "Option 2")
    assert by_task["captioning"].instruction.startswith("Describe")
    assert by_task["captioning"].options == ("running", "jumping")
    assert by_task["captioning"].question == "What is the man doing?"
    assert by_task["yes_no"].video == "v1.mp4"


def test_mvbench_knows_folders_segments_and_flaws(tmp_path: Path) -> None:
    items = items_of("mvbench", tmp_path, mvbench_json)
    first, second = (item for item in items if item.category == "action_sequence")
    assert first.video == "star/Charades_v1_480/a.mp4"
    assert (first.answer_index, first.segment, first.flaw) == (1, (1.5, 4.0), "")
    assert "none of its options" in second.flaw
    assert next(item for item in items if item.category == "state_change").segment is None


def test_mvbench_of_revision_video_has_parts_that_are_cut_out(tmp_path: Path) -> None:
    items = {item.category: item for item in items_of("mvbench", tmp_path, mvbench_video_revision)}
    assert items["action_sequence"].video == "star/Charades_segment/USNP1_1.2999999999999998_15.4.mp4"
    assert items["episodic_reasoning"].video.startswith("tvqa/video_fps3_hq_segment/")
    assert items["action_antonym"].video == "ssv2_video_mp4/a.mp4"
    assert items["action_sequence"].segment is None
    # A file name without times is of a whole video.
    assert (items["action_prediction"].video, items["action_prediction"].segment) == (
        "star/Charades_v1_480/a.mp4",
        (1.3, 15.4),
    )


def test_tvbench_asks_about_parts_in_two_tasks(tmp_path: Path) -> None:
    items = items_of("tvbench", tmp_path, tvbench_json)
    assert {item.category for item in items if item.segment} == {"action_localization", "action_sequence"}


def test_captions_cannot_be_judged_without_the_questions(tmp_path: Path) -> None:
    tempcompass_json(tmp_path)
    (tmp_path / "questions" / "multi-choice.json").unlink()
    with pytest.raises(UserError, match=r"multi-choice\.json: the questions that captions are judged by are missing"):
        PUBLISHED["tempcompass"].items(tmp_path / "questions" / "captioning.json")


def test_mlvu_leaves_out_what_was_published_empty(tmp_path: Path) -> None:
    items = items_of("mlvu", tmp_path, mlvu_json)
    assert [item.flaw for item in items[-3:]] == [
        "",
        "its published answer is empty",
        "its published question is empty",
    ]
    assert items[1].facet("task") == "needle"


def test_vinoground_groups_four_questions_of_a_pair(tmp_path: Path) -> None:
    items = items_of("vinoground", tmp_path, vinoground)
    pair = [item for item in items if item.group == "0"]
    assert sorted(item.item_id for item in pair) == ["0_neg_text", "0_neg_video", "0_pos_text", "0_pos_video"]
    assert {item.facet("major") for item in pair} == {"action"}
    assert [item.answer_index for item in pair if item.facet("score") == "text"] == [0, 1]


def test_subtitles_are_shown_where_the_benchmark_does_or_on_request(tmp_path: Path) -> None:
    cinema, clips, news = tmp_path / "c", tmp_path / "v", tmp_path / "l"
    assert "Run!" in items_of("cinepile", cinema, cinepile)[0].subtitles
    assert PUBLISHED["cinepile"].items(cinema, subtitles=False)[0].subtitles == ""
    assert items_of("videomme", clips, videomme)[0].subtitles == ""
    assert PUBLISHED["videomme"].items(clips, subtitles=True)[0].subtitles == "Hello there"
    assert items_of("longvideobench", news, longvideobench, subtitles=True)[0].subtitles == "Good evening."


def test_details_of_single_benchmarks(tmp_path: Path) -> None:
    assert items_of("nextqa", tmp_path / "n", nextqa)[0].video == "1164/4010069381.mp4"
    assert items_of("nextqa", tmp_path / "p", nextqa_parquet)[0].facet("question type") == "causal"
    assert items_of("videomme", tmp_path / "v", videomme)[0].options[2] == "Berries."
    assert items_of("egoschema", tmp_path / "e", egoschema)[0].answer_index == 3
    assert items_of("egoschema", tmp_path / "q", egoschema_parquet)[0].options[3] == "aim 3"
    assert items_of("msrvtt_qa", tmp_path / "m", msrvtt_qa)[0].video == "video7010.mp4"
    assert items_of("cinepile", tmp_path / "c", cinepile)[0].category == "Narrative and Plot Analysis"
    assert [item.answer_index for item in items_of("mlvu", tmp_path / "u", mlvu_parquet)] == [0, 1]
    assert items_of("mlvu", tmp_path / "j", mlvu_json)[0].video == "1_plotQA/movie101_66.mp4"


def test_vitatecs_puts_the_caption_where_a_seed_of_its_letters_says(tmp_path: Path) -> None:
    item = items_of("vitatecs", tmp_path, vitatecs_jsonl)[0]
    assert item.options[item.answer_index] == "A man opens a door."


def test_timewar_knows_whether_reordering_changed_the_answer(tmp_path: Path) -> None:
    items = items_of("timewar", tmp_path, timewar)
    assert [item.facet("variant") for item in items] == ["normal", "normal", "shuffled", "shuffled"]
    assert [item.facet("answer changed") for item in items] == ["", "", "yes", "no"]
    assert items[2].video == "shuffled_videos/clip.mp4"
    assert items[2].question == "What happens after the goal?"


@pytest.mark.parametrize("video", ["../secret", "/etc/passwd"])
def test_a_video_outside_the_folder_is_refused(video: str, tmp_path: Path) -> None:
    put(tmp_path / "test_qa.json", [{"answer": "x", "id": 1, "question": "what?", "video_id": video}])
    with pytest.raises(UserError, match="video_id must be a path inside"):
        PUBLISHED["msrvtt_qa"].items(tmp_path)
