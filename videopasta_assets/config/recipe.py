"""Settings of a recipe: one system of the literature as configuration.

The keys are common to all recipes; what a paper publishes is the default of the recipe that is named after it.
"""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from videopasta_assets.config.strict import Settings
from videopasta_assets.taxonomy import STRATEGIES, FailureMode

RecipeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
"""A word that may become a key prefix and a folder."""

VIDEOPASTA: Final = "videopasta"
ITERATED: Final = re.compile(r"__i([0-9]+)$")
"""How partition keys of later iterations end."""

_RESERVED: Final = frozenset({"common", "sql"})

PUBLISHED: Final[dict[str, dict[str, Any]]] = {
    "timewarp_implicit": {
        "queries_per_video": 1,
        "queries_by_mode": {FailureMode.TEMPORAL: 1},
        "adversaries_per_query": 1,
        "max_attempts": 1,
        "adversary_temperature": 0.0,
    },
    "timewarp_explicit": {
        "queries_per_video": 3,
        "queries_by_mode": {FailureMode.TEMPORAL: 3},
        "adversaries_per_query": 1,
        "max_attempts": 1,
        "adversary_temperature": 0.0,
        "contrast": "verifier",
    },
    "hound_dpo": {"adversaries_per_query": 1, "max_attempts": 1},
    "tpo": {"queries_per_video": 4, "adversaries_per_query": 1, "max_attempts": 1},
    "videosavi": {
        "queries_per_video": 6,
        "queries_by_mode": {FailureMode.SPATIAL: 3, FailureMode.TEMPORAL: 3},
        "adversaries_per_query": 1,
        "iterations": 4,
    },
}
"""Defaults of the recipes other than VideoPASTA where they differ from its own, from their papers and code."""


class AlignedCheckSettings(Settings):
    """VideoPASTA: a check of aligned responses that can see, before adversaries are paid for. The paper has none."""

    method: Literal["text", "self_consistency", "video"] = Field(
        default="text",
        description="text: the verifier's reading alone (the paper); self_consistency: samples of the responder must "
        "agree with its answer; video: the judge looks at the frames.",
    )
    samples: int = Field(default=4, ge=1, le=32, description="Samples of self_consistency.")
    temperature: float = Field(default=0.7, gt=0, le=5, description="Of those samples.")
    agreement: float = Field(default=0.75, gt=0, le=1, description="Share of samples that must agree.")
    frame_plans: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Frame plans that the samples are spread over: the dense one, and the same moved between its "
        "frames. What rests on a lucky frame does not agree with itself.",
    )
    policy_samples: int = Field(
        default=0,
        ge=0,
        le=32,
        description="Further samples of self_consistency, on the policy's frames. They have no vote: where they say "
        "something else, experiments with pairs: on_policy take them as rejected.",
    )
    seconds: float = Field(
        default=1.0, ge=0, description="Numbers of seconds that are no further apart count as the same words."
    )
    agree_by: Literal["auto", "words", "verifier"] = Field(
        default="auto",
        description="words: the same words; verifier: no contradiction; auto: words in the compact prompt style.",
    )


class ImplicitSettings(Settings):
    """TimeWarp-Implicit (arXiv 2510.03955, section 3.2): both answers are the responder's own."""

    questions: Literal["temporal", "descriptions"] = Field(
        default="temporal",
        description="temporal: questions of the query writer (the paper's text); descriptions: one of eight short "
        "requests to describe what happens (its code).",
    )
    prompt_share: float = Field(
        default=0.5, ge=0, le=1, description="Share of rejected answers that a hallucination-inducing prompt gives."
    )
    shorter_side: int = Field(default=20, ge=2, description="Pixels that corrupted frames are reduced to.")
    brightness: float = Field(default=0.5, ge=0, le=1, description="Colour jitter: brightness, 1 give or take this.")
    hue: float = Field(default=0.3, ge=0, le=0.5, description="Colour jitter: hue, turned by up to this.")


class ExplicitSettings(Settings):
    """TimeWarp-Explicit (arXiv 2510.03955, section 3.1): one question, answered from scenes in two orders."""

    annotations: Path | None = Field(
        default=None,
        description="Folder of scene annotations (VIDEO_ID.json, or named after the file) in FineVideo's layout, a "
        "plain one, or timed captions such as the `annotations` that `videopasta toyworld` writes; none: scenes are "
        "detected and the query_writer captions them.",
    )
    limit_seconds: float = Field(default=105.0, gt=0, description="Paper: 105; later scenes are left out.")
    answers: Literal["auto", "captions", "video"] = Field(
        default="auto",
        description="captions: questions and answers are written from the scenes' texts (the paper); video: the "
        "responder answers from the two videos; auto: video in the compact prompt style.",
    )
    detector_threshold: float = Field(default=27.0, gt=0, description="PySceneDetect's content detector (its default).")
    held_out: float = Field(
        default=0.0,
        ge=0,
        le=0.9,
        description="Share of videos, by their hash, that `videopasta timewar` asks about and no pair is made of.",
    )
    min_scene_seconds: float = Field(default=0.5, gt=0, description="Shorter detected scenes join their neighbour.")


class RecipeSettings(Settings):
    """Which system makes the pairs. `recipe: NAME` alone switches to another one with its own defaults."""

    name: RecipeName = Field(
        default=VIDEOPASTA,
        description="videopasta or another recipe of docs/recipes.md, or of your own; key prefix of its assets.",
    )
    code: Path | None = Field(
        default=None, description="Python file of a recipe of your own (docs/write-a-recipe.md); none: one of ours."
    )
    queries_per_video: int = Field(default=10, ge=1, description="VideoPASTA: 10.")
    queries_by_mode: dict[FailureMode, int] | None = Field(
        default=None, description="How many of each mode; none: 4/3/3, rotated by video (our choice)."
    )
    adversaries_per_query: int = Field(default=3, ge=1, le=5, description="VideoPASTA: 3.")
    adversary_policy: Literal["one_per_mode", "within_query_mode"] = Field(
        default="one_per_mode",
        description="One adversary a mode (the paper's majority reading), or all in the query's.",
    )
    strategies: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Ways in which adversaries break their mode, at least one of each mode; none: all sixteen. "
        "Those that open with a phrase (in a flashback, without any ...) also teach the phrase.",
    )
    max_attempts: int = Field(
        default=3, ge=1, le=10, description="Attempts a slot, rejected ones included (our choice)."
    )
    aligned_check: AlignedCheckSettings = AlignedCheckSettings()
    pairs_per_mode: int | None = Field(default=None, ge=1, description="Cap for a balanced preference set; none: all.")
    adversary_temperature: float = Field(default=0.8, ge=0, le=5, description="Adversaries are sampled (our choice).")
    contrast: Literal["words", "verifier"] = Field(
        default="words",
        description="Recipes other than VideoPASTA: words drops pairs that say the same in the same words; verifier "
        "asks the verifier too whether the answers contradict each other.",
    )
    iterations: int = Field(
        default=1, ge=1, le=20, description="VideoSAVi: 4. Each starts from the model that the last one tuned."
    )
    hound_candidates: int = Field(
        default=4, ge=2, le=16, description="hound_dpo: answers sampled a question (our choice)."
    )
    prompts: Path | None = Field(default=None, description="Folder of templates of your own that replace ours by name.")
    timewarp_implicit: ImplicitSettings = ImplicitSettings()
    timewarp_explicit: ExplicitSettings = ExplicitSettings()

    @model_validator(mode="before")
    @classmethod
    def _published(cls, given: Any) -> Any:
        """A bare name, and the defaults that belong to the name."""
        if isinstance(given, str):
            given = {"name": given}
        if not isinstance(given, dict):
            return given
        name = str(given.get("name", VIDEOPASTA))
        published = PUBLISHED.get(name, {} if name == VIDEOPASTA else {"adversaries_per_query": 1})
        count, by_mode = given.get("queries_per_video"), published.get("queries_by_mode")
        if isinstance(count, int) and by_mode is not None:
            published = {**published, "queries_by_mode": _shared(count, tuple(by_mode))}
        return {**published, **given}

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.queries_by_mode is not None and sum(self.queries_by_mode.values()) != self.queries_per_video:
            raise ValueError(
                f"queries_by_mode adds up to {sum(self.queries_by_mode.values())}, queries_per_video is "
                f"{self.queries_per_video}"
            )
        if self.name in _RESERVED:
            raise ValueError(f"a recipe cannot be named {self.name!r}")
        return self

    @field_validator("strategies")
    @classmethod
    def _are_strategies(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        known = [name for names in STRATEGIES.values() for name in names]
        for name in given or ():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
                raise ValueError(f"no strategy is named {name!r}; {hint}")
        for mode, names in STRATEGIES.items():
            if given is not None and not set(names) & set(given):
                raise ValueError(f"no strategy of mode {mode}: name one of {', '.join(names)}")
        return given

    @property
    def strategies_by_mode(self) -> dict[FailureMode, tuple[str, ...]]:
        """The strategies of each mode, in the taxonomy's order."""
        wanted = self.strategies
        return {
            mode: names if wanted is None else tuple(name for name in names if name in wanted)
            for mode, names in STRATEGIES.items()
        }


class CompareSettings(Settings):
    """`videopasta compare`: recipes on the same videos, with as many pairs and the same training for each."""

    recipes: tuple[RecipeSettings, ...] = Field(
        default=(), description="Names of recipes, or their settings; none: the project's own alone."
    )
    pairs: int | None = Field(
        default=None, ge=1, description="Pairs that each is trained on; none: as many as the one with fewest has."
    )


def _shared(count: int, modes: tuple[FailureMode, ...]) -> dict[FailureMode, int]:
    """`count` questions over the modes of a recipe, the first ones with one more where it does not divide."""
    share, rest = divmod(max(0, count), len(modes))
    return {mode: share + (number < rest) for number, mode in enumerate(modes)}
