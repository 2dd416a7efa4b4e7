"""Where a shard's rows of one table live."""

import re
from dataclasses import dataclass
from typing import Final

COMMON: Final = "common"
"""Recipe part of tables that belong to no recipe: videos are the same for all."""

_WORD: Final = re.compile(r"^[a-z0-9_-]{1,120}$")


@dataclass(frozen=True, order=True)
class Address:
    """(table, recipe, shard): one Parquet file. Each part is a safe word, never a file name of the user's."""

    table: str
    recipe: str
    shard: str

    def __post_init__(self) -> None:
        for part in (self.table, self.recipe, self.shard):
            if not _WORD.match(part):
                raise ValueError(f"{part!r} cannot be part of a lake address: only [a-z0-9_-]")

    @property
    def folder(self) -> str:
        """Hive-style folder under the lake's root, so that engines prune by recipe and shard."""
        return f"tables/{self.table}/recipe={self.recipe}/shard={self.shard}"
