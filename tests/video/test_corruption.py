"""Corrupted frames: the same shape, other pixels, and the clean ones untouched."""

import numpy as np
import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.video.corruption import Corruption, corrupted

FRAMES = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("corruption", [Corruption.resize(20), Corruption.colour(0.6, 0.2)])
def test_frames_change_and_the_clean_ones_do_not(corruption: Corruption) -> None:
    before = FRAMES.copy()
    worse = corrupted(FRAMES, corruption)
    assert worse.shape == FRAMES.shape and worse.dtype == np.uint8
    assert not np.array_equal(worse, FRAMES)
    assert np.array_equal(FRAMES, before)
    assert np.array_equal(worse, corrupted(FRAMES, corruption))


def test_a_resize_takes_detail_and_a_jitter_leaves_it() -> None:
    def detail(frames: np.ndarray) -> float:
        return float(np.abs(np.diff(frames.astype(float), axis=2)).mean())

    assert detail(corrupted(FRAMES, Corruption.resize(20))) < 0.6 * detail(FRAMES)
    assert corrupted(FRAMES, Corruption.colour(0.5, 0)).mean() == pytest.approx(FRAMES.mean() / 2, rel=0.05)
    assert np.array_equal(corrupted(FRAMES, Corruption.resize(60)), FRAMES), "small pictures are left alone"


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(UserError, match="0 pixels"):
        Corruption.resize(0)
    with pytest.raises(UserError, match="hue"):
        Corruption.colour(1.0, 0.7)
