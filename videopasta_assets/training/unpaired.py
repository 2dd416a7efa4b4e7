"""Preference pairs as samples of their own: desirable and undesirable responses (KTO, APO-zero).

A pair is two samples. TimeWarp makes four of an item that also has an altered video, for which the preference turns
round (section 6.1): that is the pair and its mirror, see `mirrored`.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

from videopasta_assets.errors import UserError
from videopasta_assets.training.pairs import TrainingPair
from videopasta_assets.video.clip import Clip


def mirrored(pair: TrainingPair, altered: Clip) -> TrainingPair:
    """The pair about its altered video: there the rejected response is the true one.

    The two together are TimeWarp's four samples: (V_o, a_o, desirable), (V_o, a_a, undesirable), (V_a, a_a,
    desirable), (V_a, a_o, undesirable).

    Raises:
        UserError: the altered clip shows the very frames of the original.
    """
    if altered.key == pair.clip.key:
        raise UserError(
            "the altered video is the original",
            where=f"training pair {pair.pair_id}",
            fix="Leave the item out: nothing distinguishes its two answers.",
        )
    return replace(pair, pair_id=f"{pair.pair_id}-altered", clip=altered, chosen=pair.rejected, rejected=pair.chosen)


def draw_unpaired(
    pairs: Sequence[TrainingPair], count: int | None, seed: int
) -> tuple[list[TrainingPair], list[tuple[float, float]]]:
    """Draw samples from `pairs`, half of them desirable, and drop the pairs that none was drawn of.

    Returns:
        The pairs that remain, and for each the weights of its (chosen, rejected) response: 0 where it was not drawn,
        else such that the mean over all pairs' halves is the mean over the drawn samples. All ones without `count`.
    """
    if count is None or count >= 2 * len(pairs):
        return list(pairs), [(1.0, 1.0)] * len(pairs)
    rng = random.Random(seed)
    half = count // 2
    desirable, undesirable = (set(rng.sample(range(len(pairs)), half)) for _ in range(2))
    kept = sorted(desirable | undesirable)
    weight = 2 * len(kept) / (2 * half)
    return (
        [pairs[index] for index in kept],
        [(weight * (index in desirable), weight * (index in undesirable)) for index in kept],
    )


def unrelated_responses(pairs: Sequence[TrainingPair], seed: int) -> list[str]:
    """For each pair a response to another question or video: what KTO estimates its KL term from.

    Chosen and rejected take turns. The same for every run on these pairs and this seed, whatever its batches.

    Raises:
        UserError: all pairs ask the same of the same video.
    """
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)
    asked = [(pair.clip.key, pair.prompt.system, pair.prompt.text) for pair in pairs]
    if len(set(asked)) == 1:
        raise UserError(
            "KTO needs pairs about at least two questions",
            where="training.objective",
            fix="Train on more pairs, or use objective: apo_zero or dpo.",
        )
    found = [""] * len(pairs)
    for place, index in enumerate(order):
        step = next(step for step in range(1, len(order)) if asked[order[(place + step) % len(order)]] != asked[index])
        other = pairs[order[(place + step) % len(order)]]
        found[index] = other.chosen if place % 2 == 0 else other.rejected
    return found
