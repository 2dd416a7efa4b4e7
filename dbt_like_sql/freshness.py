"""Whether the models' files may be behind the tables: a mark that a run sets first and clears last.

A run that was stopped in between leaves it, and the next one makes the models even if the tables need nothing.
"""

from typing import Final

from videopasta_assets.lake import Lake

_MARK: Final = "models/behind"


def mark_behind(lake: Lake) -> None:
    """The tables are about to change."""
    lake.write_file(_MARK, b"")


def mark_current(lake: Lake) -> None:
    """All models were made from the tables as they are."""
    lake.remove_file(_MARK)


def may_be_behind(lake: Lake) -> bool:
    """A run changed tables and has not made the models since."""
    return lake.has_file(_MARK)
