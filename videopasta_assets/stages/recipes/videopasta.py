"""VideoPASTA (arXiv 2504.14096): adversaries of three failure modes from sparse frames, verified by text."""

from typing import Final

from videopasta_assets.lake import Row
from videopasta_assets.stages import aligned_checks, aligned_responses, queries
from videopasta_assets.stages.generation import respond
from videopasta_assets.stages.recipe import Recipe, RecipeStage

QUERIES: Final = RecipeStage(queries.STAGE, queries.compute)
"""Questions of the query writer, as many of each mode as the settings say."""

ALIGNED: Final = RecipeStage(aligned_responses.STAGE, lambda _, engines, todo: respond(engines, todo))
"""The responder's answers on the dense frames."""

_CHECKED: Final = RecipeStage(aligned_checks.STAGE, aligned_checks.compute)


def adversary_template(pair: Row) -> str | None:
    """The template that an adversary was asked with."""
    return f"adversary/{pair['adv_mode']}/{pair['adv_strategy']}"


def recipe(name: str, *, checked: bool) -> Recipe:
    """VideoPASTA under the key prefix `name`; `checked`: aligned responses are checked by a method that sees."""
    stages = (QUERIES, ALIGNED, *((_CHECKED,) if checked else ()))
    return Recipe(name, stages, attempts=True, sparse=True, instruction=adversary_template)
