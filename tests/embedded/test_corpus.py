import json
import random

import numpy as np

from videopasta_assets.embedded.corpus import degraded, pack_at, sampled_frames, verify_exchange
from videopasta_assets.recipes.verdict import parse_verdict, verdict_status
from videopasta_assets.taxonomy import VerdictStatus
from videopasta_assets.toyworld.splits import split_scene


def test_a_pack_depends_on_its_number_alone() -> None:
    for index in (0, 7):
        first, second = pack_at(1, index, 0.5), pack_at(1, index, 0.5)
        assert first.exchanges == second.exchanges
        assert (first.frames is None) == (second.frames is None)
        assert first.frames is None or np.array_equal(first.frames, second.frames)


def test_verdicts_are_what_the_recipe_reads() -> None:
    seen = set()
    for seed in range(150):
        rng = random.Random(seed)
        exchange = verify_exchange(split_scene("train", rng), rng)
        assert json.loads(exchange.reply)["reason"]
        aligned, adversary = exchange.prompt.split("\nA: ")[1].split("\nB: ")
        seen.add(verdict_status(parse_verdict(exchange.reply), aligned, adversary)[0])
    assert seen == set(VerdictStatus) - {VerdictStatus.REJECTED_PARSE}


def test_noise_keeps_the_picture() -> None:
    rng = random.Random(0)
    frames = sampled_frames(split_scene("train", rng), 4, rng)
    noisy = degraded(frames, rng)
    assert noisy.shape == frames.shape
    assert 0 < np.abs(noisy.astype(float) - frames).mean() < 30
