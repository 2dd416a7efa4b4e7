"""Answers scored in a tree are as likely as in rows of their own, whatever else is in the row."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.contract import answers, ask_about
from tests.engines.families import save_tiny_llava_onevision, save_tiny_qwen3_vl
from tests.engines.tiny_model import save_tiny_qwen2_5_vl
from videopasta_assets.engines import Request
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.option_tree import Question, TreeRow, grouped, reads_trees
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader

FAMILIES = {
    "qwen2_5_vl": save_tiny_qwen2_5_vl,
    "qwen3_vl": save_tiny_qwen3_vl,
    "llava_onevision": save_tiny_llava_onevision,
}
OPTIONS = ("the cup", "the star falls at 3 s.", "nothing", "the cup falls")


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES[request.param](tmp_path_factory.mktemp("families") / str(request.param))


def scored(clips: list[Clip | None]) -> list[Request]:
    """Every text about every clip, with two to four options each."""
    return [replace(request, candidates=OPTIONS[: 2 + number % 3]) for number, request in enumerate(ask_about(clips))]


def test_answers_are_as_likely_as_in_rows_of_their_own(
    family_folder: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    plain = TransformersEngine(family_folder, None, reader, device="cpu", dtype="float32", share_prefix=False)
    trees = TransformersEngine(family_folder, None, reader, device="cpu", dtype="float32")
    requests = scored([*clips, None])
    expected, found = answers(plain, requests), answers(trees, requests)
    assert trees._in_trees()
    assert not plain._in_trees()
    for request in requests:
        ours, theirs = found[request.request_id], expected[request.request_id]
        assert ours.log_probs == pytest.approx(theirs.log_probs, abs=1e-4)
        assert (ours.text, ours.prompt_tokens) == (theirs.text, theirs.prompt_tokens)


def test_a_family_that_does_not_take_such_masks_is_scored_row_by_row(
    reader: FrameReader, clips: list[Clip], tmp_path: Path
) -> None:
    engine = TransformersEngine(save_tiny_qwen2_5_vl(tmp_path / "model"), None, reader, device="cpu")
    requests = scored([clips[0]])
    expected = answers(engine, requests)
    other = TransformersEngine(tmp_path / "model", None, reader, device="cpu")
    forward = other._model.forward

    def plain_masks_only(*, attention_mask: torch.Tensor, **inputs: object) -> object:
        return forward(attention_mask=attention_mask if attention_mask.dim() == 2 else None, **inputs)

    other._model.forward = plain_masks_only
    found = answers(other, requests)
    assert not other._in_trees()
    for name, reply in found.items():
        assert reply.log_probs == pytest.approx(expected[name].log_probs, abs=1e-3)


def test_a_family_is_tried_on_a_few_tokens(family_folder: Path) -> None:
    loaded = load_model(family_folder, None, "cpu", "float32")
    assert reads_trees(loaded.model, loaded.pad_id)


def lengths() -> st.SearchStrategy[list[tuple[int, list[int]]]]:
    answer = st.lists(st.integers(1, 4), min_size=1, max_size=3)
    return st.lists(st.tuples(st.integers(1, 5), answer), min_size=1, max_size=4)


@given(lengths())
def test_a_token_sees_as_many_as_its_depth_and_its_own(shape: list[tuple[int, list[int]]]) -> None:
    row = TreeRow(
        tuple(Question(torch.zeros(size), tuple(torch.zeros(own) for own in answer)) for size, answer in shape)
    )
    assert torch.equal(row.sees().sum(1), row.depths() + 1)
    depths = row.depths()
    for places, answer in row.predictions():
        assert torch.equal(depths[places], depths[places[0]] + torch.arange(len(answer)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30)), max_size=30))
def test_each_question_has_one_row_of_its_owner(asked: list[tuple[int, int]]) -> None:
    shared = [0, 10, 50, 10_000]
    questions = [Question(torch.zeros(size), (torch.zeros(1),)) for _, size in asked]
    owners = [owner for owner, _ in asked]
    rows = grouped(questions, owners, [shared[owner] for owner in owners])
    assert sorted(place for row in rows for place in row) == list(range(len(asked)))
    for row in rows:
        assert len({owners[place] for place in row}) == 1
        assert sum(sum(questions[place].lengths) for place in row[:-1]) < max(1, shared[owners[row[0]]])
