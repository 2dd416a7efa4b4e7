"""Reference log-probabilities that runs share: a sweep over learning rates, seeds or weights measures them once."""

from collections.abc import Sequence
from pathlib import Path

import torch

from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.identity import adapter_identity
from videopasta_assets.hashing import stable_hash
from videopasta_assets.training.base import uses_bfloat16, uses_cpu
from videopasta_assets.training.config import TRAINER_VERSION, TrainingConfig
from videopasta_assets.training.objective import Objective
from videopasta_assets.training.pairs import TrainingPair


class StoredReference:
    """log pi_ref of a run's pairs, under the identity of everything that decides it.

    That is the base model's files with its processor and chat template, the adapter that the run starts from, frames,
    prompts and responses of the pairs in their order, how clips are decoded and resized, and how the batches are laid
    out and computed. (TRL names its own cache by data set and model: fewer frames found the old values there.)

    Args:
        store: where it is kept; None: nowhere.
        config: of the run.
        base_model: `name@revision` of the base.
        pairs: of the run, in its order.
        decoder: name of the frame reader.
        start: adapter that the run starts from.
    """

    def __init__(
        self,
        store: FeatureStore | None,
        config: TrainingConfig,
        base_model: str,
        pairs: Sequence[TrainingPair],
        decoder: str,
        start: Path | None,
    ) -> None:
        objective = Objective(config)
        # Supervised runs measure a sample of the pairs only: nothing that others could use.
        self._store = store if objective.uses_reference else None
        computed = (config.layout, config.attention, config.quantization, uses_bfloat16(config), uses_cpu(config))
        self._key = stable_hash(
            "reference",
            TRAINER_VERSION,
            base_model,
            "" if start is None else (adapter_identity(start), config.lora_r, config.lora_alpha),
            [pair.content_hash for pair in pairs],
            decoder,
            config.max_side,
            computed,
            objective.reference_sides,
            config.seed if objective.uses_divergence else 0,  # which draws the unrelated responses
        )

    def load(self) -> torch.Tensor | None:
        """What was stored, shape (pairs, sides), float64."""
        found = None if self._store is None else self._store.get(self._key)
        return None if found is None else found["reference"]

    def keep(self, reference: torch.Tensor) -> None:
        """Store it."""
        if self._store is not None:
            self._store.put(self._key, {"reference": reference})
