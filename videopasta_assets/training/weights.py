"""Weights that make a random mini-batch an unbiased estimate of the mode-weighted DPO objective.

VideoPASTA Eq. 3 is a weighted sum of subset means, L = sum_m lambda_m E_{D_m}[l], not a mean over pairs. With

    w_i = lambda_{m(i)} * N / (M * N_{m(i)})

the mean of w_i l_i over all pairs is L / M, so any random batch estimates it. M is the number of modes that have
pairs (the paper trains on all three; then M = 3): with equal subsets and unit lambdas every weight is 1 and the
objective is plain DPO, for one, two or three modes alike.
"""

from collections.abc import Mapping, Sequence

from videopasta_assets.errors import UserError
from videopasta_assets.taxonomy import FailureMode


def mode_weights(modes: Sequence[FailureMode], lambdas: Mapping[FailureMode, float]) -> list[float]:
    """The weight of each pair, given the pairs' modes; a mode without a lambda has 1.

    Raises:
        UserError: no pairs, a negative lambda, or every pair weighs nothing.
    """
    if not modes:
        raise UserError("the preference set is empty", fix="Train on at least one verified pair.")
    negative = [mode.value for mode, value in lambdas.items() if value < 0]
    if negative:
        raise UserError(f"lambda of {', '.join(negative)} is negative", fix="Give lambdas of zero or more.")
    counts = {mode: modes.count(mode) for mode in set(modes)}
    by_mode = {mode: lambdas.get(mode, 1.0) * len(modes) / (len(counts) * count) for mode, count in counts.items()}
    if not any(by_mode.values()):
        raise UserError(
            "every pair has weight zero",
            where="training.lambdas",
            fix=f"Give a positive lambda to one of: {', '.join(sorted(mode.value for mode in counts))}.",
        )
    return [by_mode[mode] for mode in modes]
