"""TRL's DPO trainer for video: our rows, our weights, reference log-probabilities computed once.

TRL's own collator knows images only, takes no weight a pair and, for vision data, scores the reference again in
every step. Everything else (optimizer, schedule, accumulation, checkpoints, resumption) is TRL's and transformers'.
"""

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import nn
from torch.utils.data import DataLoader

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.batching import MicroBatch, passes_of
from videopasta_assets.training.early_stop import TrainingDivergedError
from videopasta_assets.training.encoding import PAIR_SIDES, EncodedPair, Side
from videopasta_assets.training.layouts import RowMaker
from videopasta_assets.training.libraries import DPOConfig, DPOTrainer, PrinterCallback
from videopasta_assets.training.lora import check_trainable
from videopasta_assets.training.objective import Objective, Rewards, Scored, kl_estimate
from videopasta_assets.training.ranks import gathered, world_size
from videopasta_assets.training.rows import response_logps
from videopasta_assets.training.vision import ClipFeatures


class VideoDPOTrainer(DPOTrainer):  # type: ignore[misc]  # TRL is untyped
    """An objective over planned steps: weighted DPO, or another of `objective.py`.

    Args:
        model: the frozen base model; with the adapter disabled it is the reference.
        lora: the adapter's configuration, from `lora_config`.
        args: TRL's settings; `gradient_accumulation_steps` must be the micro-batches of a full step.
        steps: from `plan_steps`.
        pairs, modes, weights: what the plan's indices mean; weights from `mode_weights`.
        shares: weights of each pair's (chosen, rejected) as samples of their own, from `draw_unpaired`.
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
        objective: Objective,
        shares: Sequence[tuple[float, float]] | None = None,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self._pairs = pairs
        self._modes = modes
        self._weights = torch.tensor(weights, dtype=torch.float64)
        self._shares = torch.tensor(shares or [(1.0, 1.0)] * len(pairs), dtype=torch.float64)
        self.reference = torch.full((len(pairs), len(objective.reference_sides)), torch.nan, dtype=torch.float64)
        """log pi_ref of the objective's `reference_sides` of each pair: to be filled before training."""
        self._make_rows = make_rows
        self._features = features
        self._batch_size = batch_size
        self._objective = objective
        self._steps = [sorted(index for batch in step for index in batch) for step in steps]
        self._divergence: tuple[int, torch.Tensor] | None = None
        super().__init__(
            model=model,
            args=args,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(passes_of(steps, world_size())),
            data_collator=lambda batches: {
                "pairs": torch.tensor(batches[0]["pairs"]),
                "idle": torch.tensor(batches[0]["idle"]),
                "step": torch.tensor(batches[0]["step"]),
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

    def pair_logps(self, model: nn.Module, indices: Sequence[int], sides: Sequence[Side] = PAIR_SIDES) -> torch.Tensor:
        """log pi of some pairs' responses, shape (sides, pairs)."""
        rows = self._make_rows([self._pairs[index] for index in indices], sides=sides)
        device = self.accelerator.device
        logps = response_logps(model, rows, self._features.model_inputs(rows.clips, device), device)
        return logps.view(len(sides), -1)

    def measure(self, indices: Sequence[int], *, adapted: bool, sides: Sequence[Side] = PAIR_SIDES) -> torch.Tensor:
        """log pi of some pairs' responses without gradient or dropout, shape (pairs, sides).

        Args:
            adapted: with the adapter as it is now; else as the reference.
        """
        training = self.model.training
        self.model.eval()
        adapter = contextlib.nullcontext() if adapted else self.model.disable_adapter()
        with torch.no_grad(), adapter, self.compute_loss_context_manager():
            logps = self.pair_logps(self.model, indices, sides).T.double().cpu()
        self.model.train(training)
        return logps

    def _compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool,  # noqa: ARG002  # TRL's signature
    ) -> torch.Tensor:
        indices = inputs["pairs"].tolist()
        idle = bool(inputs.get("idle", False))
        divergence = self._kl_of_step(int(inputs["step"])) if self._objective.uses_divergence else None
        scored = self.scored(indices, self.pair_logps(model, indices, self._objective.sides))
        losses = self._objective.losses(scored, divergence)
        if self._objective.uses_reference and not idle:
            self._record(self._objective.rewards(scored), indices)
        weights = self._weights[indices].to(losses)
        # A constant divisor: the step as a whole is sum(w l) / batch_size whatever its micro-batches.
        # The gradient is averaged over the processes, hence their number.
        share = 0.0 if idle else world_size() / self._batch_size
        loss: torch.Tensor = (weights * losses).sum() * share
        if world_size() == 1 and not torch.isfinite(loss):  # of several, all see the gradient
            raise TrainingDivergedError(f"the loss became {loss.item()} at step {self.state.global_step + 1}")
        return loss

    def scored(self, indices: Sequence[int], policy: torch.Tensor) -> Scored:
        """What the objective must know of some pairs, given log pi of their responses (sides, pairs)."""
        pairs = [self._pairs[index] for index in indices]
        lengths = torch.tensor([[len(pair.response(side)) for pair in pairs] for side in PAIR_SIDES])
        reference = self.reference[indices][:, : len(PAIR_SIDES)].T
        return Scored(policy, reference.to(policy), lengths.to(policy), self._shares[indices].T.to(policy))

    def _kl_of_step(self, step: int) -> torch.Tensor:
        """KTO's z0 over a whole optimizer step, so that it does not depend on the split into micro-batches.

        Measured once a step, before its first gradient; every process measures all of it.
        """
        if self._divergence is None or self._divergence[0] != step:
            indices = self._steps[step]
            logps = self.measure(indices, adapted=True, sides=("unrelated",))
            estimate = kl_estimate(logps[:, 0], self.reference[indices, -1]).to(self.accelerator.device)
            self._metrics["train"]["kl"].append(float(estimate))
            self._divergence = (step, estimate)
        return self._divergence[1]

    def _record(self, given: Rewards, indices: Sequence[int]) -> None:
        """Collect rewards a pair: TRL averages them when it logs, so each pair counts once whatever its batch."""
        metrics = self._metrics["train"]
        chosen, rejected = given.chosen.detach().tolist(), given.rejected.detach().tolist()
        for good, bad, index in zip(chosen, rejected, indices, strict=True):
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
