"""Muon for the matrices inside the layers, AdamW for everything else."""

from typing import Any, Final

import torch

BETAS: Final = (0.9, 0.98)
DECAY: Final = 0.03


class Optimizer:
    """Both optimizers on some modules' parameters; embeddings, heads, convolutions and vectors are AdamW's.

    Muon orthogonalises each matrix's momentum, so that rare directions, such as the words of few examples, move as
    much as common ones. Its update is scaled to the size of AdamW's (Liu et al. 2025, arXiv:2502.16982, section 2.2),
    so both share one learning rate.
    """

    def __init__(self, *modules: torch.nn.Module) -> None:
        named = [(name, p) for module in modules for name, p in module.named_parameters()]
        matrices = [p for name, p in named if p.ndim == 2 and ("layers." in name or "blocks." in name)]
        chosen = {id(p) for p in matrices}
        rest = [p for _, p in named if id(p) not in chosen]
        self.parts: tuple[torch.optim.Optimizer, ...] = (
            torch.optim.Muon(matrices, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(
                [
                    {"params": [p for p in rest if p.ndim >= 2], "weight_decay": DECAY},
                    {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
                ],
                betas=BETAS,
            ),
        )

    def step(self, rate: float) -> None:
        """Apply the gradients at learning rate `rate`, and drop them."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)
