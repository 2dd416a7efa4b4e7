"""Ablations as YAML: cells are projects that differ in a few settings, experiments are trained in each."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from videopasta_assets.config.strict import Settings
from videopasta_assets.errors import UserError

_Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$", max_length=40)]
_FOLDER: Final = "grids"

Contents = dict[str, Any]
"""Keys of videopasta.yaml."""


class Cell(Settings):
    """One setting of an ablation."""

    name: _Word = Field(description="Folder of the cell.")
    label: str = Field(default="", description="What plots call it; none: its name.")
    reference: str = Field(default="", description="The paper's row of this setting.")
    settings: Contents = Field(default={}, description="Keys of videopasta.yaml that it changes.")

    @property
    def title(self) -> str:
        """What plots call it."""
        return self.label or self.name


class Arm(Settings):
    """One experiment that every cell trains."""

    name: _Word = Field(description="Name of the experiment.")
    label: str = Field(default="", description="What plots call it; none: its name.")
    reference: str = Field(default="", description="The paper's row of it.")
    settings: Contents = Field(default={}, description="Keys of the experiment.")
    share: float | None = Field(
        default=None, gt=0, le=1, description="Of the preference set's pairs: a seeded draw, even over the modes."
    )

    @property
    def title(self) -> str:
        """What plots call it."""
        return self.label or self.name


class Reference(Settings):
    """The paper's table that the ablation follows."""

    paper: str
    table: str


class Sizes(Settings):
    """How much toyworld is rendered where no project is given."""

    videos: int = Field(default=12, ge=1)
    benchmark_videos: int = Field(default=25, ge=1)
    items: int = Field(default=6, ge=1)


class Grid(Settings):
    """An ablation: every arm in every cell.

    `needs_project` says what the embedded default cannot show: other base models.
    """

    name: _Word
    title: str
    question: str
    reference: Reference | None = None
    settings: Contents = Field(default={}, description="Keys of videopasta.yaml that all cells change.")
    cells: tuple[Cell, ...] = (Cell(name="default"),)
    arms: tuple[Arm, ...] = (Arm(name="default"),)
    over: Literal["cells", "arms"] = Field(default="cells", description="What the plot's axis is.")
    robustness: bool = Field(default=False, description="Score refusals and their controls.")
    toyworld: Sizes = Sizes()
    needs_project: str = ""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (("cell", [c.name for c in self.cells]), ("arm", [a.name for a in self.arms])):
            if len(set(names)) < len(names):
                raise ValueError(f"two {kind}s have one name")
        return self


@cache
def grids() -> dict[str, Grid]:
    """The ablations that come along, by name."""
    folder = files(__package__).joinpath(_FOLDER)
    found = [read_grid(Path(str(path))) for path in sorted(folder.iterdir(), key=str) if path.name.endswith(".yaml")]
    return {grid.name: grid for grid in found}


def read_grid(path: Path) -> Grid:
    """The grid of a file.

    Raises:
        UserError: no such file, no YAML, or a key that is not known or has no fitting value.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError("there is no such grid", where=str(path)) from error
    except yaml.YAMLError as error:
        raise UserError(f"no valid YAML ({error})", where=str(path)) from error
    try:
        return Grid.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{place}: {first['msg']}", where=str(path)) from error


def merged(base: Contents, change: Contents) -> Contents:
    """`base` with the keys of `change`, section by section; lists are replaced whole."""
    found = dict(base)
    for key, value in change.items():
        old = found.get(key)
        found[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return found
