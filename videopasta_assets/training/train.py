"""Train a LoRA adapter on verified pairs: resumable, atomic, and the same result for the same inputs."""

import hashlib
import logging
import math
import random
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.identity import adapter_identity, model_identity
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.files import replace_file
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training import ranks
from videopasta_assets.training.arguments import training_arguments
from videopasta_assets.training.base import load_base, uses_cpu
from videopasta_assets.training.batching import MicroBatch, plan_steps
from videopasta_assets.training.config import TRAINER_VERSION, TrainingConfig
from videopasta_assets.training.dpo_trainer import VideoDPOTrainer
from videopasta_assets.training.early_stop import TrainingDivergedError
from videopasta_assets.training.encoding import PAIR_SIDES, EncodedPair, PairEncoder, Side
from videopasta_assets.training.layouts import row_maker
from videopasta_assets.training.lora import load_adapter, lora_config
from videopasta_assets.training.model_card import model_card
from videopasta_assets.training.objective import Objective, summarize
from videopasta_assets.training.pairs import TrainingPair, count_by_mode, pairs_hash
from videopasta_assets.training.progress import LogCallback, Progress, mean_loss
from videopasta_assets.training.reference import StoredReference
from videopasta_assets.training.result import ADAPTER_FILE, TrainingResult, Workspace, checkpoint_step
from videopasta_assets.training.unpaired import draw_unpaired, unrelated_responses
from videopasta_assets.training.vision import ClipFeatures
from videopasta_assets.training.weights import mode_weights
from videopasta_assets.training.write_failure import write_failure
from videopasta_assets.video.reader import FrameReader

logger = logging.getLogger(__name__)

_MEASURED_AT_ONCE: Final = 16
_GIB: Final = 1024**3


def train_dpo(
    config: TrainingConfig,
    pairs: Sequence[TrainingPair],
    model_dir: Path,
    output_dir: Path,
    reader: FrameReader,
    progress: Progress | None = None,
    preference_set: str | None = None,
    features: FeatureStore | None = None,
    start: Path | None = None,
) -> TrainingResult:
    """Train on `pairs` and leave the adapter in `output_dir/adapter`.

    An interrupted run with the same inputs goes on from its last checkpoint and ends with the same weights as an
    uninterrupted one; a finished run is returned as it is. Metrics are appended to `output_dir/training_log.jsonl`.

    Args:
        pairs: order does not matter.
        model_dir: folder of the base model; it is also the reference.
        reader: decodes the pairs' clips.
        progress: told of every phase (see `Progress`).
        preference_set: hash that names the set which the pairs were drawn from; none: the hash of `pairs`.
        features: where vision features of clips are kept for other runs.
        start: folder of an adapter to go on from; the model with it is then the reference, and what is left behind
            takes its place.

    Raises:
        UserError: an empty set, a model without the named LoRA modules, a sequence that is too long, a folder that
            holds an adapter of another base, ...
        TrainingDivergedError: the loss or a gradient is not finite, or rewards collapsed. Any earlier adapter stays;
            the last good one of this run is kept in `output_dir/last_good`.
        VideoPastaError: a video cannot be read any more, or the output cannot be written.
    """
    started = time.monotonic()
    ordered = sorted(pairs, key=lambda pair: (pair.content_hash, pair.pair_id))
    mode_weights([pair.mode for pair in ordered], config.lambdas)  # refuses what cannot be trained on, before anything
    base_model = model_identity(model_dir)
    run_id = stable_hash(TRAINER_VERSION, config.identity, pairs_hash(ordered), base_model)
    if start is not None:
        run_id = stable_hash(run_id, adapter_identity(start))
    space = Workspace(output_dir)
    ranks.join(cpu=uses_cpu(config))
    finished = ranks.shared(space.finished(run_id))
    if finished is not None:
        return finished
    try:
        with space.alone() if ranks.is_first() else nullcontext():
            if ranks.is_first():
                space.claim(run_id, base_model)
            ranks.gathered(None)  # the folder is this run's
            run = _Run(config, ordered, model_dir, space, reader, progress, features, start)
            return run.train(run_id, base_model, preference_set or pairs_hash(ordered), started)
    except torch.OutOfMemoryError as error:
        raise VideoPastaError(
            "the GPU's memory is too small for this run; lower training.micro_batch_size, pairs_per_video or "
            "frames.dense.max_frames, or set training.gradient_checkpointing"
        ) from error
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = write_failure(error, output_dir)
        if reason is None:
            raise
        raise VideoPastaError(
            f"cannot write to {output_dir}: {reason}. Run again when that is mended: training goes on from its last "
            "checkpoint."
        ) from error


@dataclass(frozen=True)
class _Facts:
    """What a finished run's card and result tell, beside what the run knows itself."""

    run_id: str
    base_model: str
    preference_set: str
    scored: int
    metrics: Mapping[str, float]
    started: float


class _Run:
    """One call of `train_dpo`: a model, its encoded pairs and a trainer."""

    def __init__(
        self,
        config: TrainingConfig,
        pairs: Sequence[TrainingPair],
        model_dir: Path,
        space: Workspace,
        reader: FrameReader,
        progress: Progress | None,
        features: FeatureStore | None,
        start: Path | None,
    ) -> None:
        self._config = config
        self._start = start
        self._objective = Objective(config)
        pairs, self._shares = draw_unpaired(pairs, config.unpaired_samples, config.seed)
        self._pairs = pairs
        self._modes = [pair.mode for pair in pairs]
        self._space = space
        self._report = progress or (lambda _: None)
        self._base = load_base(model_dir, config)
        self._lora = lora_config(  # before anything slow: it may name modules that the base has not
            self._base.model,
            r=config.lora_r,
            alpha=config.lora_alpha,
            dropout=config.lora_dropout,
            target=config.lora_target,
        )
        encoder = PairEncoder(
            self._base,
            reader,
            max_side=config.max_side,
            max_tokens=config.max_tokens,
            system=pairs[0].prompt.system,
            store=features,
            model_id=model_identity(model_dir),
        )
        self._features = ClipFeatures(self._base.model, encoder, int(config.feature_cache_gib * _GIB))
        self._make_rows = row_maker(config, self._base, encoder)
        self._reference = StoredReference(features, config, model_identity(model_dir), pairs, reader.name, start)
        self._encoded = self._encode(encoder)
        self._resume = ranks.shared(space.last_checkpoint() if ranks.is_first() else None)
        weights = mode_weights(self._modes, config.lambdas)
        self._trainer = self._build_trainer(weights, LogCallback(space.log, progress, self._resumed_from, config))

    @property
    def _resumed_from(self) -> int:
        return 0 if self._resume is None else checkpoint_step(self._resume)

    def train(self, run_id: str, base_model: str, preference_set: str, started: float) -> TrainingResult:
        """Reference, training, scoring, publishing."""
        self._load_or_measure_reference()
        self._name_base(base_model)
        self._optimize()
        scored = self._scored_pairs()
        metrics = self._score(scored)
        weights = self._whole_weights()
        result = None
        if ranks.is_first():
            metrics = {"train_loss": mean_loss(self._space.log)} | metrics
            facts = _Facts(run_id, base_model, preference_set, len(scored), metrics, started)
            result = self._publish(facts, weights)
        return cast(TrainingResult, ranks.shared(result))

    def _publish(self, facts: "_Facts", weights: dict[str, torch.Tensor] | None) -> TrainingResult:
        """Adapter, card and result, in this order; then what only an unfinished run needs is removed."""
        by_mode = {mode.value: count for mode, count in count_by_mode(self._pairs).items()}
        steps = self._trainer.state.global_step
        card = model_card(
            config=self._config,
            base_model=facts.base_model,
            preference_set=facts.preference_set,
            pairs_by_mode=by_mode,
            scored=facts.scored,
            steps=steps,
            metrics=facts.metrics,
            run_id=facts.run_id,
        )
        staged = self._space.root / "adapter.new"
        shutil.rmtree(staged, ignore_errors=True)
        self._trainer.model.save_pretrained(staged, state_dict=weights, save_embedding_layers=False)
        (staged / "README.md").write_text(card, encoding="utf-8")
        self._space.publish(staged)
        result = TrainingResult(
            adapter=self._space.adapter,
            adapter_hash=hashlib.sha256((self._space.adapter / ADAPTER_FILE).read_bytes()).hexdigest(),
            run_id=facts.run_id,
            base_model=facts.base_model,
            preference_set=facts.preference_set,
            pairs=len(self._pairs),
            pairs_by_mode=by_mode,
            steps=steps,
            metrics=facts.metrics,
            seconds=time.monotonic() - facts.started,
            resumed_from=self._resumed_from,
        )
        result.save(self._space.result)
        shutil.rmtree(self._space.checkpoints, ignore_errors=True)
        shutil.rmtree(self._space.last_good, ignore_errors=True)
        return result

    def _optimize(self) -> None:
        """Take the steps that are left.

        Raises:
            TrainingDivergedError: says too what is kept and what to lower.
        """
        try:
            self._trainer.train(resume_from_checkpoint=None if self._resume is None else str(self._resume))
        except TrainingDivergedError as error:
            kept = self._space.keep_last_good() if ranks.is_first() else None
            state = f"The adapter of step {kept} is in {self._space.last_good}" if kept else "No good step was saved"
            raise TrainingDivergedError(
                f"training diverged: {error}. {state}; nothing was overwritten. Lower training.learning_rate (now "
                f"{self._config.learning_rate:g}) or raise training.beta."
            ) from error

    def _whole_weights(self) -> dict[str, torch.Tensor] | None:
        """The weights where they are spread over the processes; None where each process has them all."""
        trainer = self._trainer
        if not (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
            return None
        weights: dict[str, torch.Tensor] = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        return weights

    def _encode(self, encoder: PairEncoder) -> list[EncodedPair]:
        encoded = []
        others: Sequence[str | None] = [None] * len(self._pairs)
        if self._objective.uses_divergence:
            others = unrelated_responses(self._pairs, self._config.seed)
        for done, (pair, other) in enumerate(zip(self._pairs, others, strict=True), start=1):
            self._features.warm(pair.clip)
            encoded.append(encoder.encode(pair, other))
            self._report({"phase": "encode", "done": done, "total": len(self._pairs)})
        return encoded

    def _build_trainer(self, weights: Sequence[float], log: LogCallback) -> VideoDPOTrainer:
        config = self._config
        steps = self._plan()
        torch.manual_seed(config.seed)  # the adapter's initial weights
        trainer = VideoDPOTrainer(
            self._base.model,
            training_arguments(config, steps, self._space.checkpoints),
            self._base.processor.tokenizer,
            self._lora,
            steps=steps,
            pairs=self._encoded,
            modes=self._modes,
            weights=weights,
            make_rows=self._make_rows,
            features=self._features,
            batch_size=config.batch_size,
            objective=self._objective,
            shares=self._shares,
            callbacks=[log],
        )
        if self._start is not None:
            load_adapter(trainer.model, self._start)
        return trainer

    def _plan(self) -> list[list[MicroBatch]]:
        return plan_steps(
            [pair.clip.key for pair in self._pairs],
            [pair.length for pair in self._encoded],
            epochs=self._config.epochs,
            batch_size=self._config.batch_size,
            micro_batch_size=self._config.micro_batch_size,
            per_video=self._config.pairs_per_video,
            seed=self._config.seed,
            max_steps=self._config.max_steps,
        )

    def _load_or_measure_reference(self) -> None:
        """Fill the trainer's reference; SFT needs it for the pairs that are scored only."""
        if ranks.shared(self._space.reference.is_file()):
            self._trainer.reference = load_file(self._space.reference)["reference"]
            return
        shared = self._reference.load() if ranks.is_first() else None
        if (found := ranks.shared(shared)) is not None:
            self._trainer.reference = found
        else:
            needed = range(len(self._pairs)) if self._objective.uses_reference else self._scored_pairs()
            sides = self._objective.reference_sides
            self._measure("reference", needed, self._trainer.reference, sides, adapted=self._start is not None)
            if ranks.is_first():
                self._reference.keep(self._trainer.reference)
        if ranks.is_first():
            replace_file(self._space.reference, save({"reference": self._trainer.reference}))

    def _score(self, indices: Sequence[int]) -> dict[str, float]:
        logps = torch.full((len(self._pairs), len(PAIR_SIDES)), math.nan, dtype=torch.float64)
        self._measure("score", indices, logps, PAIR_SIDES, adapted=True)
        rows = list(indices)
        given = self._objective.rewards(self._trainer.scored(rows, logps[rows].T))
        return summarize(given, [self._modes[index] for index in rows])

    def _measure(
        self, phase: str, indices: Sequence[int], into: torch.Tensor, sides: Sequence[Side], *, adapted: bool
    ) -> None:
        """Log-probabilities of `indices`, video by video so that each is decoded once even with a small cache."""
        ordered = sorted(indices, key=lambda index: (self._pairs[index].clip.key, self._encoded[index].length))
        chunks = [ordered[start : start + _MEASURED_AT_ONCE] for start in range(0, len(ordered), _MEASURED_AT_ONCE)]
        own = []
        for chunk in ranks.own_part(chunks):
            own.append((chunk, self._trainer.measure(chunk, adapted=adapted, sides=sides)))
            done = min(len(own) * ranks.world_size() * _MEASURED_AT_ONCE, len(ordered))
            self._report({"phase": phase, "done": done, "total": len(ordered)})
        for part in ranks.gathered(own):
            for chunk, logps in part:
                into[chunk] = logps

    def _scored_pairs(self) -> list[int]:
        """At most `scored_pairs` pairs, evenly over the modes, the same for every run on this set."""
        share = max(1, self._config.scored_pairs // len(set(self._modes)))
        chosen: list[int] = []
        for mode in FailureMode:
            members = [index for index, other in enumerate(self._modes) if other is mode]
            chosen += random.Random(self._config.seed).sample(members, min(share, len(members)))
        return sorted(chosen)

    def _name_base(self, base_model: str) -> None:
        """PEFT records the base by its path, which means nothing elsewhere: record its name."""
        for adapter in self._trainer.model.peft_config.values():
            adapter.base_model_name_or_path = base_model.partition("@")[0]
