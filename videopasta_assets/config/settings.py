"""Typed settings of a project. Field descriptions are the documentation: `videopasta init` prints them.

Values that the VideoPASTA paper publishes are the defaults where they make sense on any machine; where the
paper is silent the description says "our choice".
"""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveInt, StringConstraints, field_validator, model_validator

from videopasta_assets.config.embedded import EMBEDDED_MODEL
from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.config.gates import GateSettings
from videopasta_assets.config.launcher import LauncherSettings
from videopasta_assets.config.recipe import ITERATED, CompareSettings, RecipeName, RecipeSettings
from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.config.strict import Settings
from videopasta_assets.config.training import TrainerSettings, TrainingSettings
from videopasta_assets.taxonomy import MODES, FailureMode

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=60)]
"""A word that may become a partition key or a folder."""

EngineName = Literal["transformers", "vllm-server", "openai", "vllm"]
"""What answers for a role."""


class VideoSettings(Settings):
    """Where videos are and how they are batched."""

    folder: Path = Field(default=Path("videos"), description="Folder of videos, relative to this file.")
    patterns: tuple[str, ...] = Field(
        default=("**/*.mp4", "**/*.mkv", "**/*.webm", "**/*.mov", "**/*.avi", "**/*.ts"),
        description="Which files in it are videos.",
    )
    manifest: Path | None = Field(
        default=None,
        description="A file that names the videos in the folder, one path or one JSON object with a `path` a line; "
        "it replaces the patterns.",
    )
    remote: str | None = Field(
        default=None,
        description="Object storage (s3://bucket/prefix, gs://..., any fsspec URL) that is mirrored into the folder "
        "`mirror` in it.",
    )
    per_shard: int = Field(default=32, ge=1, le=4096, description="Videos in a shard, at most; a shard is sealed.")
    decoder: Literal["auto", "pyav", "decord"] = Field(
        default="auto",
        description="auto is PyAV, planned and exact; decord reads plain files alone (docs/video-reading.md).",
    )
    workers: int | None = Field(
        default=None, ge=1, le=128, description="Decoding processes at most; none: one a core, at most 8."
    )
    max_bytes: int = Field(default=8 * 1024**3, gt=0, description="Larger files are not read; they are reported.")
    decode_seconds: float = Field(
        default=60,
        gt=0,
        description="A decoder that takes longer on a file is ended, with a second more for each megabyte of it.",
    )

    @field_validator("remote")
    @classmethod
    def _holds_no_secret(cls, remote: str | None) -> str | None:
        if remote is None:
            return None
        place = urlsplit(remote)
        if not place.scheme or place.scheme == "file":
            raise ValueError("give the URL of an object storage, such as s3://bucket/prefix; folders go into `folder`")
        if place.username is not None or place.password is not None or place.query:
            raise ValueError("credentials belong in environment variables (AWS_ACCESS_KEY_ID, ...), not in the URL")
        return remote


class SamplingSettings(Settings):
    """Which frames a role sees."""

    strategy: Literal["count", "fps", "window"] = Field(
        default="count", description="count: that many frames spread evenly; fps: a rate; window: a rate in one second."
    )
    value: float = Field(default=32, gt=0, description="Frames for count, frames per second for fps and window.")
    max_frames: int = Field(default=32, ge=1, description="Never more frames than this (paper: 32).")
    snap: Literal["none", "keyframe"] = Field(
        default="none",
        description="keyframe: the nearest keyframe in the place of each frame: other moments than asked for, "
        "several times quicker to read (docs/video-reading.md).",
    )

    @model_validator(mode="after")
    def _a_window_is_not_snapped(self) -> Self:
        if self.snap != "none" and self.strategy == "window":
            raise ValueError("snap: keyframe goes with strategy count or fps: keyframes may all lie outside a window")
        return self


class FrameSettings(Settings):
    """Dense frames for aligned responses, sparse ones for adversaries (VideoPASTA sections 3.1-3.3)."""

    dense: SamplingSettings = Field(
        default=SamplingSettings(),
        description="Frames of queries and aligned responses, and of training and evaluation unless policy is given.",
    )
    sparse: SamplingSettings = Field(
        default=SamplingSettings(value=1), description="Frames that adversaries are generated from."
    )
    policy: SamplingSettings | None = Field(
        default=None,
        description="Frames of training and evaluation, where they are not the dense ones: fewer teach a model to "
        "answer from a cheaper look what the dense frames showed.",
    )
    max_side: int | None = Field(
        default=None, ge=16, description="Longest side in pixels that models get; none: as their processor decides."
    )
    feature_store_gib: float = Field(
        default=4.0,
        ge=0,
        description="Disk for vision features of clips (folder cache), which training, evaluation and the transformers "
        "engine share; 0: none.",
    )
    picture_store_gib: float = Field(
        default=2.0,
        ge=0,
        description="Disk for frames as they are sent to servers (folder cache), which all roles share; 0: none.",
    )
    allow_equal_plans: bool = Field(
        default=False,
        description="Accept dense and sparse plans that coincide (the 32:32 row of the sampling ablation).",
    )


class DecodingSettings(Settings):
    """How a role's tokens are drawn."""

    max_new_tokens: int = Field(default=256, ge=1, description="A longer reply is cut, and its row says so.")
    temperature: float = Field(default=0.0, ge=0, le=5, description="0 is greedy.")
    top_p: float = Field(default=1.0, gt=0, le=1, description="Sampling keeps the likeliest tokens up to this share.")
    repetition_penalty: float = Field(default=1.0, gt=0, description="1 is none.")


class RoleSettings(Settings):
    """Which model answers for a role, on which engine."""

    engine: EngineName = Field(
        default="transformers",
        description="transformers: in this process; vllm-server: a vLLM server that we start and stop; openai: the "
        "`server`, any that is OpenAI-compatible; vllm: in this process, where vLLM is installed (docs/engines.md).",
    )
    server: ServerSettings | None = Field(
        default=None,
        description="For engines openai and vllm-server: base_url, api_key_env, frames, ... (docs/engines.md).",
    )
    vllm: VllmSettings | None = Field(
        default=None, description="For engines vllm-server and vllm: python, dtype, arguments, ... (docs/engines.md)."
    )
    model: str = Field(
        default=EMBEDDED_MODEL, min_length=1, description="'embedded', a folder, or a name on the model hub."
    )
    revision: str | None = Field(default=None, description="Branch, tag or commit on the hub; pin it.")
    prompt_style: Literal["standard", "compact", "auto"] = Field(
        default="auto", description="auto: compact for the embedded model, standard for every other."
    )
    decoding: DecodingSettings = DecodingSettings()
    batch_size: int = Field(default=32, ge=1, description="Requests in a batch; halved by itself when memory is short.")
    device: str = Field(default="auto", description="auto: a GPU where there is one.")
    token_budget: int | None = Field(
        default=None,
        ge=1,
        description="Most tokens, of prompts and replies together, that a run may spend on the role; then it stops, "
        "and the next one goes on. None: no limit.",
    )

    @property
    def style(self) -> str:
        """The prompt style with `auto` resolved."""
        if self.prompt_style != "auto":
            return self.prompt_style
        return "compact" if self.model == EMBEDDED_MODEL else "standard"

    @model_validator(mode="after")
    def _a_server_is_named(self) -> Self:
        if self.engine == "openai" and self.server is None:
            raise ValueError("engine openai needs a server: give server: {base_url: http://...}")
        if self.engine == "vllm-server" and self.server is not None and "base_url" in self.server.model_fields_set:
            raise ValueError("engine vllm-server picks its own address: leave out base_url, or use engine openai")
        return self

    @model_validator(mode="after")
    def _a_model_is_named(self) -> Self:
        """The embedded model is the default where we load it: a server of others would be asked for it in vain."""
        if self.engine == "openai" and "model" not in self.model_fields_set:
            raise ValueError("engine openai needs a model: give model: NAME, a folder or a name on the hub")
        return self


class RolesSettings(Settings):
    """The four roles."""

    query_writer: RoleSettings = Field(
        default=RoleSettings(decoding=DecodingSettings(max_new_tokens=64, temperature=0.8, top_p=0.95)),
        description="Writes queries about a video.",
    )
    responder: RoleSettings = Field(
        default=RoleSettings(),
        description="Answers them, truthfully and under adversarial instruction. It is also trained.",
    )
    verifier: RoleSettings = Field(default=RoleSettings(), description="Judges pairs from their text alone.")
    judge: RoleSettings = Field(
        default=RoleSettings(), description="Judges which failure mode an adversary shows, blind."
    )


class ExperimentSettings(Settings):
    """One training run: a line of YAML, a partition of `lora_checkpoint`."""

    name: Name = Field(description="Lower-case letters, digits, - and _.")
    seed: int = Field(default=0, description="Seed of the adapter's first weights and of the order of pairs.")
    training: TrainingSettings = TrainingSettings()
    modes: tuple[FailureMode, ...] = Field(default=MODES, min_length=1, description="Modes whose pairs it trains on.")
    pairs: Literal["verified", "unfiltered", "on_policy"] = Field(
        default="verified",
        description="unfiltered: every first attempt, whatever the verifier said: a baseline to measure it; on_policy: "
        "rejected are the responder's own samples that disagree with a response that passed self_consistency.",
    )
    max_pairs: int | None = Field(
        default=None, ge=1, description="A seeded draw of so many pairs, spread over the modes; none: all."
    )
    balance: Literal["none", "words"] = Field(
        default="none",
        description="words: pairs whose words give the chosen answer away are seldom drawn, so that DPO must look at "
        "the video; without max_pairs so many are drawn as the balanced set is worth. none: every pair alike.",
    )
    mixture: dict[RecipeName, PositiveInt] | None = Field(
        default=None,
        description="Pairs of several recipes of this lake, so many of each by a seeded draw (TimeWarp's Combined: "
        "17000 of an imported set, 7500 of either TimeWarp); none: the recipe's own.",
    )

    @model_validator(mode="after")
    def _base_is_taken(self) -> Self:
        if self.mixture is not None and (
            self.pairs != "verified" or self.max_pairs is not None or self.balance != "none"
        ):
            raise ValueError("a mixture has its own numbers, of verified pairs: leave pairs, max_pairs and balance out")
        if self.name == "base":
            raise ValueError("'base' names the untuned model; choose another name")
        if ITERATED.search(self.name):
            raise ValueError(f"{self.name!r} ends as the partitions of later iterations do; choose another name")
        return self


class EvaluationSettings(Settings):
    """What the base and the tuned model are scored on."""

    benchmarks: tuple[BenchmarkSettings, ...] = Field(default=(), description="Benchmarks.")
    decoding: DecodingSettings = Field(
        default=DecodingSettings(max_new_tokens=64), description="How answers to benchmark items are drawn."
    )
    bootstrap_samples: int = Field(default=2000, ge=100, description="Resamples behind a score's interval.")


class AutomationSettings(Settings):
    """What Dagster's daemon starts by itself, and when. Nothing of it runs without `videopasta ui` or a daemon."""

    enabled: tuple[Literal["new_videos", "staleness", "nightly", "training"], ...] = Field(
        default=(), description="What is switched on from the start; Dagster's page Automation switches each."
    )
    look_seconds: int = Field(default=30, ge=1, description="new_videos looks at the folder this often.")
    settle_seconds: float = Field(
        default=10,
        ge=0,
        description="A new file lands when two looks at least so far apart found the same size and time.",
    )
    staleness_seconds: int = Field(default=300, ge=1, description="staleness asks the plan this often.")
    nightly: str = Field(default="0 3 * * *", description="When nightly regenerates what is stale (cron).")
    training: str = Field(default="0 5 * * 6", description="When training looks whether to train (cron).")
    timezone: str = Field(default="UTC", description="Time zone of the two schedules.")
    min_new_pairs: int = Field(
        default=100, ge=1, description="training trains an experiment once so many of its pairs are new to it."
    )


class ProjectSettings(Settings):
    """A whole project: `videopasta.yaml`."""

    lake: str = Field(
        default="lake",
        description="Where Parquet tables, manifests and checkpoints are kept: a folder, or object storage "
        "(s3://bucket/prefix, docs/distributed.md).",
    )
    seed: int = Field(default=0, description="Seed of everything that is drawn.")
    videos: VideoSettings = VideoSettings()
    frames: FrameSettings = FrameSettings()
    roles: RolesSettings = RolesSettings()
    recipe: RecipeSettings = RecipeSettings()
    experiments: tuple[ExperimentSettings, ...] = Field(
        default=(ExperimentSettings(name="default"),),
        description="Training runs: each is a partition of lora_checkpoint.",
    )
    launcher: LauncherSettings = LauncherSettings()
    gates: GateSettings = GateSettings()
    trainer: TrainerSettings = TrainerSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    compare: CompareSettings = CompareSettings()
    automation: AutomationSettings = AutomationSettings()
    oracle_truth: Path | None = Field(
        default=None, description="Folder of toyworld's truth files; only the oracle's scores read it."
    )
    root: Path = Field(default=Path(), exclude=True, description="Folder of the file itself; set by the loader.")

    @field_validator("lake")
    @classmethod
    def _holds_no_key(cls, lake: str) -> str:
        if "://" in lake and ((place := urlsplit(lake)).username is not None or place.query):
            raise ValueError("credentials belong in environment variables (AWS_ACCESS_KEY_ID, ...), not in the URL")
        return lake

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("experiment", [experiment.name for experiment in self.experiments]),
            ("benchmark", [benchmark.name for benchmark in self.evaluation.benchmarks]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {kind}s are named {twice[0]!r}")
        return self

    def path(self, relative: Path) -> Path:
        """`relative` seen from the project's folder; absolute paths stay."""
        return relative if relative.is_absolute() else self.root / relative
