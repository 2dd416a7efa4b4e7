from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.training.batching import plan_steps

_groups = st.lists(st.sampled_from("abcd"), min_size=1, max_size=40)


@given(_groups, st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(1, 3), st.data())
def test_every_epoch_holds_every_pair_once(groups, batch, micro, per_video, epochs, data) -> None:
    lengths = data.draw(st.lists(st.integers(1, 99), min_size=len(groups), max_size=len(groups)))
    plan = {"batch_size": batch, "micro_batch_size": micro, "per_video": per_video, "seed": 7}
    steps = plan_steps(groups, lengths, epochs=epochs, **plan)
    flat = [[index for batch in step for index in batch] for step in steps]
    assert Counter(index for step in flat for index in step) == dict.fromkeys(range(len(groups)), epochs)
    assert all(len(step) == batch for step in flat[:-1])
    assert all(len(step) == -(-batch // micro) for step in steps[:-1])
    assert all(len(batch) <= micro for step in steps for batch in step)
    assert steps == plan_steps(groups, lengths, epochs=epochs, **plan)


def test_a_step_mixes_videos_and_keeps_runs_of_one_video_together() -> None:
    groups = [video for video in "abcdef" for _ in range(8)]
    plan = {"epochs": 1, "batch_size": 8, "micro_batch_size": 4, "per_video": 4}
    steps = plan_steps(groups, [10] * len(groups), seed=0, **plan)
    videos = [[{groups[index] for index in batch} for batch in step] for step in steps]
    assert all(len(batch) == 1 for step in videos for batch in step)
    assert sum(len(set.union(*step)) == 2 for step in videos) >= 3
    assert steps != plan_steps(groups, [10] * len(groups), seed=1, **plan)


def test_part_of_an_epoch_and_a_step_limit() -> None:
    plan = {"batch_size": 4, "micro_batch_size": 4, "per_video": 1, "seed": 0}
    assert sum(len(batch) for step in plan_steps(["a"] * 10, [1] * 10, epochs=0.5, **plan) for batch in step) == 5
    assert len(plan_steps(["a"] * 100, [1] * 100, epochs=3, max_steps=2, **plan)) == 2
