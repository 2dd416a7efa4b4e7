"""Which recipe a project uses: one of ours by name, or the user's own from a Python file."""

import hashlib
import importlib.util
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from videopasta_assets.config.recipe import VIDEOPASTA
from videopasta_assets.errors import UserError
from videopasta_assets.stages import aligned_checks
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipe import Recipe
from videopasta_assets.stages.recipes import (
    hound_dpo,
    imported,
    timewarp_explicit,
    timewarp_implicit,
    tpo,
    videopasta,
    videosavi,
)

_BUILT_IN: Final[dict[str, Callable[[Project], Recipe]]] = {
    VIDEOPASTA: lambda project: videopasta.recipe(VIDEOPASTA, checked=aligned_checks.wanted(project)),
    hound_dpo.NAME: hound_dpo.recipe,
    timewarp_explicit.NAME: timewarp_explicit.recipe,
    tpo.NAME: tpo.recipe,
    timewarp_implicit.NAME: timewarp_implicit.recipe,
    videosavi.NAME: videosavi.recipe,
}


def recipe_names() -> list[str]:
    """Names of the recipes that need no code of the user."""
    return list(_BUILT_IN)


def recipe_of(project: Project) -> Recipe:
    """The recipe that the project's settings name.

    Raises:
        UserError: there is none of that name, or the user's file defines none.
    """
    settings = project.settings.recipe
    if settings.code is not None:
        return _own_recipe(project, settings.name, project.settings.path(settings.code))
    build = _BUILT_IN.get(settings.name)
    if build is None and imported.preferences_file(project, settings.name).is_file():
        return imported.recipe(settings.name)
    if build is None:
        raise UserError(
            f"no recipe is named {settings.name!r}",
            where="recipe.name",
            fix=f"Use one of: {', '.join(_BUILT_IN)}; import a set of that name; or give recipe.code.",
        )
    return build(project)


def _own_recipe(project: Project, name: str, path: Path) -> Recipe:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"recipe.code cannot be read ({error.strerror})", where=str(path)) from error
    build = _loaded(path, digest)
    recipe = build(project) if callable(build) else build
    if not isinstance(recipe, Recipe):
        raise UserError(
            "the file defines no recipe",
            where=str(path),
            fix="Give it `def recipe(project): return Recipe(...)` (docs/write-a-recipe.md).",
        )
    if recipe.name != name:
        raise UserError(
            f"the file's recipe is named {recipe.name!r}, the project's {name!r}",
            where=str(path),
            fix="Name them alike: the name is the key prefix.",
        )
    return recipe


@lru_cache(maxsize=8)
def _loaded(path: Path, digest: str) -> object:
    spec = importlib.util.spec_from_file_location(f"videopasta_recipe_{digest[:16]}", path)
    if spec is None or spec.loader is None:
        raise UserError("this is no Python file", where=str(path), fix="Its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"the recipe's code fails: {type(error).__name__}: {error}", where=str(path)) from error
    return getattr(module, "recipe", None)
