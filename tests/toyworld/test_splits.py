from itertools import islice

import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.toyworld.splits import SPLITS, bucket, scenes


def test_splits_are_disjoint_and_cover_everything() -> None:
    covered = [number for buckets in SPLITS.values() for number in buckets]
    assert sorted(covered) == list(range(100))


def test_no_story_is_in_two_splits() -> None:
    stories = {name: {scene.identity for scene, _ in islice(scenes(name, 0), 40)} for name in SPLITS}
    assert all(len(found) == 40 for found in stories.values())
    assert not stories["train"] & (stories["pairs"] | stories["benchmark"] | stories["validation"])
    assert not stories["pairs"] & (stories["benchmark"] | stories["validation"])


def test_thousands_of_scenes_share_no_story_between_splits() -> None:
    stories = [{scene.identity for scene, _ in islice(scenes(name, seed), 250)} for name in SPLITS for seed in (0, 1)]
    by_split = [stories[number] | stories[number + 1] for number in range(0, len(stories), 2)]
    assert sum(len(found) for found in by_split) == len(set().union(*by_split)) > 1950


def test_a_scene_lies_in_its_split() -> None:
    for name, buckets in SPLITS.items():
        assert all(bucket(scene) in buckets for scene, _ in islice(scenes(name, 3), 10))


def test_an_unknown_split_is_a_users_mistake() -> None:
    with pytest.raises(UserError, match="unknown toyworld split"):
        next(scenes("holdout", 0))
