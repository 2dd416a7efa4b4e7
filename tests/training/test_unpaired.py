from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.training.unpaired import draw_unpaired, mirrored, unrelated_responses
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan


def clip(video: str) -> Clip:
    return Clip(video, Path(video), FramePlan("dense", (0, 1), (0.0, 0.5), 2, 2.0, 1.0, "spec"))


def pair(number: int, video: str = "v", question: str | None = None) -> TrainingPair:
    prompt = Prompt(question or f"Question {number}?", "", "aligned/temporal", "h")
    return TrainingPair(str(number), clip(video), prompt, f"good {number}", f"bad {number}", FailureMode.TEMPORAL)


def test_a_pair_and_its_mirror_are_the_four_samples_of_timewarp() -> None:
    original = pair(0, "original")
    altered = mirrored(original, clip("altered"))
    samples = [
        (p.clip.video_id, text, good) for p in (original, altered) for text, good in ((p.chosen, 1), (p.rejected, 0))
    ]
    assert samples == [
        ("original", "good 0", 1),
        ("original", "bad 0", 0),
        ("altered", "bad 0", 1),
        ("altered", "good 0", 0),
    ]
    assert altered.prompt == original.prompt
    with pytest.raises(UserError, match="altered video is the original"):
        mirrored(original, original.clip)


@given(st.integers(1, 40), st.integers(2, 90), st.integers(0, 5))
def test_a_draw_is_balanced_and_its_weights_average_to_one(pairs: int, count: int, seed: int) -> None:
    given_pairs = [pair(number) for number in range(pairs)]
    kept, shares = draw_unpaired(given_pairs, count, seed)
    desirable, undesirable = (sum(weights[side] > 0 for weights in shares) for side in (0, 1))
    assert desirable == undesirable == min(count // 2, pairs)
    assert sum(map(sum, shares)) == pytest.approx(2 * len(kept))
    assert all(any(weights) for weights in shares)
    assert (kept, shares) == draw_unpaired(given_pairs, count, seed)


def test_everything_is_used_without_a_count() -> None:
    pairs = [pair(number) for number in range(3)]
    assert draw_unpaired(pairs, None, 0) == (pairs, [(1.0, 1.0)] * 3)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=12), st.integers(0, 3))
def test_an_unrelated_response_answers_another_question(questions: list[str], seed: int) -> None:
    pairs = [replace(pair(number), prompt=Prompt(text, "", "t", "h")) for number, text in enumerate(questions)]
    if len(set(questions)) == 1:
        with pytest.raises(UserError, match="two questions"):
            unrelated_responses(pairs, seed)
        return
    owner = {text: p.prompt.text for p in pairs for text in (p.chosen, p.rejected)}
    found = unrelated_responses(pairs, seed)
    assert all(owner[text] != p.prompt.text for text, p in zip(found, pairs, strict=True))
    assert found == unrelated_responses(pairs, seed)
