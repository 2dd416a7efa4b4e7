"""The objectives, as plain functions of log-probabilities (VideoPASTA Eq. 2 and 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import logsigmoid

from videopasta_assets.taxonomy import FailureMode


@dataclass(frozen=True)
class Rewards:
    """beta * (log pi - log pi_ref) of chosen and rejected responses, each of shape (pairs,)."""

    chosen: torch.Tensor
    rejected: torch.Tensor

    @property
    def margin(self) -> torch.Tensor:
        """How much better the policy thinks of the chosen response, relative to the reference."""
        return self.chosen - self.rejected


def rewards(logps: torch.Tensor, reference: torch.Tensor, beta: float) -> Rewards:
    """Implicit rewards. Both arguments are ordered `[chosen; rejected]`, shape (2 * pairs,)."""
    chosen, rejected = (beta * (logps - reference)).chunk(2)
    return Rewards(chosen, rejected)


def dpo_losses(given: Rewards) -> torch.Tensor:
    """-log sigma(margin), one a pair (Eq. 2)."""
    return -logsigmoid(given.margin)


def sft_losses(chosen_logps: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of a chosen response's tokens, one a pair."""
    return -chosen_logps / lengths


def summarize(given: Rewards, modes: Sequence[FailureMode]) -> dict[str, float]:
    """Reward accuracy, chosen, rejected and margin over all pairs and by mode; a tie is no success.

    Keys are `reward_<figure>` and `reward_<figure>/<mode>`.
    """
    figures = {
        "reward_accuracy": (given.chosen > given.rejected).double(),
        "reward_chosen": given.chosen,
        "reward_rejected": given.rejected,
        "reward_margin": given.margin,
    }
    summary = {name: float(values.mean()) for name, values in figures.items()}
    for mode in FailureMode:
        if members := [index for index, other in enumerate(modes) if other is mode]:
            summary |= {f"{name}/{mode}": float(values[members].mean()) for name, values in figures.items()}
    return summary
