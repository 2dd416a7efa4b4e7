"""What a recipe is: the stages between a shard's sampled videos and its verified pairs.

All recipes fill the same tables (queries, aligned_responses, adversaries, verdicts, verified_pairs), so that what comes
after, and every question in SQL, is the same for all of them. r+ lies in aligned_responses and r- in adversaries,
whoever wrote them and in whichever order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from videopasta_assets.engines import Engine
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Engines, Project, RoleName, good_rows
from videopasta_assets.stages.sampled_videos import policy_clip
from videopasta_assets.video.clip import Clip

ComputeWithEngines = Callable[[Project, Engines, Sequence[Derivation]], Iterable[Row]]
"""Computes a stage's rows; a stage that asks no model ignores the engines."""


class _NoEngines:
    """What a stage is given that asks no model."""

    def engine(self, role: RoleName) -> Engine:
        raise TypeError(f"a stage that asks no model asked the {role}")


NO_ENGINES: Final = _NoEngines()


@dataclass(frozen=True)
class RecipeStage:
    """A stage with the way to compute its rows.

    Attributes:
        stage: table, inputs, specification and derivation.
        compute: computes rows.
        asks: a model is asked, so that the asset takes a place in the GPU pool.
    """

    stage: Stage
    compute: ComputeWithEngines
    asks: bool = True

    @property
    def table(self) -> str:
        """The table that the stage fills."""
        return self.stage.table

    def run(
        self, project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
    ) -> Outcome:
        """Bring the shard's rows up to date."""
        return run_stage(
            project,
            self.stage,
            shard,
            lambda todo: self.compute(project, engines, todo),
            retry_failed=retry_failed,
            progress=progress,
        )


def no_instruction(pair: Row) -> str | None:  # noqa: ARG001 - the signature of `Recipe.instruction`
    """Of recipes whose rejected answers follow no template of their own."""
    return None


@dataclass(frozen=True)
class Recipe:
    """One system: how pairs come about.

    Attributes:
        name: the key prefix of its assets.
        stages: what follows `sampled_videos`, in order.
        attempts: VideoPASTA's loop over adversaries and verdicts follows; without it both tables are among `stages`.
        sparse: rejected answers are written from the sparse frames, which then must differ from the dense ones.
        clips: what a pair's question is about, by video, where that is not the dense frames of the source file.
        instruction: the template that told a model how to write a pair's rejected answer; no line of it may be in a
            text that training reads. None: there was no such instruction.
    """

    name: str
    stages: tuple[RecipeStage, ...]
    attempts: bool = False
    sparse: bool = False
    clips: Callable[[Project, str], Mapping[str, Clip]] | None = None
    instruction: Callable[[Row], str | None] = no_instruction

    def __post_init__(self) -> None:
        """A recipe fills the tables that pairs are joined from."""
        tables = {stage.table for stage in self.stages}
        needed = {"queries", "aligned_responses"} | (set() if self.attempts else {"adversaries", "verdicts"})
        if missing := sorted(needed - tables):
            raise ValueError(f"recipe {self.name!r} has no stage for {', '.join(missing)}")

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables of a shard that only this recipe's runs fill, in order, `sampled_videos` and pairs left out."""
        loop = ("adversaries", "verdicts") if self.attempts else ()
        return (*(stage.table for stage in self.stages), *loop)

    def training_clips(self, project: Project, shard: str) -> Mapping[str, Clip]:
        """What training shows the policy, by source video: the same for chosen and rejected."""
        if self.clips is not None:
            if project.settings.frames.policy is not None:
                raise UserError(
                    f"recipe {self.name} trains on clips of its own",
                    where="frames.policy",
                    fix="Leave it out: training and evaluation then see the dense frames.",
                )
            return self.clips(project, shard)
        return {row["video_id"]: policy_clip(project, row) for row in good_rows(project, "sampled_videos", shard)}
