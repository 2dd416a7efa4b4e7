"""The folder of an export: made whole beside its place, then put there."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake.files import disk_errors

MARK: Final = "export.json"
"""Says what the folder was made from; a folder with it may be replaced."""


@dataclass(frozen=True)
class Export:
    """A finished export.

    Attributes:
        folder: where it is.
        kind: dataset or model, as hubs name them.
        rows: rows of the data; 0 for a model.
        files: what is in it, relative, in order.
    """

    folder: Path
    kind: str
    rows: int
    files: tuple[str, ...]


@contextmanager
def fresh_folder(target: Path, made_from: Mapping[str, Any]) -> Iterator[Path]:
    """A folder to write into, which becomes `target` at the end; what failed leaves `target` as it was.

    Args:
        target: place of the export; it may not exist, or be empty, or be an earlier export.
        made_from: written into its mark.

    Raises:
        UserError: `target` holds something else.
        LakeError: the disk is full, or writing is not allowed.
    """
    if target.exists() and not (target.is_dir() and (not any(target.iterdir()) or (target / MARK).is_file())):
        raise UserError(
            "this is no earlier export, so it is not overwritten",
            where=str(target),
            fix="Name another folder with --out, or remove it.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target and as deep as it: relative paths hold after the rename.
    folder = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"
    with disk_errors(target):
        folder.mkdir()
        try:
            yield folder
            (folder / MARK).write_text(json.dumps(made_from, indent=1, default=str) + "\n", encoding="utf-8")
            if target.exists():
                shutil.rmtree(target)
            os.replace(folder, target)  # noqa: PTH105 - as the lake does
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def finished(folder: Path, kind: str, rows: int) -> Export:
    """What is in a folder that was put in its place."""
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return Export(folder, kind, rows, tuple(files))
