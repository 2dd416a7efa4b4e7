"""TimeWarp-Implicit: how a rejected answer is led astray (arXiv 2510.03955 section 3.2, appendix C).

Half of the rejected answers follow a prompt that induces hallucinations, half see corrupted frames: one coin a clip
then decides between a shorter side of 20 pixels and a colour jitter. Each row draws from a generator of its own.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal

PROMPTS: Final = (
    "imagined_future",
    "hypothetical_events",
    "plausible_sequence",
    "absent_elements",
    "off_frame_activity",
    "plausible_augmentation",
    "invented_phenomena",
    "invented_tools",
)
"""Hallucination-inducing prompts, a template each: seven of the paper, and the one that its code adds."""


@dataclass(frozen=True)
class Perturbation:
    """What one rejected answer was given instead of the question on clean frames.

    Attributes:
        kind: `prompt`, `resize` or `colour`.
        prompt: name of the hallucination-inducing prompt.
        brightness: factor of the brightness.
        hue: turn of the hue.
    """

    kind: Literal["prompt", "resize", "colour"]
    prompt: str | None = None
    brightness: float = 1.0
    hue: float = 0.0

    @property
    def strategy(self) -> str:
        """Name of the way to fail, as the column `adv_strategy` has it."""
        return self.prompt or {"resize": "frames_resized", "colour": "frames_recoloured"}[self.kind]


def draw_perturbation(seed: int, prompt_share: float, brightness: float, hue: float) -> Perturbation:
    """The perturbation of one row; a function of its arguments alone.

    Args:
        seed: the row's own.
        prompt_share: how likely a prompt is, in [0, 1].
        brightness: the factor is drawn from [1 - brightness, 1 + brightness].
        hue: the turn is drawn from [-hue, hue].
    """
    rng = random.Random(seed)
    if rng.random() < prompt_share:
        return Perturbation("prompt", prompt=rng.choice(PROMPTS))
    if rng.random() < 0.5:
        return Perturbation("resize")
    return Perturbation("colour", brightness=rng.uniform(1 - brightness, 1 + brightness), hue=rng.uniform(-hue, hue))
