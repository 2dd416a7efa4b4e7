"""Recipes that are compared: the same project once a recipe, each with one training run on as many pairs."""

from dataclasses import dataclass
from typing import Final

from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.project import Project

EXPERIMENT: Final = "compare"
"""Name of the training run that every compared recipe has."""


@dataclass(frozen=True)
class Contender:
    """A compared recipe and the pairs that it has."""

    name: str
    pairs: int


def contenders(project: Project, names: list[str] | None = None) -> list[RecipeSettings]:
    """The recipes to compare: the named ones, else those of the project file, else the project's own.

    Iterations are one unless the file says more: each costs the budget again.
    """
    own = project.settings.recipe
    listed = {recipe.name: recipe for recipe in project.settings.compare.recipes}
    wanted = names or list(listed) or [own.name]
    return [
        own if name == own.name else listed.get(name, RecipeSettings(name=name, prompts=own.prompts, iterations=1))
        for name in wanted
    ]


def project_of(project: Project, recipe: RecipeSettings, max_pairs: int | None = None) -> Project:
    """The project with that recipe and one training run: the first experiment's, on at most `max_pairs` pairs."""
    first = project.settings.experiments[0]
    run = ExperimentSettings(name=EXPERIMENT, seed=first.seed, training=first.training, max_pairs=max_pairs)
    return Project(project.settings.model_copy(update={"recipe": recipe, "experiments": (run,)}))


def standing(project: Project) -> Contender:
    """The recipe of `project` and the pairs of its preference set."""
    current = preference_set.current(project)
    return Contender(project.recipe, len(current.members) if current else 0)
