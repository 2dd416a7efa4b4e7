"""What is compared: recipes, and baselines that train on the same pairs by another objective, each on as many pairs.

A contender is the same project with another recipe or objective, and one training run.
"""

from dataclasses import dataclass
from typing import Final

from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.errors import UserError
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of

EXPERIMENT: Final = "compare"
"""Name of the training run that every compared recipe has; a baseline's has its name behind it."""

BASELINES: Final = ("sft", "kto", "apo_zero")
"""Objectives that are contenders by their name: they train on the pairs of the project's own recipe."""

USUAL: Final = ("sft", "kto", "videopasta", "timewarp_explicit", "timewarp_implicit", "videosavi")
"""What is compared beside the project's own recipe where nothing is named."""


@dataclass(frozen=True)
class Contender:
    """What is compared under one name: a recipe, and the objective where it is not the experiment's own."""

    name: str
    recipe: RecipeSettings
    objective: str | None = None

    @property
    def experiment(self) -> str:
        """Name of its training run."""
        return EXPERIMENT if self.objective is None else f"{EXPERIMENT}-{self.objective}"


def contenders(project: Project, names: list[str] | None = None) -> list[Contender]:
    """Who is compared: the named ones, else those of the project file, else the project's own recipe and the usual.

    Iterations are one unless the file's list says more: each costs the budget again.

    Raises:
        UserError: a name is given twice, or there is no such recipe or baseline.
    """
    own = project.settings.recipe
    listed = {recipe.name: recipe for recipe in project.settings.compare.recipes}
    wanted = names or list(listed) or list(dict.fromkeys((own.name, *USUAL)))
    if twice := sorted({name for name in wanted if wanted.count(name) > 1}):
        raise UserError(f"{twice[0]!r} is named twice", where="--recipes")
    found = []
    for name in wanted:
        if name in BASELINES:
            found.append(Contender(name, _once(listed.get(own.name, own), own), name))
            continue
        if name == own.name and listed.get(name, own) in (own, RecipeSettings(name=name)):
            recipe = _once(own, own)
        else:
            recipe = listed.get(name) or _usual(name, own)
        found.append(Contender(name, recipe))
    for contender in found:
        recipe_of(project_of(project, contender))
    return found


def _usual(name: str, own: RecipeSettings) -> RecipeSettings:
    """A recipe in its published settings, but for what the project's own section says of that recipe."""
    said = {key: getattr(own, key) for key in ("prompts", "timewarp_explicit", "timewarp_implicit")}
    try:
        return RecipeSettings(name=name, iterations=1, **said)
    except ValueError as error:
        raise UserError(f"{name!r} names no recipe", where="--recipes", fix="docs/recipes.md lists them.") from error


def _once(recipe: RecipeSettings, own: RecipeSettings) -> RecipeSettings:
    """The project's own rounds are not gone through again: they would be done anew, from another checkpoint."""
    return recipe.model_copy(update={"iterations": 1}) if recipe is own else recipe


def project_of(project: Project, contender: Contender, max_pairs: int | None = None) -> Project:
    """The project with that recipe and one training run: the first experiment's, on at most `max_pairs` pairs."""
    first = project.settings.experiments[0]
    training = first.training
    if contender.objective is not None:
        training = training.model_copy(update={"objective": contender.objective})
    run = ExperimentSettings(name=contender.experiment, seed=first.seed, training=training, max_pairs=max_pairs)
    return Project(project.settings.model_copy(update={"recipe": contender.recipe, "experiments": (run,)}))


def pairs_of(project: Project) -> int:
    """Pairs in the preference set of the project's recipe."""
    current = preference_set.current(project)
    return len(current.members) if current else 0
