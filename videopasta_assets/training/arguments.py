"""A planned run as TRL's arguments."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videopasta_assets.training import ranks
from videopasta_assets.training.base import uses_bfloat16, uses_cpu
from videopasta_assets.training.batching import MicroBatch
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.libraries import DPOConfig


def warmup_steps(ratio: float, steps: int) -> int:
    """Steps of a run's warm-up, the first of which has learning rate 0; a share of less than one step is none."""
    wanted = ratio * steps
    return math.ceil(wanted) if wanted >= 1 else 0


def training_arguments(config: TrainingConfig, steps: Sequence[Sequence[MicroBatch]], checkpoints: Path) -> Any:
    """TRL's arguments of a planned run."""
    return DPOConfig(
        output_dir=str(checkpoints),
        max_steps=len(steps),
        per_device_train_batch_size=config.micro_batch_size,
        gradient_accumulation_steps=math.ceil(config.batch_size / config.micro_batch_size / ranks.world_size()),
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.scheduler,
        warmup_steps=warmup_steps(config.warmup_ratio, len(steps)),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        beta=config.beta,
        max_length=None,
        disable_dropout=False,
        gradient_checkpointing=config.gradient_checkpointing,
        bf16=uses_bfloat16(config),
        use_cpu=uses_cpu(config),
        seed=config.seed,
        data_seed=config.seed,
        save_steps=config.save_steps,
        save_total_limit=2,
        logging_steps=config.logging_steps,
        logging_first_step=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        report_to="none",
    )
