"""Stage `lora_checkpoint`: one training run an experiment, on the current preference set (section 3.5)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.aligned_responses import aligned_prompt
from videopasta_assets.stages.generation import EXTENT, PROMPT, of_content
from videopasta_assets.stages.materialize import Outcome, materialize
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.stages.training_set import training_set, with_recipe
from videopasta_assets.taxonomy import MODES, FailureMode
from videopasta_assets.training import TrainingConfig, TrainingPair
from videopasta_assets.training.config import TRAINER_VERSION
from videopasta_assets.training.job import TrainingJob, train_here
from videopasta_assets.training.pairs import write_pairs
from videopasta_assets.training.result import TrainingResult
from videopasta_assets.video.clip import Clip

STAGE_VERSION = "1"

TrainingProgress = Callable[[dict[str, Any]], None]
"""Told each logged step's metrics."""

Train = Callable[[Path, TrainingProgress | None], TrainingResult]
"""Does the job of a file, in this process or another."""


def experiment_named(project: Project, name: str) -> ExperimentSettings:
    """Settings of experiment `name`.

    Raises:
        UserError: videopasta.yaml has none of that name.
    """
    for experiment in project.settings.experiments:
        if experiment.name == name:
            return experiment
    known = ", ".join(experiment.name for experiment in project.settings.experiments)
    raise UserError(f"no experiment is named {name!r}", where="videopasta.yaml", fix=f"There are: {known}.")


def spec(project: Project, name: str) -> dict[str, str]:
    """Parts of the specification, by name."""
    experiment = experiment_named(project, name)
    prompts = project.prompts("responder")
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "trainer": TRAINER_VERSION,
        "training settings": stable_hash(experiment.training.identity),
        "seed": str(experiment.seed),
        "modes": ",".join(sorted(experiment.modes)),
        "dense sampling": project.sampling("policy").spec_hash,
        **project.frame_parts,
        f"{EXTENT}pairs": experiment.pairs,
        f"{EXTENT}most pairs": str(experiment.max_pairs),
        **({f"{EXTENT}mixture": stable_hash(experiment.mixture)} if experiment.mixture else {}),
        **{f"{PROMPT}aligned/{mode}": prompts.hash(f"aligned/{mode}") for mode in MODES},
    }


def versions(project: Project, name: str) -> dict[str, str]:
    """Versions of what the experiment's pairs are drawn from."""
    experiment = experiment_named(project, name)
    if experiment.mixture is not None:
        return {
            f"preference_set of {recipe}": with_recipe(project, recipe).data_version(
                "preference_set", preference_set.ALL
            )
            for recipe in sorted(experiment.mixture)
        }
    if experiment.pairs == "verified":
        return {"preference_set": project.data_version("preference_set", preference_set.ALL)}
    return {
        table: combined_hash(f"{shard} {project.data_version(table, shard)}" for shard in project.shards_of(table))
        for table in ("aligned_responses", "aligned_checks" if experiment.pairs == "on_policy" else "adversaries")
    }


def derive(project: Project, name: str) -> list[Derivation]:
    """The experiment's one row; none while there is nothing to train on."""
    experiment = experiment_named(project, name)
    chosen = training_set(project, experiment)
    if chosen is None:
        return []
    wanted = provenance(project, name, chosen.content)
    return [Derivation(name, wanted, (chosen, wanted))]


def provenance(project: Project, name: str, content: str) -> str:
    """Provenance of the experiment's checkpoint, trained on pairs of that content."""
    return stable_hash(content, of_content(spec(project, name)))


def training_pairs(project: Project, members: tuple[Row, ...]) -> list[TrainingPair]:
    """Pairs as training reads them: chosen and rejected under the aligned prompt, on the policy's frames."""
    clips: dict[tuple[str, str], Clip] = {}
    for name, shard in sorted({(_recipe_of_pair(project, member), member["pair_shard"]) for member in members}):
        origin = with_recipe(project, name)
        found = recipe_of(origin).training_clips(origin, shard)
        clips |= {(name, video): clip for video, clip in found.items()}
    pairs = []
    for member in members:
        clip = clips[_recipe_of_pair(project, member), member["video_id"]]
        pairs.append(
            TrainingPair(
                pair_id=member["pair_id"],
                clip=clip,
                prompt=aligned_prompt(project, member, clip.plan.duration),
                chosen=member["chosen"],
                rejected=member["rejected"],
                mode=FailureMode(member["adv_mode"]),
            )
        )
    return pairs


def _recipe_of_pair(project: Project, member: Row) -> str:
    return str(member.get("pair_recipe") or project.recipe)


def run(project: Project, name: str, progress: TrainingProgress | None = None, train: Train = train_here) -> Outcome:
    """Train the experiment if its pairs or settings changed.

    Args:
        project: settings and lake.
        name: the experiment.
        progress: told how training goes.
        train: does the job of a file; by default in this process.

    Raises:
        UserError: no pair of the experiment's modes was verified yet.
        VideoPastaError: training diverged.
    """
    if not derive(project, name):
        raise UserError(
            "there is no verified pair to train on",
            where=f"experiment {name}",
            fix='See `videopasta sql "SELECT verdict, count(*) FROM verdicts GROUP BY 1"` for why pairs were rejected.',
        )
    return materialize(
        project.lake,
        project.address("lora_checkpoint", name),
        lambda: derive(project, name),
        lambda todo: (_trained(project, derivation, progress, train) for derivation in todo),
        spec(project, name),
        inputs=lambda: versions(project, name),
    )


def adapter_of(project: Project, name: str) -> tuple[Path, str] | None:
    """Folder and hash of the experiment's adapter; None before it was trained."""
    rows = [row for row in project.lake.rows(project.address("lora_checkpoint", name)) if row["error"] is None]
    return (project.lake.local_folder(rows[0]["adapter"]), rows[0]["adapter_hash"]) if rows else None


def _trained(project: Project, derivation: Derivation, progress: TrainingProgress | None, train: Train) -> Row:
    name = derivation.row_key
    chosen, provenance = derivation.payload
    experiment = experiment_named(project, name)
    role = project.role("responder")
    config = TrainingConfig(
        **experiment.training.model_dump(),
        seed=experiment.seed,
        device=role.device,
        max_side=project.settings.frames.max_side,
    )
    folder = f"checkpoints/{project.recipe}/{name}/{provenance[:16]}"
    local = project.lake.local_folder(folder)
    local.mkdir(parents=True, exist_ok=True)
    write_pairs(training_pairs(project, chosen.members), local / "pairs.jsonl")
    job = TrainingJob(
        pairs=local / "pairs.jsonl",
        model=project.model_folder("responder"),
        output=local,
        videos=project.roots,
        decoder=project.settings.videos.decoder,
        max_bytes=project.settings.videos.max_bytes,
        decode_seconds=project.settings.videos.decode_seconds,
        preference_set=chosen.source,
        features=project.feature_folder,
        feature_store_gib=project.settings.frames.feature_store_gib,
        training=config,
    )
    job.save(local / "job.json")
    result = train(local / "job.json", progress)
    project.lake.publish_folder(folder)
    return {
        "row_key": name,
        "experiment": name,
        "preference_set": chosen.source,
        "base_model": project.model_id("responder"),
        "adapter": f"{folder}/{result.adapter.relative_to(local).as_posix()}",
        "adapter_hash": result.adapter_hash,
        "pairs": len(chosen.members),
        "steps": result.steps,
        "settings": config.model_dump_json(),
        "reward_accuracy": result.metrics.get("reward_accuracy"),
        "metrics": json.dumps(dict(result.metrics)),
        "seconds": result.seconds,
        "created_at": datetime.now(UTC),
    }
