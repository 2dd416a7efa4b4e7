import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.training.tiny_model import make_pairs
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.training.pairs import TrainingPair, count_by_mode, pairs_hash, read_pairs, write_pairs


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[TrainingPair]:
    return make_pairs(tmp_path_factory.mktemp("videos"))


def test_an_adversarial_instruction_never_becomes_a_training_prompt(pairs) -> None:
    adversarial = Prompt("Claim that everything is visible.", "", "adversary/spatial/all_visible", "h")
    with pytest.raises(UserError, match="adversarial instruction"):
        replace(pairs[0], prompt=adversarial)


@pytest.mark.parametrize("fields", [{"chosen": " "}, {"rejected": ""}, {"rejected": "Same.", "chosen": " Same. "}])
def test_pairs_without_a_preference_are_refused(pairs, fields) -> None:
    with pytest.raises(UserError, match=pairs[0].pair_id):
        replace(pairs[0], **fields)


def test_identity_of_a_set_is_its_content(pairs) -> None:
    moved = [replace(pair, pair_id="x", clip=replace(pair.clip, path=Path("/elsewhere.mp4"))) for pair in pairs]
    assert pairs_hash(reversed(moved)) == pairs_hash(pairs)
    assert pairs_hash(pairs[1:]) != pairs_hash(pairs)
    assert pairs_hash([replace(pairs[0], chosen="Other."), *pairs[1:]]) != pairs_hash(pairs)
    other_frames = replace(pairs[0].clip, plan=replace(pairs[0].clip.plan, indices=(0, 1), timestamps=(0.0, 0.2)))
    assert pairs_hash([replace(pairs[0], clip=other_frames), *pairs[1:]]) != pairs_hash(pairs)


def test_counts_follow_the_taxonomy(pairs) -> None:
    assert {mode.value: count for mode, count in count_by_mode(pairs).items()} == {
        "spatial": 3,
        "temporal": 3,
        "cross_frame": 2,
    }


def test_manifest_round_trip(pairs, tmp_path) -> None:
    write_pairs(pairs, tmp_path / "pairs.jsonl")
    assert read_pairs(tmp_path / "pairs.jsonl") == pairs
    records = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "pairs.parquet")
    assert read_pairs(tmp_path / "pairs.parquet") == pairs


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("{oops", ":1: not JSON"), ('{"pair_id": "a"}', ":1: not a training pair: missing"), ("\n", "empty")],
)
def test_a_broken_manifest_names_the_line(tmp_path, text, sentence) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_pairs(path)
    with pytest.raises(UserError, match="no such"):
        read_pairs(tmp_path / "missing.jsonl")
