"""All models of a folder, in the order of their dependencies. Adding a model is adding a file."""

import difflib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from dbt_like_sql.model import SqlModel, parse_model
from dbt_like_sql.reference_views import MEANINGS
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES
from videopasta_assets.lake.sql import RECORDS

RECIPE_SETTINGS: Final = "recipe_settings"
PROVIDED: Final = (RECIPE_SETTINGS, *MEANINGS)
"""Views that a connection brings along: they are no tables of the lake and no models."""

MODELS: Final = Path(__file__).parent / "models"


@cache
def load_models(folder: Path = MODELS) -> tuple[SqlModel, ...]:
    """Models of `folder`, each after those that it reads.

    Raises:
        UserError: a model reads what does not exist, has a table's name, or reads itself in a circle.
    """
    models = {path.stem: parse_model(path) for path in sorted(folder.glob("*.sql"))}
    taken = {*TABLES, *RECORDS, *PROVIDED}
    known = taken | set(models)
    for model in models.values():
        if model.name in taken:
            raise UserError(
                f"{model.name!r} is a table of the lake already", where=str(model.path), fix="Rename the file."
            )
        for name, line in model.references.items():
            if name not in known:
                near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
                fix = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(sorted(known))}."
                raise UserError(f"no table or model {name!r}", where=f"{model.path}, line {line}", fix=fix)
    graph = {name: [other for other in model.references if other in models] for name, model in models.items()}
    try:
        return tuple(models[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise UserError(f"models read each other in a circle: {circle}", where=str(folder)) from error
