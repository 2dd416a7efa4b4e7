"""TRL's DPO trainer for video: our rows, our weights, reference log-probabilities computed once.

TRL's own collator knows images only, takes no weight a pair and, for vision data, scores the reference again in
every step. Everything else (optimizer, schedule, accumulation, checkpoints, resumption) is TRL's and transformers'.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import nn
from torch.utils.data import DataLoader

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.batching import MicroBatch, passes_of
from videopasta_assets.training.early_stop import TrainingDivergedError
from videopasta_assets.training.encoding import EncodedPair
from videopasta_assets.training.libraries import DPOConfig, DPOTrainer, PrinterCallback
from videopasta_assets.training.lora import check_trainable
from videopasta_assets.training.objective import dpo_losses, rewards, sft_losses
from videopasta_assets.training.ranks import gathered, world_size
from videopasta_assets.training.rows import Rows, response_logps
from videopasta_assets.training.vision import ClipFeatures

RowMaker = Callable[..., Rows]
"""`plain_rows` or `Packer.rows`, with the encoder bound: pairs, and whether rejected responses are needed."""


class VideoDPOTrainer(DPOTrainer):  # type: ignore[misc]  # TRL is untyped
    """DPO (or supervised fine-tuning on the chosen responses) over planned steps.

    Args:
        model: the frozen base model; with the adapter disabled it is the reference.
        lora: the adapter's configuration, from `lora_config`.
        args: TRL's settings; `gradient_accumulation_steps` must be the micro-batches of a full step.
        steps: from `plan_steps`.
        pairs, modes, weights: what the plan's indices mean; weights from `mode_weights`.
        make_rows: lays pairs out for a forward pass.
        features: vision inputs of the clips.
        batch_size: pairs in a full step: the constant that every step's loss is divided by.
    """

    loss_is_scaled_for_ga = True  # we divide by the whole step's size ourselves

    def __init__(
        self,
        model: nn.Module,
        args: DPOConfig,
        tokenizer: Any,
        lora: Any,
        *,
        steps: Sequence[Sequence[MicroBatch]],
        pairs: Sequence[EncodedPair],
        modes: Sequence[FailureMode],
        weights: Sequence[float],
        make_rows: RowMaker,
        features: ClipFeatures,
        batch_size: int,
        objective: str = "dpo",
        callbacks: Sequence[Any] = (),
    ) -> None:
        self._pairs = pairs
        self._modes = modes
        self._weights = torch.tensor(weights, dtype=torch.float64)
        self.reference = torch.full((len(pairs), 2), torch.nan, dtype=torch.float64)
        """log pi_ref of chosen and rejected of each pair, shape (pairs, 2): to be filled before training."""
        self._make_rows = make_rows
        self._features = features
        self._batch_size = batch_size
        self._objective = objective
        super().__init__(
            model=model,
            args=args,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(passes_of(steps, world_size())),
            data_collator=lambda batches: {
                "pairs": torch.tensor(batches[0]["pairs"]),
                "idle": torch.tensor(batches[0]["idle"]),
            },
            callbacks=list(callbacks),
            peft_config=lora,
        )
        check_trainable(self.model)
        self.remove_callback(PrinterCallback)  # it prints every record to standard output

    def get_train_dataloader(self) -> DataLoader[Any]:
        """The planned micro-batches in order; order is part of what a resumed run must repeat."""
        loader = DataLoader(self.train_dataset, batch_size=1, shuffle=False, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def pair_logps(self, model: nn.Module, indices: Sequence[int], *, rejected: bool = True) -> torch.Tensor:
        """log pi of `[chosen; rejected]` (or chosen alone) of some pairs."""
        rows = self._make_rows([self._pairs[index] for index in indices], rejected=rejected)
        device = self.accelerator.device
        return response_logps(model, rows, self._features.model_inputs(rows.clips, device), device)

    def measure(self, indices: Sequence[int], *, adapted: bool) -> torch.Tensor:
        """log pi of chosen and rejected of some pairs without gradient, shape (pairs, 2); `adapted` or as the base."""
        self.model.eval()
        adapter = contextlib.nullcontext() if adapted else self.model.disable_adapter()
        with torch.no_grad(), adapter, self.compute_loss_context_manager():
            return self.pair_logps(self.model, indices).view(2, -1).T.double().cpu()

    def _compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool,  # noqa: ARG002  # TRL's signature
    ) -> torch.Tensor:
        indices = inputs["pairs"].tolist()
        idle = bool(inputs.get("idle", False))
        weights = self._weights[indices].to(self.accelerator.device)
        if self._objective == "sft":
            lengths = torch.tensor([len(self._pairs[index].chosen_ids) for index in indices])
            logps = self.pair_logps(model, indices, rejected=False)
            losses = sft_losses(logps, lengths.to(logps.device))
        else:
            logps = self.pair_logps(model, indices)
            given = rewards(logps, self.reference[indices].T.reshape(-1).to(logps), self.beta)
            losses = dpo_losses(given)
            if not idle:
                self._record(given.chosen.detach(), given.rejected.detach(), indices)
        # A constant divisor: the step as a whole is sum(w l) / batch_size whatever its micro-batches.
        # The gradient is averaged over the processes, hence their number.
        share = 0.0 if idle else world_size() / self._batch_size
        loss: torch.Tensor = (weights.to(losses) * losses).sum() * share
        if world_size() == 1 and not torch.isfinite(loss):  # of several, all see the gradient
            raise TrainingDivergedError(f"the loss became {loss.item()} at step {self.state.global_step + 1}")
        return loss

    def _record(self, chosen: torch.Tensor, rejected: torch.Tensor, indices: Sequence[int]) -> None:
        """Collect rewards a pair: TRL averages them when it logs, so each pair counts once whatever its batch."""
        metrics = self._metrics["train"]
        for good, bad, index in zip(chosen.tolist(), rejected.tolist(), indices, strict=True):
            figures = {"chosen": good, "rejected": bad, "margins": good - bad, "accuracies": float(good > bad)}
            for name, value in figures.items():
                metrics[f"rewards/{name}"].append(value)
                metrics[f"rewards/{name}/{self._modes[index]}"].append(value)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """TRL's, over the pairs of all processes."""
        if world_size() > 1:
            metrics = self._metrics["train"]
            together = gathered({name: list(values) for name, values in metrics.items()})
            metrics.clear()
            for part in together:
                for name, values in part.items():
                    metrics[name].extend(values)
        super().log(logs, start_time)

    def _clip_grad_norm(self, model: nn.Module) -> Any:
        norm = super()._clip_grad_norm(model)
        if norm is not None and not torch.isfinite(torch.as_tensor(norm)):
            raise TrainingDivergedError(f"a gradient became {float(norm)} at step {self.state.global_step + 1}")
        return norm

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        return dataset  # already token ids

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """Nothing: the adapter gets a card of ours, checkpoints get none."""

    def _send_telemetry(self) -> None:
        """Nothing: a training run tells nobody about itself."""
