"""Every format has every pair, and each is read by the code that its trainer reads it with."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError
from videopasta_assets.exports import FORMATS, export_pairs
from videopasta_assets.exports.videos import VideoPlace
from videopasta_assets.stages import preference_set

TRAINERS = Path(os.environ.get("VIDEOPASTA_TRAINERS", ".trainers"))
"""Folder of the trainers' own environments; `make trainers` makes it."""


def pairs_of(bench: BenchProject) -> dict[str, tuple[str, str]]:
    current = preference_set.current(bench.project)
    assert current is not None
    return {row["pair_id"]: (row["chosen"], row["rejected"]) for row in current.members}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kto", [False, True], ids=["dpo", "kto"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_pair_is_there_and_no_adversarial_instruction(
    bench: BenchProject, tmp_path: Path, name: str, kto: bool
) -> None:
    pairs = pairs_of(bench)
    made = export_pairs(bench.project, name, tmp_path / "out", kto=kto)
    assert made.rows == len(pairs) * (2 if kto else 1) > 0
    assert {"README.md", "export.json"} < set(made.files)
    for file in made.files:
        assert b"adversary/" not in (tmp_path / "out" / file).read_bytes(), "the templates of this project say so"


@pytest.mark.parametrize("place", ["relative", "link", "copy"])
def test_videos_are_found_from_the_folder(bench: BenchProject, tmp_path: Path, place: VideoPlace) -> None:
    made = export_pairs(bench.project, "llava-hound", tmp_path / "deep" / "out", videos=place)
    rows = lines(made.folder / "train.jsonl")
    for row in rows:
        assert (made.folder / row["video"]).read_bytes()[4:8] == b"ftyp"
        assert (made.folder / row["video"]).is_symlink() == (place == "link")
    assert all(row["chosen_score"] is None and row["rejected_score"] is None for row in rows), "nothing measures them"


def test_trl_reads_pairs_and_labelled_answers(bench: BenchProject, tmp_path: Path) -> None:
    from datasets import load_dataset

    from videopasta_assets.torchvision_ops import prepare_torchvision

    prepare_torchvision()
    from trl.data_utils import is_conversational, unpair_preference_dataset

    pairs = pairs_of(bench)
    dpo = export_pairs(bench.project, "trl", tmp_path / "dpo")
    loaded = load_dataset("json", data_files=str(dpo.folder / "train.jsonl"), cache_dir=str(tmp_path), split="train")
    assert is_conversational(loaded[0])
    assert {(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in loaded} == set(pairs.values())
    kto = export_pairs(bench.project, "trl", tmp_path / "kto", kto=True)
    labelled = load_dataset("json", data_files=str(kto.folder / "train.jsonl"), cache_dir=str(tmp_path), split="train")
    ours = {(row["prompt"][-1]["content"], row["completion"][0]["content"], row["label"]) for row in labelled}
    theirs = unpair_preference_dataset(loaded.select_columns(["prompt", "chosen", "rejected"]))
    assert ours == {(row["prompt"][-1]["content"], row["completion"][0]["content"], row["label"]) for row in theirs}


@pytest.mark.parametrize("kto", [False, True], ids=["dpo", "kto"])
def test_the_hub_folder_loads_by_its_name(bench: BenchProject, tmp_path: Path, kto: bool) -> None:
    from datasets import load_dataset

    made = export_pairs(bench.project, "hf", tmp_path / "out", kto=kto)
    loaded = load_dataset(str(made.folder), cache_dir=str(tmp_path / "cache"), split="train")
    assert len(loaded) == made.rows
    assert {"label", "completion"} <= set(loaded.column_names) if kto else {"chosen", "rejected"} <= set(loaded[0])


TORCHVISION = f"""
import sys
sys.path.append({str(Path(__file__).parents[2])!r})
from videopasta_assets.torchvision_ops import prepare_torchvision
prepare_torchvision()
"""

SWIFT = """
import json, sys
from swift.dataset import load_dataset
train, _ = load_dataset(sys.argv[1], num_proc=1, strict=True, load_from_cache_file=False)
print(json.dumps([dict(row) for row in train], default=str))
"""

LLAMAFACTORY = """
import json, sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
try:
    import torchaudio
except (OSError, RuntimeError):  # built for another CUDA than torch; these rows have no sound
    sys.modules["torchaudio"] = module_from_spec(ModuleSpec("torchaudio", None))
from llamafactory.data.loader import _load_single_dataset
from llamafactory.data.parser import get_dataset_list
from llamafactory.hparams import DataArguments, ModelArguments
from transformers import Seq2SeqTrainingArguments
arguments = DataArguments(dataset="videopasta", dataset_dir=sys.argv[1], media_dir=sys.argv[1])
(listed,) = get_dataset_list(arguments.dataset, arguments.dataset_dir)
training = Seq2SeqTrainingArguments(output_dir=sys.argv[2], use_cpu=True)
loaded = _load_single_dataset(listed, ModelArguments(model_name_or_path="none"), arguments, training)
print(json.dumps([dict(row) for row in loaded], default=str))
"""


def read_by(trainer: str, code: str, tmp_path: Path, *arguments: Path) -> list[dict]:
    """Rows as the trainer's own loading code gives them, in its own environment."""
    python = (TRAINERS / trainer / "bin" / "python").absolute()
    if not python.exists():
        pytest.skip(f"{trainer} is not installed in {TRAINERS}: `make trainers` does it")
    own = {
        "HF_DATASETS_CACHE": str(tmp_path / "cache"),
        "MODELSCOPE_CACHE": str(tmp_path / "ms"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(
        [str(python), "-c", TORCHVISION + code, *map(str, arguments)],
        env={**os.environ, **own, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        cwd=arguments[0] if arguments[0].is_dir() else arguments[0].parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    rows: list[dict] = json.loads(done.stdout.strip().splitlines()[-1])
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("kto", [False, True], ids=["dpo", "kto"])
def test_ms_swift_reads_it(bench: BenchProject, tmp_path: Path, kto: bool) -> None:
    made = export_pairs(bench.project, "swift", tmp_path / "out", kto=kto)
    rows = read_by("swift", SWIFT, tmp_path, made.folder / "train.jsonl")
    assert len(rows) == made.rows
    for row in rows:
        assert [message["role"] for message in row["messages"]][-2:] == ["user", "assistant"]
        assert row["messages"][-2]["content"].startswith("<video>")
        assert len(row["videos"]) == 1
    if kto:
        assert {bool(row["label"]) for row in rows} == {True, False}
    else:
        found = {(row["messages"][-1]["content"], rejected_of(row)) for row in rows}
        assert found == set(pairs_of(bench).values())


def rejected_of(row: dict) -> str:
    text = row.get("rejected_response")
    return text if isinstance(text, str) else row["rejected_messages"][-1]["content"]


@pytest.mark.slow
@pytest.mark.parametrize("kto", [False, True], ids=["dpo", "kto"])
def test_llamafactory_reads_it(bench: BenchProject, tmp_path: Path, kto: bool) -> None:
    made = export_pairs(bench.project, "llamafactory", tmp_path / "out", kto=kto, videos="copy")
    rows = read_by("llamafactory", LLAMAFACTORY, tmp_path, made.folder, tmp_path / "training")
    assert len(rows) == made.rows
    for row in rows:
        assert row["_prompt"][0]["role"] == "user"
        assert row["_prompt"][0]["content"].startswith("<video>")
        (video,) = row["_videos"]
        assert Path(video).is_file()
    if not kto:
        answers = {tuple(message["content"] for message in row["_response"]) for row in rows}
        assert answers == set(pairs_of(bench).values())


def test_the_card_says_where_it_comes_from(bench: BenchProject, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    current = preference_set.current(bench.project)
    assert current is not None
    made = export_pairs(bench.project, "hf", tmp_path / "out")
    card = DatasetCard.load(made.folder / "README.md")
    assert (card.data.license, card.data.task_categories) == ("other", ["video-text-to-text"])
    assert card.data.size_categories == ["n<1K"]
    assert current.hash in card.text
    assert f"{made.rows} preference pairs" in card.text
    assert all(word in card.text for word in ("## Limits", "## Licence", "some-model@", "spatial"))


def test_what_is_no_export_is_left_alone(bench: BenchProject, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(UserError, match="not overwritten"):
        export_pairs(bench.project, "trl", tmp_path / "mine")
    first = export_pairs(bench.project, "trl", tmp_path / "out", videos="copy")
    second = export_pairs(bench.project, "parquet", tmp_path / "out")
    assert set(second.files) == {"pairs.parquet", "README.md", "export.json"} != set(first.files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"], "no litter"


def test_a_video_that_is_gone_is_named(bench: BenchProject, tmp_path: Path) -> None:
    video = next((bench.root / "videos").iterdir())
    hidden = video.rename(bench.root / "hidden.mp4")
    try:
        with pytest.raises(UserError, match="a video of the preference set is gone"):
            export_pairs(bench.project, "trl", tmp_path / "out")
    finally:
        hidden.rename(video)
    assert not list(tmp_path.iterdir())


def test_an_empty_lake_says_what_to_run(tmp_path: Path) -> None:
    fresh = BenchProject.make(tmp_path, videos=0)
    with pytest.raises(UserError, match="`videopasta run`"):
        export_pairs(fresh.project, "trl", tmp_path / "out")
