"""Weighted DPO on verified pairs: a LoRA adapter of the language model, trained with TRL.

`train_dpo` (in `train.py`) is the entry; importing this package does not import torch.
"""

from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.pairs import TrainingPair, pairs_hash
from videopasta_assets.training.weights import mode_weights

__all__ = ["TrainingConfig", "TrainingPair", "mode_weights", "pairs_hash"]
