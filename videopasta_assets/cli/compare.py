"""`videopasta compare`: recipes on the same videos with the same budget."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    from videopasta_assets.stages.comparison import Contender
    from videopasta_assets.stages.project import Project

_COLUMNS = {
    "benchmark": "benchmark",
    "mode": "mode",
    "recipe": "recipe",
    "trained_on": "pairs",
    "base_accuracy": "before",
    "tuned_accuracy": "after",
    "points_per_1000": "points per 1,000 pairs",
    "tokens_per_pair": "tokens a pair",
    "seconds_per_pair": "seconds a pair",
}
"""Columns of the model that are shown, and what they are called."""


def compare(
    project: ProjectOption = HERE,
    recipes: Annotated[
        list[str] | None, typer.Option(help="Recipes, comma separated.", show_default="compare.recipes")
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Pairs that each is trained on.", show_default="as many as all have")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print what was compared before.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make pairs with each recipe, train each on as many of them, and show scores, cost and gain beside each other."""
    from videopasta_assets.stages.comparison import contenders, project_of, standing

    opened = open_project(project)
    names = [name.strip() for part in recipes or () for name in part.split(",") if name.strip()] or None
    wanted = contenders(opened, names)
    if not show:
        _check(opened, [recipe.name for recipe in wanted])
        found = []
        for recipe in wanted:
            say(f"Recipe {recipe.name}: pairs")
            found.append(_paired(project_of(opened, recipe)))
        budget = pairs or opened.settings.compare.pairs or min((one.pairs for one in found if one.pairs), default=0)
        for recipe, one in zip(wanted, found, strict=True):
            if one.pairs == 0:
                say(f"Recipe {recipe.name} made no pair: it is left out.")
                continue
            if one.pairs < budget:
                say(f"Recipe {recipe.name} has {one.pairs} pairs only, {budget} are the budget.")
            say(f"Recipe {recipe.name}: training on {min(budget, one.pairs)} pairs, scores")
            _trained(project_of(opened, recipe, budget))
    rows = _rows(opened, [recipe.name for recipe in wanted])
    standings = [standing(project_of(opened, recipe)) for recipe in wanted]
    if as_json:
        print_json({"pairs": {one.name: one.pairs for one in standings}, "scores": rows})
        return
    shown = [[_text(row[name]) for name in _COLUMNS] for row in rows]
    heads = tuple(_COLUMNS.values())
    print_table(table("Recipes on the same videos and the same number of pairs", heads, shown, right=heads[3:]))
    OUT.print("ask        videopasta sql 'SELECT * FROM recipe_comparison'", highlight=False)


def _check(project: "Project", names: list[str]) -> None:
    """A recipe that does not exist, or a benchmark that is missing, is told before anything runs.

    Raises:
        UserError: it is so.
    """
    from videopasta_assets.stages.comparison import contenders, project_of
    from videopasta_assets.stages.recipes import recipe_of

    if len(set(names)) != len(names):
        raise UserError("a recipe is named twice", where="--recipes")
    for recipe in contenders(project, names):
        recipe_of(project_of(project, recipe))
    if not project.settings.evaluation.benchmarks:
        raise UserError(
            "there is nothing to compare on", where="evaluation.benchmarks", fix="Name a benchmark in videopasta.yaml."
        )


def _paired(project: "Project") -> "Contender":
    from videopasta_assets.cli.run import bring_up_to_date
    from videopasta_assets.stages.comparison import standing

    bring_up_to_date(project, train=False)
    return standing(project)


def _trained(project: "Project") -> None:
    from videopasta_assets.cli.run import bring_up_to_date

    bring_up_to_date(project)


def _rows(project: "Project", names: list[str]) -> list[dict[str, Any]]:
    from dbt_like_sql.views import connect
    from videopasta_assets.stages.comparison import EXPERIMENT

    with connect(project.lake, recipe=project.settings.recipe) as connection:
        asked = connection.execute("SELECT * FROM recipe_comparison WHERE experiment = ?", [EXPERIMENT])
        columns = [column[0] for column in asked.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in asked.fetchall()]
    return [row for row in rows if row["recipe"] in names]


def _text(value: object) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
