"""The recipes, one file a system, and which of them a project uses."""

from videopasta_assets.stages.recipes.registry import recipe_names, recipe_of

__all__ = ["recipe_names", "recipe_of"]
