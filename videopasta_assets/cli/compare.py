"""`videopasta compare`: recipes and baselines on the same videos with the same budget."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError, VideoPastaError

if TYPE_CHECKING:
    from videopasta_assets.stages.comparison import Contender
    from videopasta_assets.stages.project import Project

_COLUMNS: Final = {
    "benchmark": "benchmark",
    "mode": "mode",
    "contender": "recipe",
    "trained_on": "pairs",
    "base_accuracy": "before",
    "tuned_accuracy": "after",
    "points_per_1000": "points per 1,000 pairs",
    "share_of_best": "of the best",
    "tokens_per_pair": "tokens a pair",
    "seconds_per_pair": "seconds a pair",
}
"""Columns of the model that are shown, and what they are called."""


def compare(
    project: ProjectOption = HERE,
    recipes: Annotated[
        list[str] | None,
        typer.Option(
            help="Recipes, or the baselines sft, kto and apo_zero, comma separated.",
            show_default="compare.recipes, else the usual ones",
        ),
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=1, help="Pairs that each is trained on.", show_default="as many as all have")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print what was compared before.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make pairs with each recipe, train each on as many of them, and show scores, cost and gain beside each other."""
    from videopasta_assets.stages.comparison import contenders, pairs_of, project_of

    opened = open_project(project)
    names = [name.strip() for part in recipes or () for name in part.split(",") if name.strip()] or None
    wanted = contenders(opened, names)
    if not show:
        _check(opened, wanted)
        _compare(opened, wanted, pairs or opened.settings.compare.pairs)
    rows = _rows(opened, wanted)
    if as_json:
        print_json({"pairs": {one.name: pairs_of(project_of(opened, one)) for one in wanted}, "scores": rows})
        return
    shown = [[_text(name, row[name]) for name in _COLUMNS] for row in rows]
    heads = tuple(_COLUMNS.values())
    print_table(table("Recipes on the same videos and the same number of pairs", heads, shown, right=heads[3:]))
    OUT.print("ask        videopasta sql 'SELECT * FROM recipe_comparison'", highlight=False)


def _check(project: "Project", wanted: "list[Contender]") -> None:
    """What is missing is told before anything runs.

    Raises:
        UserError: there is no benchmark, or one cannot be read.
    """
    from videopasta_assets.stages.benchmark_items import check_ready

    if not project.settings.evaluation.benchmarks:
        raise UserError(
            "there is nothing to compare on", where="evaluation.benchmarks", fix="Name a benchmark in videopasta.yaml."
        )
    for benchmark in project.settings.evaluation.benchmarks:
        check_ready(project, benchmark.name)
    say(f"Compared are {', '.join(one.name for one in wanted)}.")


def _compare(project: "Project", wanted: "list[Contender]", budget: int | None) -> None:
    """Pairs of every recipe first, so that the budget is known; then a training run and its scores for each."""
    from videopasta_assets.cli.run import bring_up_to_date
    from videopasta_assets.stages.comparison import project_of

    made: dict[str, int] = {}
    for one in wanted:
        if one.recipe.name not in made:
            say(f"Recipe {one.recipe.name}: pairs")
            made[one.recipe.name] = _paired(project_of(project, one))
    budget = budget or min(filter(None, made.values()), default=0)
    for one in wanted:
        count = made[one.recipe.name]
        if count == 0:
            say(f"Recipe {one.recipe.name} made no pair: {one.name} is left out. Its verdicts and errors say why.")
            continue
        if count < budget:
            say(f"Recipe {one.recipe.name} has {count} pairs only, {budget} are the budget.")
        say(f"{one.name}: training on {min(budget, count)} pairs, scores")
        bring_up_to_date(project_of(project, one, budget), models=False)
    bring_up_to_date(project, select=["videos"], train=False)  # the SQL models, once


def _paired(project: "Project") -> int:
    """Make the recipe's pairs and their set; how many there are. A set that no gate lets through is none."""
    from videopasta_assets.cli.run import bring_up_to_date
    from videopasta_assets.planning import SHARD_ASSETS
    from videopasta_assets.stages.comparison import pairs_of
    from videopasta_assets.stages.project import good_rows

    bring_up_to_date(project, select=list(SHARD_ASSETS), models=False)
    shards = project.shards_of("verified_pairs")
    if not any(next(good_rows(project, "verified_pairs", shard), None) for shard in shards):
        return 0
    try:
        bring_up_to_date(project, select=["preference_set"], models=False)
    except VideoPastaError as error:
        say(f"Recipe {project.recipe}: {error}")
        return 0
    return pairs_of(project)


def _rows(project: "Project", wanted: "list[Contender]") -> list[dict[str, Any]]:
    """The model's rows of the contenders, under their names, an iteration behind the first with its number."""
    from dbt_like_sql.views import connect

    names = {(one.recipe.name, one.experiment): one.name for one in wanted}
    with connect(project.lake, recipe=project.settings.recipe) as connection:
        asked = connection.execute("SELECT * FROM recipe_comparison")
        columns = [column[0] for column in asked.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in asked.fetchall()]
    found = []
    for row in rows:
        name = names.get((row["recipe"], row["experiment"]))
        if name is not None:
            behind = f", iteration {row['iteration']}" if row["iteration"] > 1 else ""
            found.append({"contender": f"{name}{behind}", **row})
    return found


def _text(name: str, value: object) -> str:
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    if name in ("base_accuracy", "tuned_accuracy", "share_of_best"):
        return f"{100 * value:.1f} %"
    return f"{value:.4g}"
