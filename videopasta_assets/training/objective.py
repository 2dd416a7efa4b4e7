"""The objectives, as plain functions of log-probabilities.

Weighted DPO (VideoPASTA Eq. 2 and 3), its length-normalized form and the one with a supervised term (TPO, RPO),
supervised fine-tuning on the chosen responses, and the two unpaired objectives that TimeWarp tried: KTO (Ethayarajh
et al., arXiv 2402.01306, Eq. 7) and APO-zero (D'Oosterlinck et al., arXiv 2408.06266, unpaired).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch.nn.functional import logsigmoid

from videopasta_assets.config.training import TrainingSettings
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.encoding import PAIR_SIDES, Side

UNPAIRED: Final = frozenset({"kto", "apo_zero"})
"""Objectives that judge each response by itself."""


@dataclass(frozen=True)
class Rewards:
    """beta * (log pi - log pi_ref) of chosen and rejected responses, each of shape (pairs,)."""

    chosen: torch.Tensor
    rejected: torch.Tensor

    @property
    def margin(self) -> torch.Tensor:
        """How much better the policy thinks of the chosen response, relative to the reference."""
        return self.chosen - self.rejected


@dataclass(frozen=True)
class Scored:
    """What a step knows of some pairs; all of shape (2, pairs), chosen first.

    Attributes:
        policy: log pi of each response, summed over its tokens.
        reference: log pi_ref of each.
        lengths: tokens of each.
        shares: weight of each as a sample of its own (unpaired objectives), from `draw_unpaired`.
    """

    policy: torch.Tensor
    reference: torch.Tensor
    lengths: torch.Tensor
    shares: torch.Tensor


class Objective:
    """What a run minimizes.

    Args:
        settings: `objective`, `beta` and the options that belong to it.
    """

    def __init__(self, settings: TrainingSettings) -> None:
        self._settings = settings
        self.sides: tuple[Side, ...] = ("chosen",) if settings.objective == "sft" else PAIR_SIDES
        """The responses that the gradient needs."""
        self.reference_sides: tuple[Side, ...] = (*PAIR_SIDES, "unrelated") if self.uses_divergence else PAIR_SIDES
        """The responses whose log pi_ref is measured before training."""

    @property
    def uses_reference(self) -> bool:
        """Whether the loss compares with the reference."""
        return self._settings.objective != "sft"

    @property
    def uses_divergence(self) -> bool:
        """Whether the loss needs an estimate of KL(policy || reference)."""
        return self._settings.objective == "kto"

    def rewards(self, scored: Scored) -> Rewards:
        """Implicit rewards; per token where log-probabilities are length-normalized."""
        ratio = scored.policy - scored.reference
        if self._settings.length_normalized:
            ratio = ratio / scored.lengths
        chosen, rejected = self._settings.beta * ratio
        return Rewards(chosen, rejected)

    def losses(self, scored: Scored, divergence: torch.Tensor | None = None) -> torch.Tensor:
        """The loss of each pair, shape (pairs,).

        Args:
            scored: of supervised fine-tuning only the chosen half of `policy` and `lengths` is read.
            divergence: `kl_estimate` of the step (KTO).
        """
        match self._settings.objective:
            case "sft":
                return sft_losses(scored.policy[0], scored.lengths[0])
            case "dpo":
                losses = dpo_losses(self.rewards(scored))
                if self._settings.sft_weight:
                    losses = losses + self._settings.sft_weight * sft_losses(scored.policy[0], scored.lengths[0])
                return losses
            case "kto":
                if divergence is None:
                    raise ValueError("KTO needs the step's divergence")
                desirable, undesirable = kto_losses(self.rewards(scored), self._settings.beta * divergence)
            case "apo_zero":
                desirable, undesirable = apo_zero_losses(self.rewards(scored))
        good = self._settings.desirable_weight * scored.shares[0] * desirable
        bad = self._settings.undesirable_weight * scored.shares[1] * undesirable
        return (good + bad) / 2  # a pair is two samples: the mean over pairs is the mean over samples


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


def kto_losses(given: Rewards, divergence: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """1 - sigma(reward - z) of desirable and 1 - sigma(z - reward) of undesirable responses, z = beta * KL."""
    return 1 - torch.sigmoid(given.chosen - divergence), 1 - torch.sigmoid(divergence - given.rejected)


def apo_zero_losses(given: Rewards) -> tuple[torch.Tensor, torch.Tensor]:
    """1 - sigma(reward) of desirable and sigma(reward) of undesirable responses: KTO at z = 0."""
    return 1 - torch.sigmoid(given.chosen), torch.sigmoid(given.rejected)


def kl_estimate(policy: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """KTO's z0 in nats: the mean log-ratio of responses to other questions, at least 0, without gradient."""
    return (policy - reference).mean().clamp(min=0).detach()


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
