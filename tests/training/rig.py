"""A trainer over tiny pairs, in float64, with an adapter that already differs from the base."""

from functools import partial
from pathlib import Path

import torch

from videopasta_assets.engines.loading import load_model
from videopasta_assets.training.arguments import training_arguments
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.dpo_trainer import VideoDPOTrainer
from videopasta_assets.training.encoding import PairEncoder
from videopasta_assets.training.lora import lora_config
from videopasta_assets.training.objective import Objective
from videopasta_assets.training.packed import Packer
from videopasta_assets.training.rows import plain_rows
from videopasta_assets.training.tree_attention import use_tree_attention
from videopasta_assets.training.unpaired import unrelated_responses
from videopasta_assets.training.vision import ClipFeatures, rope_index
from videopasta_assets.training.weights import mode_weights


class Rig:
    def __init__(
        self, model_dir: Path, pairs, reader, tmp_path: Path, layout: str = "plain", shares=None, **settings
    ) -> None:
        config = TrainingConfig(batch_size=len(pairs), micro_batch_size=len(pairs), lora_dropout=0.0, **settings)
        self.pairs, self.reader, self.config = pairs, reader, config
        self.loaded = load_model(model_dir, None, "cpu", "float64")
        self.loaded.model.requires_grad_(False)
        self.encoder = PairEncoder(self.loaded, reader)
        others = [None] * len(pairs)
        if config.objective == "kto":
            others = unrelated_responses(pairs, 0)
        encoded = [self.encoder.encode(pair, other) for pair, other in zip(pairs, others, strict=True)]
        use_tree_attention(self.loaded.model)
        maker = Packer(self.encoder, rope_index(self.loaded.model)).rows
        if layout == "plain":
            maker = partial(plain_rows, encoder=self.encoder)
        indices = tuple(range(len(pairs)))
        torch.manual_seed(1)
        self.trainer = VideoDPOTrainer(
            self.loaded.model,
            training_arguments(config, [[indices]], tmp_path),
            self.loaded.processor.tokenizer,
            lora_config(self.loaded.model, r=config.lora_r, alpha=config.lora_alpha, dropout=0.0),
            steps=[[indices]],
            pairs=encoded,
            modes=[pair.mode for pair in pairs],
            weights=mode_weights([pair.mode for pair in pairs], config.lambdas),
            make_rows=maker,
            features=ClipFeatures(self.loaded.model, self.encoder, 2**30),
            batch_size=len(pairs),
            objective=Objective(config),
            shares=shares,
        )
        self.model = self.trainer.model
        for name, parameter in self.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        self.trainer.reference = self.trainer.measure(
            list(indices), adapted=False, sides=self.trainer._objective.reference_sides
        )

    def loss(self, batches=None) -> torch.Tensor:
        """The step's loss, with gradients accumulated over `batches` of pair indices."""
        self.model.zero_grad()
        total = torch.zeros((), dtype=torch.float64)
        for batch in batches or [range(len(self.pairs))]:
            loss = self.trainer._compute_loss(
                self.model, {"pairs": torch.tensor(list(batch)), "step": torch.tensor(0)}, False
            )
            loss.backward()
            total += loss.detach()
        return total

    def gradients(self) -> dict[str, torch.Tensor]:
        return {name: part.grad.clone() for name, part in self.model.named_parameters() if part.grad is not None}
