"""Settings of benchmarks: which, where they lie, and how they are asked."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from videopasta_assets.config.strict import Settings

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=60)]

BenchmarkFormat = Literal[
    "items",
    "tempcompass",
    "perception_test",
    "nextqa",
    "mvbench",
    "vinoground",
    "mlvu",
    "longvideobench",
    "videomme",
    "tvbench",
    "vitatecs",
    "cinepile",
    "msrvtt_qa",
    "egoschema",
    "timewar",
    "order_probe",
]
"""How a benchmark's files are laid out: our own JSONL, or as they are published."""


class LmmsEvalSettings(Settings):
    """How lmms-eval is run, in an environment of its own."""

    python: Path | None = Field(
        default=None,
        description="Python of the environment that lmms-eval is installed in; none: that of `make lmms-env`.",
    )
    task: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="lmms-eval's name of the task; none, for format items: a task is made of the items.",
    )
    tasks: Path | None = Field(
        default=None, description="Folder of tasks of your own (lmms-eval's --include_path), relative to this file."
    )
    model: str = Field(
        default="qwen2_5_vl", pattern=r"^[A-Za-z0-9_-]+$", description="lmms-eval's name of the model's class."
    )
    model_args: str = Field(default="", description="Added to pretrained=..., such as max_num_frames=32.")
    metric: str | None = Field(default=None, description="Which of the task's metrics; none: its first.")
    percent: bool | None = Field(
        default=None, description="The metric is of 100, not of 1; none: it is of 100 where it is above 1."
    )
    batch_size: int = Field(default=1, ge=1, description="Requests at once.")
    limit: int | None = Field(default=None, ge=1, description="Only so many items; none: all.")
    timeout_hours: float = Field(default=48, gt=0, description="A run that takes longer is ended.")


class BenchmarkSettings(Settings):
    """One benchmark, in our own JSONL or as it is published (docs/benchmarks.md)."""

    name: _Name = Field(description="Lower-case letters, digits, - and _.")
    format: BenchmarkFormat = Field(
        default="items", description="items: our own JSONL; or the published benchmark whose files they are."
    )
    items: Path = Field(description="JSONL file; or the folder of a published benchmark's files.")
    videos: Path | None = Field(
        default=None, description="Folder of its videos; none: the folder of its file, or its own folder."
    )
    scoring: Literal["generate", "likelihood"] = Field(
        default="generate",
        description="generate: the model chooses among lettered options, one parser reads its reply; likelihood: each "
        "option is scored as an answer to the question, and the likeliest is taken (transformers engine).",
    )
    only: dict[str, tuple[str, ...]] = Field(
        default={}, description="Only items whose facets have these values, such as {task: [multi-choice]}."
    )
    sample: int | None = Field(default=None, ge=1, description="A seeded draw of so many items; none: all.")
    subtitles: bool | None = Field(
        default=None, description="Show subtitles with the question; none: as the benchmark does."
    )
    judge: bool = Field(
        default=False, description="The role judge decides about open answers; without it, words are matched."
    )
    runner: Literal["videopasta", "lmms-eval"] = Field(
        default="videopasta", description="lmms-eval: run by it, in its own environment; its result is kept."
    )
    lmms_eval: LmmsEvalSettings | None = Field(default=None, description="For runner lmms-eval: task, model_args, ...")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.runner == "lmms-eval" and self.lmms_eval is None:
            raise ValueError("runner lmms-eval needs lmms_eval: {task: ..., model_args: ...}")
        if self.runner == "lmms-eval" and self.lmms_eval and self.lmms_eval.task is None and self.format != "items":
            raise ValueError(f"lmms-eval is not told what to run: name its task for {self.format} in lmms_eval.task")
        if self.scoring == "likelihood" and self.format in ("msrvtt_qa",):
            raise ValueError(f"the open answers of {self.format} cannot be scored by likelihood: use scoring: generate")
        return self
