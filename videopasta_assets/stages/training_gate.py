"""Whether there is enough new to train on: automation asks, a person need not."""

import json
from dataclasses import dataclass

from videopasta_assets.lake import Row
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.lora_checkpoint import experiment_named
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.training_set import unfiltered_pairs


@dataclass(frozen=True)
class TrainingGate:
    """What an experiment's next training would have that its last one had not.

    Attributes:
        experiment: its name.
        pairs: pairs of its modes that the lake holds now.
        new_pairs: those of them that its checkpoint was not trained from, or that have changed since; all of them
            before the first checkpoint.
        min_new_pairs: how many it takes.
    """

    experiment: str
    pairs: int
    new_pairs: int
    min_new_pairs: int

    @property
    def is_open(self) -> bool:
        """Automation may train."""
        return self.new_pairs >= self.min_new_pairs

    def __str__(self) -> str:
        return f"{self.experiment}: {self.new_pairs} new of {self.pairs} pairs, it takes {self.min_new_pairs}"


def training_gate(project: Project, name: str) -> TrainingGate:
    """The gate of experiment `name`, from the pairs as they are now: the preference set need not be up to date.

    Raises:
        UserError: no experiment has that name.
    """
    experiment = experiment_named(project, name)
    verified = experiment.pairs == "verified"
    pool = preference_set.select(project).members if verified else unfiltered_pairs(project)
    pairs = [pair for pair in pool if pair["adv_mode"] in experiment.modes]
    checkpoint = _checkpoint(project, name)
    if checkpoint is None:
        new = len(pairs)
    elif verified:
        known = _members(project, checkpoint["preference_set"])
        new = sum((pair["pair_id"], pair["data_version"]) not in known for pair in pairs)
    else:  # the baseline's pairs have no manifest of their own
        new = max(0, len(pairs) - checkpoint["pairs"])
    return TrainingGate(name, len(pairs), new, project.settings.automation.min_new_pairs)


def _checkpoint(project: Project, name: str) -> Row | None:
    rows = project.lake.rows(project.address("lora_checkpoint", name))
    return next((row for row in rows if row["error"] is None), None)


def _members(project: Project, set_hash: str) -> set[tuple[str, str]]:
    """(pair_id, data version) of the pairs of an immutable preference set; none if its manifest is gone."""
    try:
        pairs = json.loads(project.lake.read_file(f"preference_sets/{project.recipe}/{set_hash}.json"))["pairs"]
    except FileNotFoundError:
        return set()
    return {(pair_id, version) for pair_id, version, _ in pairs}
